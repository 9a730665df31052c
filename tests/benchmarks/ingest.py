"""The whole way in: bytes over HTTP → archive → parse → blocks, versions, coverage, event; against gridstatus and to_sql."""

from __future__ import annotations

import logging
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

from django.db import connection
from django.test import override_settings

from energyopti.feeds import registry
from energyopti.feeds.runner import sync
from energyopti.intervals import market_day
from tests.benchmarks import pages
from tests.benchmarks.table import Row

NODES = 12_500  # six pages of 50,000 rows a day
REPEATS = 5
PEER_REPEATS = 3
LAST = datetime.now(UTC).date() - timedelta(days=20)
DAYS = [day for n in range(30) if len(pages.hours(day := LAST - timedelta(days=n))) == 24]


@contextmanager
def upstream(nodes: int) -> Iterator[str]:
    """Our settings pointed at a server of ready pages, as if it were PJM with a key and no limit."""
    with (
        pages.serving(nodes=nodes) as url,
        override_settings(PJM_BASE_URL=url, PJM_API_KEY="benchmark", PJM_RATE_LIMIT_DELAY=0, SANDBOX="off", PJM_CACHE_DURATION=0),
    ):
        yield url


def ours(days: list[date]) -> list[float]:
    """Seconds for each day."""
    feed, taken = registry.feed("pjm.rt_hrl_lmps"), []
    for day in days:
        window = market_day(day, feed.zone)
        started = time.perf_counter()
        summary = sync(feed, window)
        taken.append(time.perf_counter() - started)
        assert summary.exit_code == 0, summary
    return taken


def peer(url: str, days: list[date]) -> list[float]:
    """Seconds for each day: gridstatus' own reading of the same answers, then DataFrame.to_sql."""
    import gridstatus.pjm
    import sqlalchemy

    logging.getLogger("gridstatus").setLevel(logging.WARNING)
    gridstatus.pjm.DATA_MINER_URL = f"{url}/"
    iso, taken = gridstatus.pjm.PJM(api_key="benchmark"), []
    database = connection.settings_dict
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: connection.Database.connect(**connection.get_connection_params())
    )
    assert database
    for day in days:
        started = time.perf_counter()
        frame = iso.get_lmp_real_time_hourly(day.isoformat())
        frame.to_sql("benchmark_peer", engine, if_exists="append", index=False)
        taken.append(time.perf_counter() - started)
        assert len(frame) == NODES * 24
    engine.dispose()
    return taken


def _ready(url: str, days: list[date]) -> None:
    """Ask for every page once, so that the server has it ready."""
    for day in days:
        first = pages.hours(day)[0]
        for row in range(1, NODES * 24, pages.PAGE):
            with urllib.request.urlopen(f"{url}/rt_hrl_lmps?datetime_beginning_utc={first:%Y-%m-%dT%H:%M}to&startRow={row}") as answer:
                answer.read()


def run() -> list[Row]:
    rows = NODES * 24
    with upstream(NODES) as url:
        days, peers_days = DAYS[: REPEATS + 1], DAYS[:PEER_REPEATS]
        _ready(url, days)
        assert sync(registry.feed("pjm.pnode"), market_day(LAST, pages.EASTERN)).exit_code == 0  # the peer reads the node list too
        mine = statistics.median(ours(days)[1:])  # the first makes the month's partitions
        theirs = statistics.median(peer(url, peers_days))
    table = [
        Row(
            "bytes to committed, versions, coverage and archive included (300,000 rows)",
            f"{rows / mine:,.0f} rows/s",
            f"gridstatus + to_sql {rows / theirs:,.0f} rows/s",
            f"{theirs / mine:.0f}x (goal 20x)",
            theirs / mine >= 20,
        )
    ]
    return [*table, memory()]


def memory() -> Row:
    """Peak memory of a process that pulls 5 windows against one that pulls 50, 48,000 rows each."""
    few, many = (_peak(windows) for windows in (5, 50))
    growth = many / few - 1
    return Row(
        "peak memory, 50 windows of 48,000 rows", f"{many:.0f} MB", f"5 windows {few:.0f} MB", f"+{growth:.0%} (goal < 20%)", growth < 0.2
    )


def _peak(windows: int) -> float:
    name = connection.settings_dict["NAME"]
    command = [sys.executable, "-m", "tests.benchmarks.one_pull", str(windows)]
    done = subprocess.run(command, env={**os.environ, "BENCHMARK_DATABASE": name}, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.split()[-1])
