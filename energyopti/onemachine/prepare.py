"""What the database and the disk need before the web starts: migrations, the first start's data, static files."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import django
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from redis import Redis, RedisError

from energyopti import env
from energyopti.errors import EnergyOptiError, NotConfigured
from energyopti.onemachine import tables
from energyopti.onemachine.runner import say


def main() -> int:
    try:
        django.setup()
        _require_services()
        tables.migrate(say=say)
        call_command("firststart")
        _collect_static()
    except (EnergyOptiError, ImproperlyConfigured, CommandError) as problem:
        print(problem, file=sys.stderr, flush=True)  # noqa: T201
        return 1
    return 0


def _require_services() -> None:
    """An address that somebody gave may be wrong; the drivers' messages hold host and port, never the password."""
    try:
        connection.ensure_connection()
    except OperationalError as problem:
        raise NotConfigured(f"PostgreSQL cannot be used ({_first_line(problem)}): check DATABASE_URL", field="DATABASE_URL") from None
    try:
        Redis.from_url(env.text("REDIS_URL")).ping()
    except (RedisError, ValueError) as problem:
        raise NotConfigured(f"Redis cannot be used ({_first_line(problem)}): check REDIS_URL", field="REDIS_URL") from None


def _first_line(problem: Exception) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0]


def _collect_static() -> None:
    """Collecting compresses each file, which takes seconds: only when one of them changed."""
    stamp = Path(settings.STATIC_ROOT).with_suffix(".stamp")
    state = _static_state()
    if stamp.exists() and stamp.read_text() == state:
        return
    say("Collecting static files")
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    stamp.write_text(state)


def _static_state() -> str:
    """A digest over names, sizes and times of all static files."""
    digest = hashlib.sha256(str(settings.STATIC_ROOT).encode())
    for finder in get_finders():
        for path, storage in finder.list([]):
            status = Path(storage.path(path)).stat()
            digest.update(f"{storage.path(path)} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
