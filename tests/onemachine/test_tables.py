"""A command on a database without tables."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from energyopti.errors import NotConfigured
from energyopti.onemachine import tables

pytestmark = pytest.mark.django_db(transaction=True)


def test_missing_tables_are_told_and_made() -> None:
    # Without its first migration an app takes along those of others that stand on it.
    call_command("migrate", "events", "zero", verbosity=0)
    try:
        executor = MigrationExecutor(connection)
        missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        assert missing >= 1
        with pytest.raises(NotConfigured, match=rf"lacks {missing} migrations; run manage\.py migrate"):
            tables.require()
        told: list[str] = []
        tables.migrate(say=told.append)
        assert told == [f"Database: applying {missing} migrations"]
        assert "events_event" in connection.introspection.table_names()
    finally:
        call_command("migrate", verbosity=0)
    tables.require()
