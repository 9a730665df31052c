"""A command on a database without tables."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection

from energyopti.errors import NotConfigured
from energyopti.onemachine import tables

pytestmark = pytest.mark.django_db(transaction=True)


def test_missing_tables_are_told_and_made() -> None:
    call_command("migrate", "events", "zero", verbosity=0)
    try:
        with pytest.raises(NotConfigured, match=r"lacks 1 migrations; run manage\.py migrate"):
            tables.require()
        told: list[str] = []
        tables.migrate(say=told.append)
        assert told == ["Database: applying 1 migrations"]
        assert "events_event" in connection.introspection.table_names()
    finally:
        call_command("migrate", verbosity=0)
    tables.require()
