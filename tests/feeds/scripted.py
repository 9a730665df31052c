"""A real HTTP server on loopback that answers what a test tells it to, one script line a request."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Script = Callable[[BaseHTTPRequestHandler], None]


def answer(body: bytes, *, status: int = 200, **headers: str) -> Script:
    def play(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return play


def gzipped(body: bytes, *, declared: bool = True) -> Script:
    return answer(gzip.compress(body), **({"Content_Encoding": "gzip"} if declared else {}))


def cut(body: bytes, *, promised: int) -> Script:
    """Promises more than it sends and hangs up."""

    def play(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(promised))
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = True

    return play


def hang(seconds: float) -> Script:
    def play(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(seconds)
        handler.close_connection = True

    return play


@dataclass
class Scripted:
    url: str
    script: list[Script] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)


@contextmanager
def serving(*script: Script) -> Iterator[Scripted]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            served.seen.append(self.path)
            (served.script.pop(0) if len(served.script) > 1 else served.script[0])(self)

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served = Scripted(f"http://127.0.0.1:{server.server_port}", list(script))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
