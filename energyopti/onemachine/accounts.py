"""Who runs PostgreSQL: we ourselves; as root, which it refuses, a system user."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from energyopti.errors import NotConfigured

SYSTEM_USER = "embedded_postgres"


class Account(NamedTuple):
    user: int
    group: int


def other_account(*, reads: Path, owns: Path) -> Account | None:
    """None for an ordinary user. As root the system user, who can then read the tree `reads` and get to `owns`."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        entry = _make_user()
    _open_tree(reads)
    for folder in (reads, owns):
        _open_way(folder.parents)
    return Account(entry.pw_uid, entry.pw_gid)


def _make_user() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        subprocess.run(command, check=True, capture_output=True)
        return pwd.getpwnam(SYSTEM_USER)
    except (OSError, subprocess.CalledProcessError, KeyError):
        raise NotConfigured(
            f"PostgreSQL does not run as root and the system user {SYSTEM_USER} could not be made: "
            "run as an ordinary user, or set DATABASE_URL",
            field="DATABASE_URL",
        ) from None


def _open_way(parents: Sequence[Path]) -> None:
    """Others may pass through, no more: they can enter what they know by name, not list it."""
    for parent in parents:
        mode = parent.stat().st_mode
        if not mode & 0o001:
            parent.chmod(mode | 0o001)
            print(f"PostgreSQL runs as {SYSTEM_USER}: {parent} was opened for passing through.", file=sys.stderr)  # noqa: T201


def _open_tree(folder: Path) -> None:
    """A root with umask 077 installs programs that nobody else can read."""
    if all(path.stat().st_mode & 0o005 == 0o005 for path in (folder, folder / "bin", folder / "bin" / "postgres")):
        return
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | 0o004 | (0o001 if mode & 0o100 else 0))
