"""`make run` from the first start to the last signal, with the real web, worker and beat."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from energyopti.errors import NotConfigured
from energyopti.onemachine import home as homes
from energyopti.onemachine import processes, runner
from tests.onemachine.conftest import UNSET, clear, processes_of

PATIENCE = 90  # seconds; a start takes some five


@pytest.fixture(scope="module")
def lived_in() -> Iterator[Path]:
    """One home for all starts: the first one migrates."""
    folder = Path(tempfile.mkdtemp(prefix="eo-"))
    folder.chmod(0o711)
    yield folder
    clear(folder)


class Running:
    def __init__(self, home: Path, port: int) -> None:
        settings = {"ENERGYOPTI_HOME": str(home), "PORT": str(port), "SANDBOX": "off", "ADMIN_PASSWORD": "a password of the tests"}
        environment = {**os.environ, **UNSET, **settings}
        command = [sys.executable, "-m", "energyopti.onemachine"]
        self.output = home.with_name(f"{home.name}.out")
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                command, cwd=homes.BASE_DIR, env=environment, stdout=output, stderr=output, start_new_session=True
            )
        self.home, self.address = home, f"http://127.0.0.1:{port}"

    def until_up(self) -> Running:
        deadline = time.monotonic() + PATIENCE
        while "EnergyOpti runs at" not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)
        return self

    def said(self) -> str:
        return self.output.read_text()

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@pytest.fixture
def start(lived_in: Path) -> Iterator[type[Running]]:
    yield Running
    for process in processes_of(lived_in):
        process.kill()
    lived_in.with_name(f"{lived_in.name}.out").unlink(missing_ok=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_serves_until_a_signal_and_leaves_no_process(lived_in: Path, start: type[Running]) -> None:
    running = start(lived_in, free_port()).until_up()
    with urllib.request.urlopen(f"{running.address}/healthz") as answer:
        assert answer.status == 200
    assert running.end(signal.SIGINT) == 0
    assert running.said().endswith("Stopped.\n")
    assert processes_of(lived_in) == []


def test_killed_runner_is_recovered_from(lived_in: Path, start: type[Running]) -> None:
    killed = start(lived_in, free_port()).until_up()
    killed.end(signal.SIGKILL)
    again = start(lived_in, free_port()).until_up()
    assert again.end(signal.SIGTERM) == 0
    assert processes_of(lived_in) == []


def test_second_runner_is_refused_and_a_dead_program_stops_all(lived_in: Path, start: type[Running]) -> None:
    running = start(lived_in, free_port()).until_up()
    with pytest.raises(NotConfigured, match=r"^it already runs on the data folder"), runner._only_runner(lived_in):
        pytest.fail("there is one")
    worker = processes.recorded(lived_in / "run" / "worker.json")
    assert worker
    worker.kill()
    assert running.process.wait(PATIENCE) == 1
    assert "EnergyOpti stopped: worker ended by signal 9; the end of its log:\n" in running.said()
    assert processes_of(lived_in) == []


def test_taken_port_is_one_sentence(home: Path, start: type[Running]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        refused = start(home, port)
        assert refused.process.wait(PATIENCE) == 1
    assert refused.said() == f"EnergyOpti cannot start: port {port} is taken: stop what uses it, or set PORT to another\n"
    assert processes_of(home) == []
    refused.output.unlink()


@pytest.mark.parametrize("value", ["0", "65536", "80.5"])
def test_impossible_port_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PORT", value)
    with pytest.raises(NotConfigured, match=rf"^PORT is {value}: write a number from 1 to 65535"):
        runner._port()


def test_address_of_another_machine_is_named() -> None:
    with pytest.raises(NotConfigured, match=r"^BIND is '192\.0\.2\.1', which is no address of this machine"):
        runner._require_free("192.0.2.1", 8000)


def test_database_that_does_not_answer_is_named(home: Path) -> None:
    environment = {
        **os.environ,
        "ENERGYOPTI_HOME": str(home),
        "DATABASE_URL": f"postgresql://u:topsecret@127.0.0.1:{free_port()}/x",
        "SANDBOX": "off",
    }
    command = [sys.executable, "-m", "energyopti.onemachine.prepare"]
    done = subprocess.run(command, cwd=homes.BASE_DIR, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("PostgreSQL cannot be used (")
    assert done.stderr.endswith("): check DATABASE_URL\n")
    assert "topsecret" not in done.stderr
