"""The web as `make run` starts it, on loopback, and two ways to ask it: over HTTP, and inside this process."""

from __future__ import annotations

import asyncio
import http.client
import logging
import os
import re
import signal
import socket
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.test import Client, RequestFactory
from rest_framework.views import APIView

from energyopti.onemachine import home, processes, runner
from energyopti.organisations import services
from energyopti.organisations.models import User

BUFFER = 1 << 18
ROUNDS = 5
HEADERS = {"Accept-Encoding": "identity", "Connection": "keep-alive"}


@dataclass(frozen=True, slots=True)
class Got:
    """One answer: seconds until its last byte was here, and its size; the body where it was kept."""

    seconds: float
    size: int
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Site:
    """A running web, a connection to it that stays open, and the headers that open it."""

    port: int
    process: psutil.Popen
    connection: http.client.HTTPConnection
    headers: dict[str, str]

    def get(self, path: str, *, keep: bool = False, pause: float = 0, cookie: str = "") -> Got:
        """GET with our key, or with a session's cookie; `pause` seconds are waited once before the body is read."""
        headers = HEADERS | ({"Cookie": cookie} if cookie else self.headers)
        started = time.perf_counter()
        self.connection.request("GET", path, headers=headers)
        answer = self.connection.getresponse()
        time.sleep(pause)
        if answer.status != 200:
            raise AssertionError(f"{path[:200]} answered {answer.status}: {answer.read(2000).decode(errors='replace')}")
        size, parts, buffer = 0, [], memoryview(bytearray(BUFFER))
        while read := answer.readinto(buffer):
            size += read
            if keep:
                parts.append(bytes(buffer[:read]))
        return Got(time.perf_counter() - started, size, b"".join(parts))

    def memory(self) -> tuple[float, float]:
        """MB now, and at most since `forget_peak`."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        now, most = (int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) / 1024 for name in ("VmRSS", "VmHWM"))
        return now, most

    def forget_peak(self) -> None:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5", encoding="ascii")


@contextmanager
def serving() -> Iterator[Site]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = Path(os.environ["ENERGYOPTI_HOME"])
    command = runner._commands("127.0.0.1", port)["web"]
    with home.open_log(folder, "web") as log:
        process = processes.spawn(command, record=folder / "run" / "web.json", cwd=home.BASE_DIR, log=log, dies_with_us=True)
    try:
        deadline = time.monotonic() + 60
        while not runner._answers(f"http://127.0.0.1:{port}/healthz"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the web does not answer:\n{home.log_tail(folder, 'web')}")
            time.sleep(0.05)
        yield Site(port, process, http.client.HTTPConnection("127.0.0.1", port, timeout=600), {"Authorization": f"Bearer {key()}"})
    finally:
        processes.stop([process], by=signal.SIGTERM)


def user() -> User:
    """The administrator that the first start made."""
    return User.objects.get(username="admin")


def key() -> str:
    return services.make_api_key(user=user(), name=f"benchmark {time.time_ns()}")[1]


def cookie() -> str:
    """The session of a browser that is logged in."""
    client = Client()
    client.force_login(user(), backend="django.contrib.auth.backends.ModelBackend")
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def inside() -> Callable[[str], Got]:
    """Ask in this process: the whole stack of middleware, a key, the view and its rendering, without sockets."""
    handler = BaseHandler()
    handler.load_middleware()
    _log_to_file()
    opens = f"Bearer {key()}"

    def get(path: str) -> Got:
        request = RequestFactory().get(path, headers={"Authorization": opens, "Host": "127.0.0.1"})
        started = time.perf_counter()
        response = handler.get_response(request)
        body = asyncio.run(_gathered(response)) if response.streaming else response.content
        taken = time.perf_counter() - started
        assert response.status_code == 200, body[:2000]
        return Got(taken, len(body), body)

    return get


def in_view(view: type[APIView]) -> Callable[[str], Got]:
    """Ask the view alone, as its peer is asked: no key, no budget, no middleware."""
    respond = view.as_view(authentication_classes=(), permission_classes=(), throttle_classes=())

    def get(path: str) -> Got:
        request = RequestFactory().get(path, headers={"Host": "127.0.0.1"})
        started = time.perf_counter()
        response = respond(request)
        taken = time.perf_counter() - started
        assert response.status_code == 200, response.content[:2000]
        return Got(taken, len(response.content))

    return get


def _log_to_file() -> None:
    """Each request writes its line, as in the web, but not into our table."""
    file = (Path(os.environ["ENERGYOPTI_HOME"]) / "log" / "benchmark.log").open("w", encoding="utf-8")
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(file)


async def _gathered(response: object) -> bytes:
    return b"".join([part async for part in response])  # type: ignore[attr-defined]


def times(ask: Callable[[str], Got], paths: Sequence[str]) -> list[float]:
    """Milliseconds of each, ascending, once all have been asked before: of several rounds the one whose p95 is their median.

    Whatever else the machine does in one round does not decide.
    """
    for path in paths:
        ask(path)
    rounds = [sorted(ask(path).seconds * 1000 for path in paths) for _ in range(ROUNDS)]
    return sorted(rounds, key=p95)[ROUNDS // 2]


def p50(ascending: Sequence[float]) -> float:
    return statistics.median(ascending)


def p95(ascending: Sequence[float]) -> float:
    return ascending[min(len(ascending) - 1, round(0.95 * len(ascending)))]


def both(ascending: Sequence[float]) -> str:
    return f"p50 {p50(ascending):.1f} ms, p95 {p95(ascending):.1f} ms"
