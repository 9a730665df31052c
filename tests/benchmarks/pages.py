"""A server of ready pages: rt_hrl_lmps as Data Miner 2 sends it, 50,000 rows a page, for any day and any number of nodes.

It runs as a process of its own, so that neither contestant pays for it, and keeps each page ready, gzipped, before it
is asked for in earnest. Prices are synthetic, six decimals, as plausible as a benchmark needs.

    python -m tests.benchmarks.pages --nodes 4166
"""

from __future__ import annotations

import argparse
import functools
import gzip
import json
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")
PAGE = 50_000
ROW = (
    '{{"datetime_beginning_utc":"{utc:%Y-%m-%dT%H:%M:%S}","datetime_beginning_ept":"{ept:%Y-%m-%dT%H:%M:%S}","pnode_id":{node},'
    '"pnode_name":"NODE{node}  138 KV","voltage":"138 KV","equipment":"T{node}","type":"LOAD","zone":"AEP",'
    '"system_energy_price_rt":{energy:.6f},"total_lmp_rt":@,"congestion_price_rt":@,"marginal_loss_price_rt":@,'
    '"row_is_current":true,"version_nbr":1}}'
)


def hours(day: date) -> list[datetime]:
    start, end = (datetime(d.year, d.month, d.day, tzinfo=EASTERN).astimezone(UTC) for d in (day, day + timedelta(days=1)))
    return [start + timedelta(hours=n) for n in range(int((end - start) / timedelta(hours=1)))]


@functools.lru_cache(maxsize=64)
def page(day: date, start_row: int, nodes: int) -> bytes:
    """The gzipped answer to one question."""
    at, total = hours(day), nodes * len(hours(day))
    noise = random.Random(f"{day} {start_row}")
    rows = []
    for row in range(start_row - 1, min(start_row - 1 + PAGE, total)):
        utc = at[row // nodes]
        energy = 20 + 15 * (utc.hour % 12)
        congestion, loss = noise.uniform(-9, 9), noise.uniform(-2, 2)
        text = ROW.format(utc=utc, ept=utc.astimezone(EASTERN), node=1_000_000 + row % nodes, energy=energy)
        first, second, third, last = text.split("@")
        rows.append(f"{first}{energy + congestion + loss:.6f}{second}{congestion:.6f}{third}{loss:.6f}{last}")
    head = '{"links":[{"rel":"self","href":"/rt_hrl_lmps"}],"items":['
    return gzip.compress(f'{head}{",".join(rows)}],"searchSpecification":{{}},"totalRows":{total}}}'.encode(), 1)


def directory(nodes: int) -> bytes:
    names = [
        {
            "pnode_id": 1_000_000 + n,
            "pnode_name": f"NODE{1_000_000 + n}  138 KV",
            "pnode_type": "BUS",
            "pnode_subtype": "LOAD",
            "zone": "AEP",
            "voltage_level": "138 KV",
            "effective_date": "2010-01-01T00:00:00",
            "termination_date": "9999-12-31T00:00:00",
        }
        for n in range(nodes)
    ]
    return gzip.compress(json.dumps({"links": [], "items": names, "searchSpecification": {}, "totalRows": nodes}).encode(), 1)


def _asked_day(asked: dict[str, list[str]]) -> date:
    """From `2026-06-01T04:00to…` (UTC) or `06/01/2026 00:00to…` (market time): both name the market day."""
    if "datetime_beginning_ept" in asked:
        month, day, year = re.findall(r"\d+", asked["datetime_beginning_ept"][0])[:3]
        return date(int(year), int(month), int(day))
    first = re.split("to", asked["datetime_beginning_utc"][0])[0].strip()
    return datetime.fromisoformat(first).replace(tzinfo=UTC).astimezone(EASTERN).date()


def serve(nodes: int) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            asked = parse_qs(url.query)
            if url.path.endswith("/pnode"):
                self._send(200, directory(nodes))
            elif url.path.endswith("/rt_hrl_lmps"):
                self._send(200, page(_asked_day(asked), int(asked["startRow"][0]), nodes))
            else:
                self._send(404, gzip.compress(b'{"code":404,"message":"no such feed"}'))

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


@contextmanager
def serving(*, nodes: int) -> Iterator[str]:
    """The base URL of a server in another process."""
    command = [sys.executable, "-m", "tests.benchmarks.pages", "--nodes", str(nodes)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/api/v1"
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, required=True)
    serve(parser.parse_args().nodes)
