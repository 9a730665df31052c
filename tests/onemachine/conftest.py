from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from energyopti.onemachine import home as homes
from energyopti.onemachine import runner, services

HOLDER = """
import os, sys
from pathlib import Path
from energyopti.onemachine import postgres, redis, services, signals
signals.as_exit()
with services.ensure(Path(sys.argv[1]), services=[postgres, redis], durable=False):
    print(os.environ["DATABASE_URL"], os.environ["REDIS_URL"], flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A data folder of its own; whatever a test left running in it is stopped."""
    folder = Path(tempfile.mkdtemp(prefix="eo-"))
    folder.chmod(0o711)
    yield folder
    clear(folder)


def clear(folder: Path) -> None:
    if (folder / "run").exists():
        runner._stop_leftovers(folder)
    services.stop_abandoned(folder)
    shutil.rmtree(folder, ignore_errors=True)


class Holder:
    """Another process that uses the services of a home until it is told to end."""

    def __init__(self, home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(home)], cwd=homes.BASE_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.database_url, self.redis_url = self.process.stdout.readline().split()

    def end(self, by: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(by)
        return self.process.wait(30)


@pytest.fixture
def hold() -> Iterator[Callable[[Path], Holder]]:
    holders: list[Holder] = []

    def start(home: Path) -> Holder:
        holders.append(Holder(home))
        return holders[-1]

    yield start
    for holder in holders:
        if holder.process.poll() is None:
            holder.end()


# Empty counts as not set, and keeps a developer's .env from setting it
UNSET = dict.fromkeys(("DATABASE_URL", "REDIS_URL", "SANDBOX_URL", "SECRET_KEY"), "")


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    """What a person's shell has: no address of the test session's services."""
    return {**os.environ, **UNSET, "ENERGYOPTI_HOME": str(home), "SANDBOX": "off"}


def processes_of(home: Path) -> list[psutil.Process]:
    """Every living process that has `home` in its command line, its folder or its environment."""
    found = []
    for process in psutil.process_iter():
        try:
            traces = [*process.cmdline(), process.cwd(), process.environ().get("ENERGYOPTI_HOME", "")]
            if process.status() != psutil.STATUS_ZOMBIE and process.pid != os.getpid() and any(str(home) in trace for trace in traces):
                found.append(process)
        except psutil.Error:
            continue
    return found
