"""Each attack is refused by the rule that it is meant for, and nothing has changed."""

from __future__ import annotations

import pytest
from django.db import Error as DatabaseError
from django.db import transaction

from tests.recs.attacks import ATTACKS
from tests.recs.attacks.stage import Stage, sql
from tests.recs.attacks.table import Attack, Guard
from tests.recs.whole import violations


def told(problem: DatabaseError) -> str:
    """The rule that refused; a foreign key by its table and column."""
    diag = problem.__cause__.diag
    if not str(diag.constraint_name).endswith(("_fk_" + str(diag.constraint_name).rpartition("_fk_")[2],)):
        return str(diag.constraint_name)
    column = sql(
        "SELECT attname FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1] WHERE conname = %s",
        diag.constraint_name,
    )
    return f"{diag.table_name}.{column}"


def attempt(attack: Attack, at: Stage) -> str | None:
    """The rule that refused it, if one did; without one it stays done. What waits for COMMIT is proved here."""
    try:
        with transaction.atomic():
            attack.act(at)
            sql("SET CONSTRAINTS ALL IMMEDIATE")
    except DatabaseError as problem:
        return told(problem)
    finally:
        sql("SET CONSTRAINTS ALL DEFERRED")
    return None


def drop(guard: Guard) -> None:
    for statement in guard.drop:
        sql(statement)


pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.promise} {attack.what}")
def test_refused(attack: Attack, at: Stage) -> None:
    assert attempt(attack, at) == attack.guards[0].name
    assert violations() == set()
