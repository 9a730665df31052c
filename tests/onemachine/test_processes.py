from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from energyopti.onemachine import processes, signals

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"])
print("up", flush=True)
time.sleep(60)
"""
PARENT = """
import sys, time
from pathlib import Path
from energyopti.onemachine import processes
child = processes.spawn([sys.executable, "-c", "import time; time.sleep(60)"], record=Path(sys.argv[1]), cwd=Path("/"), dies_with_us=True)
print(child.pid, flush=True)
time.sleep(60)
"""


def until(condition: object, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:  # type: ignore[operator]
        time.sleep(0.02)
    return bool(condition())  # type: ignore[operator]


def test_stop_takes_grandchildren_that_ignore_it(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        process = processes.spawn([sys.executable, "-c", STUBBORN], record=tmp_path / "it.json", cwd=tmp_path, log=log)
    assert until(lambda: (tmp_path / "log").read_text() == "up\n")
    family = processes.session_members(process.pid)
    processes.stop([process], seconds=0.2)
    assert len(family) == 2
    assert [processes.is_alive(member) for member in family] == [False, False]


def test_record_finds_the_process_and_forgets_a_dead_one(tmp_path: Path) -> None:
    process = processes.spawn(["sleep", "60"], record=tmp_path / "it.json", cwd=tmp_path)
    found = processes.recorded(tmp_path / "it.json")
    assert found
    assert found.pid == process.pid
    processes.stop([process])
    assert processes.recorded(tmp_path / "it.json") is None


def test_record_of_a_recycled_pid_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "it.json").write_text(json.dumps({"pid": os.getpid(), "created": psutil.Process().create_time() - 100}))
    assert processes.recorded(tmp_path / "it.json") is None


@pytest.mark.parametrize("text", ["", "{", '{"pid": 1}'])
def test_damaged_record_is_no_process(tmp_path: Path, text: str) -> None:
    (tmp_path / "it.json").write_text(text)
    assert processes.recorded(tmp_path / "it.json") is None


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_child_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "it.json")], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    assert until(lambda: not processes.is_alive(child))


def test_held_signal_is_delivered_at_the_end() -> None:
    steps = []

    def interrupted() -> None:
        with signals.held():
            signal.raise_signal(signal.SIGINT)
            steps.append("went on")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert steps == ["went on"]
