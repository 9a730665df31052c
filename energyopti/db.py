"""Who a database connection acts as: the application's role, or the login that may change tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend

ROLES_SQL = Path(__file__).parent / "organisations" / "migrations" / "sql" / "0002_database_roles.sql"
APP_ROLE, READ_ROLE = "energyopti_app", "energyopti_read"

# Since PostgreSQL 16 a member of a role need not be allowed to act as it
_MAY_ACT_AS = """
pg_has_role(session_user, oid, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
"""
# No error where the role is missing or not the login's to take: readiness says that instead
_TAKE_ROLE = f"SELECT set_config('role', rolname, false) FROM pg_roles WHERE rolname = %s AND {_MAY_ACT_AS}"  # noqa: S608
_ROLES = f"SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND {_MAY_ACT_AS}"  # noqa: S608
_acting: WeakKeyDictionary[Any, str] = WeakKeyDictionary()  # sessions and the role they took


def take_role(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """On each new connection: act as settings.DATABASE_ROLE, unless the connection was made for the login itself."""
    role = getattr(connection, "role", settings.DATABASE_ROLE)
    if not role or connection.vendor != "postgresql":
        return
    session = connection.connection
    if _acting.get(session) == role:  # one from the pool still acts as it did
        return
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_ROLE, [role])
        if cursor.fetchone():
            _acting[session] = role


@contextmanager
def login_connection() -> Iterator[BaseDatabaseWrapper]:
    """A connection of its own that acts as the login, for DDL (partitions) outside the caller's transaction.

    Each statement commits at once. It goes where the default connection goes: in tests, to the test database.
    """
    config = connections["default"].settings_dict
    options = {name: value for name, value in config["OPTIONS"].items() if name != "pool"}
    backend = load_backend(config["ENGINE"])
    own: Any = backend.DatabaseWrapper({**config, "OPTIONS": options, "CONN_MAX_AGE": 0}, alias="default")
    own.role = ""
    try:
        yield own
    finally:
        own.close()


def make_roles() -> None:
    """Make the two roles where the login may, and grant what they need. Harmless to repeat, and where it may not."""
    with login_connection() as own, own.cursor() as cursor:
        cursor.execute(ROLES_SQL.read_text(encoding="utf-8"))


def missing_roles() -> list[str]:
    """The roles that do not exist, or that the login may not act as."""
    with connection.cursor() as cursor:
        cursor.execute(_ROLES, [[APP_ROLE, READ_ROLE]])
        there = {name for (name,) in cursor.fetchall()}
    return [role for role in (APP_ROLE, READ_ROLE) if role not in there]


def role_exists(role: str) -> bool:
    """Whether the cluster has it; another database of the cluster may have made it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", [role])
        return bool(cursor.fetchone()[0])


def acting_role() -> str:
    """Whom the default connection acts as."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


def login_name() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user")
        return str(cursor.fetchone()[0])
