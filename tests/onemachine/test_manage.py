from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import manage
from energyopti.onemachine import home as homes
from energyopti.onemachine import postgres, services
from tests.onemachine.conftest import Holder, processes_of

ADDRESS = "import os; print(os.environ['DATABASE_URL'])"


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=homes.BASE_DIR, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_command_starts_services_for_its_own_time(home: Path, environment: dict[str, str]) -> None:
    done = run(environment, "shell", "--no-imports", "-c", ADDRESS)
    assert (done.returncode, done.stdout) == (0, f"postgresql://energyopti@/energyopti?host={home}/postgresql\n"), done.stderr
    assert processes_of(home) == []


def test_command_joins_running_services_and_leaves_them(home: Path, environment: dict[str, str], hold: Callable[[Path], Holder]) -> None:
    holder = hold(home)
    before = postgres.running(home)
    done = run(environment, "shell", "--no-imports", "-c", ADDRESS)
    assert done.stdout == f"{holder.database_url}\n"
    assert postgres.running(home) == before


def test_terminated_command_leaves_no_process(home: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", "print('up', flush=True); import time; time.sleep(60)"]
    process = subprocess.Popen(command, cwd=homes.BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "up\n"
    process.terminate()
    assert process.wait(20) == 143
    assert processes_of(home) == []


def test_address_of_the_user_starts_nothing(home: Path, environment: dict[str, str]) -> None:
    given = {"DATABASE_URL": "postgresql://db.example.com/energyopti", "REDIS_URL": "redis://redis.example.com/0"}
    done = run({**environment, **given}, "shell", "--no-imports", "-c", ADDRESS)
    assert done.stdout == "postgresql://db.example.com/energyopti\n"
    assert not (home / "postgresql").exists()
    assert not (home / "redis").exists()


def test_wrong_setting_is_one_sentence(environment: dict[str, str]) -> None:
    done = run({**environment, "SANDBOX": "maybe"}, "migrate")
    assert (done.returncode, done.stderr) == (1, "EnergyOpti cannot start: SANDBOX is 'maybe'; write one of auto, on, off\n")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], True),
        (["help", "sync"], True),
        (["sync", "--help"], True),
        (["--version"], True),
        (["migrate"], False),
        (["sync", "pjm.pnode"], False),
    ],
)
def test_help_needs_no_services(arguments: list[str], expected: bool) -> None:
    assert manage._needs_nothing(["manage.py", *arguments]) is expected


def test_second_start_of_services_is_quick(home: Path) -> None:
    with services.ensure(home, services=[postgres]):
        pass
    began = time.monotonic()
    with services.ensure(home, services=[postgres]):
        assert time.monotonic() - began < 3
