from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db.backends.postgresql.operations import DatabaseOperations
from hypothesis import settings

from tests.served import _server, served

__all__ = ["_server", "served"]

settings.register_profile("house", deadline=None)  # a test that is timed fails on a busy machine
settings.load_profile("house")

# The ledger's tables refuse to be emptied; a transactional test ends by emptying all. As owner of the tables it may say so.
_REFUSAL = """
DO $$ DECLARE t regclass; BEGIN
  FOR t IN SELECT tgrelid::regclass FROM pg_trigger WHERE tgname = 'never_emptied' LOOP
    EXECUTE format('ALTER TABLE %s {} TRIGGER never_emptied', t);
  END LOOP; END $$;
"""


@pytest.fixture(autouse=True, scope="session")
def _journal_is_emptied_between_tests() -> Iterator[None]:
    emptying = DatabaseOperations.sql_flush

    def sql_flush(self: Any, *args: Any, **options: Any) -> list[str]:
        statements = emptying(self, *args, **options)
        return [_REFUSAL.format("DISABLE"), *statements, _REFUSAL.format("ENABLE ALWAYS")] if statements else []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", sql_flush)
        yield
