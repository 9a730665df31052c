"""The data folder of one installation, and what every process of it needs before Django is there."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import stat
import tempfile
from pathlib import Path
from typing import BinaryIO

from dotenv import load_dotenv

from energyopti import env
from energyopti.errors import NotConfigured

BASE_DIR = Path(__file__).resolve().parent.parent.parent
LOG_LIMIT = 10_000_000  # bytes; a longer log becomes name.log.1 when its process starts


def load_environment() -> Path:
    """Reads .env, says where the data folder is, and makes SECRET_KEY and ENERGYOPTI_HOME known to every child."""
    load_dotenv(BASE_DIR / ".env")
    home = prepare(Path(env.text("ENERGYOPTI_HOME", str(BASE_DIR / "var"))).resolve())
    os.environ["ENERGYOPTI_HOME"] = str(home)
    if not env.text("SECRET_KEY"):
        os.environ["SECRET_KEY"] = secret_key(home)
    return home


def prepare(home: Path) -> Path:
    """Makes the data folder. Raises NotConfigured, in one sentence, where this user may not write."""
    try:
        for folder in (home, home / "run", home / "log"):
            folder.mkdir(parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(13, "not writable", str(folder))
    except OSError as problem:
        raise NotConfigured(
            f"the data folder {home} cannot be used ({problem.strerror}: {problem.filename}): "
            "run as the user it belongs to, or set ENERGYOPTI_HOME to a folder of yours",
            field="ENERGYOPTI_HOME",
        ) from None
    return home


def secret_key(home: Path) -> str:
    """The key of this installation: made once, readable by its owner only. Two that start at once keep the first."""
    path = home / "secret_key"
    fresh = home / f"secret_key.{os.getpid()}"
    if not path.exists():
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50))
        try:
            os.link(fresh, path)  # unlike a rename it never replaces a key that is there
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            fresh.replace(path)
        fresh.unlink(missing_ok=True)
    return path.read_text().strip()


def open_log(home: Path, name: str) -> BinaryIO:
    path = home / "log" / f"{name}.log"
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def log_tail(home: Path, name: str, lines: int = 12) -> str:
    path = home / "log" / f"{name}.log"
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 20_000))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


def socket_folder(folder: Path, name: str, *, owner: int) -> Path:
    """Where the socket `name` of a server of user id `owner` can lie: `folder`, else a short one of its own.

    A socket's path has some 100 bytes, libpq takes a comma for a list, and some mounted folders take no socket at all.
    """
    short = f"energyopti-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"
    for candidate in (folder, Path(tempfile.gettempdir()) / short, Path("/tmp") / short):  # noqa: S108
        if "," not in str(candidate) and (candidate == folder or _is_own(candidate, owner)) and _takes_socket(candidate, name):
            return candidate
    raise NotConfigured(f"no folder for the socket {name} was found: set ENERGYOPTI_HOME to a shorter path", field="ENERGYOPTI_HOME")


def _is_own(folder: Path, owner: int) -> bool:
    """Makes a private folder in a public place; false if somebody else was there first."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != owner and status.st_uid == os.geteuid() == 0:
        os.chown(folder, owner, -1)
        status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == owner


def _takes_socket(folder: Path, name: str) -> bool:
    trial = folder / f"{name[:-1]}~"  # as long as the real name, but never a socket in use
    trial.unlink(missing_ok=True)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(trial))
    except OSError:
        return False
    trial.unlink()
    return True
