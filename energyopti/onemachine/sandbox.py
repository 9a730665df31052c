"""The sandbox upstream as a service of this machine: answers in the place of upstreams without a key."""

from __future__ import annotations

import sys
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil

from energyopti.onemachine import home as homes
from energyopti.onemachine import processes

NAME = "sandbox"
TITLE = "Sandbox upstream"
VARIABLE = "SANDBOX_URL"
COMMAND = (sys.executable, "-m", "energyopti.sandbox")


def running(home: Path) -> psutil.Process | None:
    return processes.recorded(home / "run" / "sandbox.json")


def launch(home: Path, *, durable: bool) -> psutil.Process:
    port_file = home / "run" / "sandbox.port"
    port_file.unlink(missing_ok=True)
    command = [*COMMAND, "--port", "0", "--port-file", str(port_file)]
    with homes.open_log(home, NAME) as log:
        return processes.spawn(command, record=home / "run" / "sandbox.json", cwd=homes.BASE_DIR, log=log)


def url(home: Path) -> str | None:
    try:
        port = int((home / "run" / "sandbox.port").read_text())
        connection = HTTPConnection("127.0.0.1", port, timeout=1)
        connection.request("GET", "/healthz")
        ready = connection.getresponse().status == 200
        connection.close()
    except (OSError, ValueError, HTTPException):
        return None
    return f"http://127.0.0.1:{port}" if ready else None


def stop(process: psutil.Process) -> None:
    processes.stop([process])
