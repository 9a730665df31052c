"""`make run`: services, database, then web, worker and beat, until a signal; whatever ends it, it stops all it started."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
from django.core.exceptions import ImproperlyConfigured

from energyopti import env
from energyopti.errors import EnergyOptiError, NotConfigured
from energyopti.onemachine import home as homes
from energyopti.onemachine import processes, services, signals

PROGRAMS = ("prepare", "web", "worker", "beat")
WEB_PATIENCE = 60  # seconds until the web has to answer
_asked: list[int] = []  # signals that came


class Stopped(Exception):
    """Somebody asked us to stop: not an error."""


class ProgramEnded(EnergyOptiError):
    """One of web, worker and beat ended by itself."""

    code = "program-ended"


def main(arguments: Sequence[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "energyopti.settings")
    _listen(until_parent_dies="--until-parent-dies" in arguments)
    try:
        run(homes.load_environment())
    except Stopped:
        say("Stopped.")
    except ProgramEnded as problem:
        return _complain(f"EnergyOpti stopped: {problem}")
    except (EnergyOptiError, ImproperlyConfigured) as problem:
        return _complain(f"EnergyOpti cannot start: {problem}")
    return 0


def run(home: Path) -> None:
    """Returns only by Stopped or an error of the family; by then nothing runs that we started."""
    host, port = env.text("BIND", "127.0.0.1"), _port()
    with _only_runner(home):
        _stop_leftovers(home)
        _require_free(host, port)
        say(f"Data folder: {home}")
        with services.ensure(home, say=say, pause=pause), _programs_stopped(home):
            _prepare(home)
            running = {name: _start(home, name, command) for name, command in _commands(host, port).items()}
            _await_web(home, running, host, port)
            say(f"EnergyOpti runs at http://{'localhost' if host in ('127.0.0.1', '0.0.0.0', '::') else host}:{port}/ (Ctrl-C stops it)")  # noqa: S104
            while True:
                pause(0.3)
                _require_alive(home, running)


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 the terminal is where people read this


def pause(seconds: float) -> None:
    time.sleep(seconds)
    if _asked:
        raise Stopped


def _complain(line: str) -> int:
    print(line, file=sys.stderr, flush=True)  # noqa: T201
    return 1


def _listen(*, until_parent_dies: bool) -> None:
    """A signal is only noted here, and acted upon in `pause`: no process is ever started and forgotten in between."""
    for number in signals.STOP:
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup stays nohup
            signal.signal(number, lambda number, _frame: _asked.append(number))
    if until_parent_dies and (follow := processes.follow_parent(os.getppid())):
        follow()


def _port() -> int:
    port = env.number("PORT", 8000)
    if port not in range(1, 65536):
        raise NotConfigured(f"PORT is {port:g}: write a number from 1 to 65535", field="PORT")
    return int(port)


def _require_free(host: str, port: int) -> None:
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            raise NotConfigured(f"port {port} is taken: stop what uses it, or set PORT to another", field="PORT") from None
        if problem.errno == errno.EACCES:
            raise NotConfigured(f"port {port} is for root alone: set PORT to one from 1024 on", field="PORT") from None
        raise NotConfigured(f"BIND is {host!r}, which is no address of this machine ({problem.strerror})", field="BIND") from None


@contextmanager
def _only_runner(home: Path) -> Iterator[None]:
    with (home / "run" / "runner").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotConfigured(
                f"it already runs on the data folder {home}: use that one, or set ENERGYOPTI_HOME and PORT for a second",
                field="ENERGYOPTI_HOME",
            ) from None
        yield


@contextmanager
def _programs_stopped(home: Path) -> Iterator[None]:
    try:
        yield
    finally:
        with signals.held():
            _stop_leftovers(home)


def _stop_leftovers(home: Path) -> None:
    """Stops the programs of this home: at the end ours, at the start those of a runner that was killed."""
    records = [home / "run" / f"{name}.json" for name in PROGRAMS]
    found = [process for record in records if (process := processes.recorded(record))]
    processes.stop(found)
    for record in records:
        record.unlink(missing_ok=True)


def _prepare(home: Path) -> None:
    """Migrations, first start and static files, in one process of their own that writes to our terminal."""
    command = [sys.executable, "-m", "energyopti.onemachine.prepare"]
    process = processes.spawn(command, record=home / "run" / "prepare.json", cwd=homes.BASE_DIR, dies_with_us=True)
    while (code := process.poll()) is None:
        pause(0.05)
    if code:
        raise NotConfigured("the database was not made ready; the lines above say why")


def _commands(host: str, port: int) -> dict[str, list[str]]:
    pool = str(min(max(psutil.cpu_count() or 1, 2), 4))
    alone = ["--without-mingle", "--without-gossip"]  # there is no other worker to talk to; they take a second of each start
    web = ["uvicorn", "energyopti.asgi:application", "--host", host, "--port", str(port), "--lifespan", "off"]
    return {
        # an open event stream must not hold up the stop
        "web": [sys.executable, "-m", *web, "--timeout-graceful-shutdown", "5", "--no-server-header"],
        "worker": [sys.executable, "-m", "celery", "-A", "energyopti", "worker", "--loglevel", "INFO", "--concurrency", pool, *alone],
        "beat": [sys.executable, "-m", "celery", "-A", "energyopti", "beat", "--loglevel", "INFO"],
    }


def _start(home: Path, name: str, command: Sequence[str]) -> psutil.Popen:
    say(f"Starting {name}; its log: {home / 'log' / name}.log")
    with homes.open_log(home, name) as log:
        return processes.spawn(command, record=home / "run" / f"{name}.json", cwd=homes.BASE_DIR, log=log, dies_with_us=True)


def _require_alive(home: Path, running: dict[str, psutil.Popen]) -> None:
    for name, process in running.items():
        if (code := process.poll()) is not None:
            _require_services(home)
            how = f"by signal {-code}" if code < 0 else f"with code {code}"
            raise ProgramEnded(f"{name} ended {how}; the end of its log:\n{homes.log_tail(home, name)}")


def _require_services(home: Path) -> None:
    """A program that ended because PostgreSQL or Redis did is not the one to look at."""
    for service in services.wanted():
        if (home / "run" / f"{service.NAME}.json").exists() and service.running(home) is None:
            raise ProgramEnded(f"{service.TITLE} ended; run make run again. The end of its log:\n{homes.log_tail(home, service.NAME)}")


def _await_web(home: Path, running: dict[str, psutil.Popen], host: str, port: int) -> None:
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    address = f"http://{f'[{local}]' if ':' in local else local}:{port}/healthz"
    deadline = time.monotonic() + WEB_PATIENCE
    while not _answers(address):
        _require_alive(home, running)
        if time.monotonic() > deadline:
            raise ProgramEnded(
                f"web does not answer {address} within {WEB_PATIENCE} seconds; the end of its log:\n{homes.log_tail(home, 'web')}"
            )
        pause(0.1)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2):  # noqa: S310 our own address
            return True
    except urllib.error.HTTPError:
        return True  # it speaks; what it thinks of our host name is its matter
    except OSError:
        return False
