"""Each guard matters: taken away one after the other, the next one refuses the same attack; without all of them it succeeds.

In one transaction, which is rolled back. What PostgreSQL proves at COMMIT is proved here by SET CONSTRAINTS.
"""

from __future__ import annotations

import pytest

from tests.recs.attacks import ATTACKS
from tests.recs.attacks.stage import Stage
from tests.recs.attacks.table import Attack
from tests.recs.test_attacks import attempt, drop
from tests.recs.whole import violations

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.promise} {attack.what}")
def test_without_its_guards(attack: Attack, at: Stage) -> None:
    for refusing in attack.guards:
        assert attempt(attack, at) == refusing.name
        drop(refusing)
    assert attempt(attack, at) is None
    assert violations() >= attack.breaks
