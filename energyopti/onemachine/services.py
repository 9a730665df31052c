"""The services of this machine: started by the first who needs them, joined by others, stopped by the last one out.

Who uses them holds a shared lock on run/in-use; the kernel drops it when a process dies, however it dies. Who can take
that lock alone is the last. Starting and stopping happen under run/lock, one process at a time.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Protocol, cast

import psutil

from energyopti import env
from energyopti.errors import NotConfigured
from energyopti.onemachine import home as homes
from energyopti.onemachine import postgres, redis, sandbox, signals

Say = Callable[[str], None]
Pause = Callable[[float], None]


class Service(Protocol):
    """What the modules postgres, redis and sandbox have in common."""

    NAME: str
    TITLE: str
    VARIABLE: str

    def running(self, home: Path) -> psutil.Process | None: ...
    def launch(self, home: Path, *, durable: bool) -> psutil.Process: ...
    def url(self, home: Path) -> str | None: ...
    def stop(self, process: psutil.Process) -> None: ...


ALL = cast(tuple[Service, ...], (postgres, redis, sandbox))


def wanted() -> list[Service]:
    """The services that nobody named by an address, and the sandbox unless it is off."""
    return [service for service in ALL if not env.text(service.VARIABLE) and (service.VARIABLE != sandbox.VARIABLE or _wants_sandbox())]


def _wants_sandbox() -> bool:
    return env.choice("SANDBOX", ("auto", "on", "off"), "auto") != "off"


@contextmanager
def ensure(
    home: Path,
    *,
    services: Sequence[Service] | None = None,
    durable: bool = True,
    say: Say = lambda _line: None,
    pause: Pause = time.sleep,
) -> Iterator[None]:
    """The services run inside the block; DATABASE_URL, REDIS_URL and SANDBOX_URL tell where, to us and our children.

    Does not touch what the environment already names. `pause` may raise to give up waiting. Raises NotConfigured.
    """
    chosen = wanted() if services is None else list(services)
    users = (homes.prepare(home) / "run" / "in-use").open("w")
    serving: list[tuple[Service, psutil.Process]] = []
    try:
        serving += _join(home, users, chosen, durable=durable)
        with _environment({service.VARIABLE: _await(service, home, say, pause) for service in chosen}):
            yield
    finally:
        _leave(home, users, serving)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.pop(name, None) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _join(home: Path, users: IO[str], chosen: Sequence[Service], *, durable: bool) -> list[tuple[Service, psutil.Process]]:
    with signals.held(), _one_at_a_time(home):
        if _is_only_user(users):
            _stop_all(home)  # leftovers of a killed run may be of another release
        fcntl.flock(users, fcntl.LOCK_SH)
        return [(service, service.running(home) or service.launch(home, durable=durable)) for service in chosen]


def _leave(home: Path, users: IO[str], serving: Sequence[tuple[Service, psutil.Process]]) -> None:
    with signals.held(), users:
        if not (home / "run").exists():  # somebody removed the data folder under the services
            for service, process in serving:
                service.stop(process)
            return
        with _one_at_a_time(home):
            if _is_only_user(users):
                _stop_all(home)


def stop_abandoned(home: Path) -> bool:
    """Stops what a killed program left running in this home; false when somebody uses it, or nobody ever did."""
    if not (home / "run" / "in-use").exists():
        return False
    with signals.held(), _one_at_a_time(home), (home / "run" / "in-use").open("w") as users:
        if alone := _is_only_user(users):
            _stop_all(home)
    return alone


@contextmanager
def _one_at_a_time(home: Path) -> Iterator[None]:
    with (home / "run" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_only_user(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _stop_all(home: Path) -> None:
    for service in reversed(ALL):
        if process := service.running(home):
            service.stop(process)
        for left in ("json", "port", "place"):
            with suppress(FileNotFoundError):
                (home / "run" / f"{service.NAME}.{left}").unlink()


def _await(service: Service, home: Path, say: Say, pause: Pause) -> str:
    """Waits until the service answers; as long as it lives, since PostgreSQL may have a crash to recover from."""
    began = time.monotonic()
    next_word = began + 5
    while (address := service.url(home)) is None:
        if service.running(home) is None and time.monotonic() > began + 1:
            log = home / "log" / f"{service.NAME}.log"
            raise NotConfigured(f"{service.TITLE} did not start ({_last_words(home, service)}): see {log}, or set {service.VARIABLE}")
        if time.monotonic() > next_word:
            say(f"{service.TITLE} is not ready yet; waiting")
            next_word += 10
        pause(0.02)
    say(f"{service.TITLE} runs")
    return address


def _last_words(home: Path, service: Service) -> str:
    return homes.log_tail(home, service.NAME, 1).strip().rstrip(".") or "it said nothing"
