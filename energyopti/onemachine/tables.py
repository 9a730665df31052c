"""The database's tables, before a program uses them."""

from __future__ import annotations

from collections.abc import Callable

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from energyopti.errors import NotConfigured


def migrate(*, say: Callable[[str], object]) -> None:
    """Apply the migrations that are not applied yet."""
    if missing := _missing():
        say(f"Database: applying {missing} migrations")
        call_command("migrate", verbosity=0, interactive=False)


def require() -> None:
    """Raises NotConfigured when migrations are not applied: somebody else's database is not changed by the way."""
    if missing := _missing():
        raise NotConfigured(f"the database lacks {missing} migrations; run manage.py migrate, or make run", field="DATABASE_URL")


def _missing() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
