"""Processes that we start: in a session of their own, found again after a crash, stopped with all they started."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TypedDict

import psutil

from energyopti.onemachine import signals
from energyopti.onemachine.accounts import Account

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def spawn(
    command: Sequence[str],
    *,
    record: Path,
    cwd: Path,
    log: BinaryIO | None = None,
    environment: Mapping[str, str] | None = None,
    account: Account | None = None,
    dies_with_us: bool = False,
) -> psutil.Popen:
    """Starts `command` apart from our terminal and writes into `record` who it is. `log` takes its output; None: ours."""
    with signals.held():  # a process that is started is also recorded
        process = psutil.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=follow_parent(os.getpid()) if dies_with_us else None,
            **as_account(account),
        )
        write_record(record, process)
    return process


class AsAccount(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


def as_account(account: Account | None) -> AsAccount:
    """The words by which subprocess runs a command as `account`, without our own groups."""
    return {"user": account.user, "group": account.group, "extra_groups": []} if account else {}


def write_record(record: Path, process: psutil.Process) -> None:
    fresh = record.with_suffix(".new")
    fresh.write_text(json.dumps({"pid": process.pid, "created": process.create_time()}))
    fresh.replace(record)


def recorded(record: Path) -> psutil.Process | None:
    """The process of a record if it still runs. A pid that was given to another process since does not count."""
    try:
        kept = json.loads(record.read_text())
        process = psutil.Process(kept["pid"])
        return process if is_alive(process) and abs(process.create_time() - kept["created"]) < 0.1 else None
    except (FileNotFoundError, ValueError, KeyError, psutil.NoSuchProcess):
        return None


def is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def stop(processes: Sequence[psutil.Process], *, by: signal.Signals = signal.SIGTERM, seconds: float = 10) -> None:
    """Asks each process to stop, waits for all, then kills what is left of their sessions."""
    sessions = {process.pid for process in processes if _leads_session(process)}
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(by)
    kill(_wait(processes, seconds))
    kill([member for session in sessions for member in session_members(session)])


def kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _wait(processes, 5)


def _wait(processes: Sequence[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that still live. A dead one that nobody has collected yet counts as gone: some containers' init is slow at it."""
    deadline = time.monotonic() + seconds
    while (living := [process for process in processes if is_alive(process)]) and time.monotonic() < deadline:
        time.sleep(0.01)
    return living


def _leads_session(process: psutil.Process) -> bool:
    try:
        return os.getsid(process.pid) == process.pid
    except OSError:
        return False


def session_members(session: int) -> list[psutil.Process]:
    members = []
    for process in psutil.process_iter():
        with suppress(OSError, psutil.Error):
            if os.getsid(process.pid) == session and is_alive(process):
                members.append(process)
    return members


def follow_parent(parent: int) -> Callable[[], None] | None:
    """What makes the kernel send SIGTERM to the process that calls it when `parent` dies, even by kill -9.

    Linux only: elsewhere the record finds it at the next start.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def follow() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died in between
            os.kill(os.getpid(), signal.SIGTERM)

    return follow
