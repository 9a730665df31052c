"""The sandbox over HTTP/1.1, on this machine alone.

`serve()` starts it inside a test; `python -m energyopti.sandbox` as a process of its own.

    GET  /api/v1/  /api/v1/{feed}  /api/v1/{feed}/metadata     as the upstream
    GET  /healthz                                              200 when it listens
    GET  /_requests                                            what was asked so far
    POST /_misbehave   a fault or a list of them               DELETE /_misbehave forgets those still waiting
"""

from __future__ import annotations

import gzip
import json
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from energyopti.sandbox import refusals
from energyopti.sandbox.answers import KEY_HEADER, Answer, DataMiner, as_json, echoing, instead, refusal
from energyopti.sandbox.folder import Folder
from energyopti.sandbox.misbehaviour import Fault, Faults, fault
from energyopti.sandbox.nodes import Nodes, entries
from energyopti.sandbox.query import Limits
from energyopti.sandbox.refusals import Refused

API = "/api/v1/"
MARK = "X-EnergyOpti-Sandbox"
NODES, SEED = 200, 1
REMEMBERED = 10_000  # requests
DROPS = 20  # of a body that comes slowly
GZIP_LEVEL = 1


def now_utc() -> datetime:
    return datetime.now(UTC)


def make_model(*, seed: int = SEED, nodes: int = NODES) -> Nodes:
    """The nodes of a sandbox and the seed of all that it says about them; `nodes` includes the 51 aggregates."""
    return Nodes(seed, entries(seed=seed, count=nodes))


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it came, key and all."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]


class Sandbox(ThreadingHTTPServer):
    """A running server. `url` has no path; `clock` may be replaced while it runs."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *, model: Nodes, folder: Path | None, limits: Limits, clock: Callable[[], datetime], port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.clock, self.limits = clock, limits
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.faults, self.seen = Faults(), deque[Seen](maxlen=REMEMBERED)
        self.closing = threading.Event()
        self._data_miner, self._folder = DataMiner(model, limits, self.url), Folder(folder) if folder else None
        self._connections: set[socket.socket] = set()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def requests(self) -> list[Seen]:
        """What was asked of the upstream's paths, oldest first."""
        return [seen for seen in list(self.seen) if seen.path.startswith(API)]

    def misbehave(self, kind: str, **options: Any) -> None:
        """Wait for a question to misbehave on; see misbehaviour.py. Raises ValueError."""
        self.faults.add(fault({"kind": kind, **options}))

    def behave(self) -> None:
        """Forget the faults that still wait."""
        self.faults.clear()

    def close(self) -> None:
        """Stop, also in the middle of an answer."""
        self.closing.set()
        self.shutdown()
        self.server_close()
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is not an event; anything else is a defect and is shown."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)

    def upstream(self, resource: str, given: dict[str, str], told: Fault | None) -> Answer:
        """The answer as an upstream gives it, a recorded one where there is a folder. Raises Refused."""
        now = self.clock()
        if self._folder is None:
            return self._data_miner.answer(resource, given, now=now, fault=told)
        if told and told.kind == "recorded_error":
            return self._folder.error(told.case)
        return self._folder.answer(resource, given, now=now)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "EnergyOptiSandbox"
    disable_nagle_algorithm = True
    server: Sandbox
    own: ClassVar[dict[tuple[str, str], str]] = {
        ("GET", "/healthz"): "_health",
        ("GET", "/_requests"): "_requests",
        ("POST", "/_misbehave"): "_misbehave",
        ("DELETE", "/_misbehave"): "_behave",
    }

    def do_GET(self) -> None:
        self._route()

    def do_POST(self) -> None:
        self._route()

    def do_DELETE(self) -> None:
        self._route()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: `/_requests` remembers, and a terminal need not."""

    def end_headers(self) -> None:
        self.send_header(MARK, "true")
        super().end_headers()

    def _route(self) -> None:
        parts = urlsplit(self.path)
        given = dict(parse_qsl(parts.query, keep_blank_values=True))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append(Seen(self.command, parts.path, given, dict(self.headers.items())))
        if own := self.own.get((self.command, parts.path)):
            self._send(getattr(self, own)(body), None)
        elif self.command == "GET" and f"{parts.path}/".startswith(API):
            self._upstream(parts.path[len(API) :].strip("/"), given)
        else:
            self._send(refusal(refusals.not_found(parts.path)), None)

    # --- the sandbox's own paths

    def _health(self, _: bytes) -> Answer:
        return as_json({"status": "ok"})

    def _requests(self, _: bytes) -> Answer:
        return as_json([asdict(seen) for seen in self.server.requests])

    def _misbehave(self, body: bytes) -> Answer:
        try:
            told = json.loads(body)
            faults = [fault(one) for one in (told if isinstance(told, list) else [told])]
        except (ValueError, AttributeError, TypeError) as problem:
            return as_json({"error": str(problem)}, status=400)
        for one in faults:
            self.server.faults.add(one)
        return as_json({"waiting": len(faults)})

    def _behave(self, _: bytes) -> Answer:
        self.server.faults.clear()
        return as_json({"waiting": 0})

    # --- the upstream's

    def _upstream(self, resource: str, given: dict[str, str]) -> None:
        key = self.headers.get(KEY_HEADER) or next((v for n, v in given.items() if n.lower() == "subscription-key"), "")
        told = self.server.faults.take(resource, _page(given))
        if told and told.kind == "hang":
            self.server.closing.wait(told.seconds)
        try:
            if self.server.limits.key and key != self.server.limits.key:
                raise refusals.no_key(key)
            answer = (instead(told, key) if told else None) or self.server.upstream(resource, given, told)
        except Refused as refused:
            answer = refusal(refused)
        self._send(echoing(answer, key) if told and told.kind == "echo_key" and key else answer, told)

    def _send(self, answer: Answer, told: Fault | None) -> None:
        kind = told.kind if told else ""
        body = answer.body[: len(answer.body) // 2] if kind == "truncated" else answer.body
        wire, encoding = self._encoded(body, kind)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.send_header("Content-Length", str(len(wire)))
        self.end_headers()
        if kind == "cut":
            self._cut(wire)
        elif kind == "slow_drip" and told:
            self._drip(wire, told.seconds)
        else:
            self.wfile.write(wire)

    def _encoded(self, body: bytes, kind: str) -> tuple[bytes, str]:
        """The body as it goes over the wire, and what the header says of it."""
        if kind == "gzip_untrue":
            return body, "gzip"
        accepted = self.server.limits.gzip and "gzip" in self.headers.get("Accept-Encoding", "")
        if kind == "identity" or not (accepted or kind == "gzip_undeclared"):
            return body, ""
        return gzip.compress(body, GZIP_LEVEL, mtime=0), "" if kind == "gzip_undeclared" else "gzip"

    def _cut(self, wire: bytes) -> None:
        self.wfile.write(wire[: len(wire) // 2])
        self.close_connection = True

    def _drip(self, wire: bytes, seconds: float) -> None:
        size = -(-len(wire) // DROPS)
        for start in range(0, len(wire), size):
            if self.server.closing.wait(seconds / DROPS):
                return
            self.wfile.write(wire[start : start + size])


def _page(given: Mapping[str, str]) -> int:
    """Which page a question is about, from 1."""
    paging = {name.lower(): int(text) for name, text in given.items() if text.isdecimal()}
    return (max(1, paging.get("startrow", 1)) - 1) // max(1, paging.get("rowcount", 1)) + 1


def serve(
    *,
    model: Nodes | None = None,
    folder: Path | None = None,
    limits: Limits | None = None,
    clock: Callable[[], datetime] = now_utc,
    port: int = 0,
) -> Sandbox:
    """A running sandbox on a free port of this machine (or on `port`). Close it when done, or use `with`.

    `model` from make_model(); `folder` answers with recordings instead of it; `clock` gives the server's now, aware.
    """
    server = Sandbox(model=model or make_model(), folder=folder, limits=limits or Limits(), clock=clock, port=port)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="sandbox", daemon=True).start()
    return server
