"""What the ledger promises, by number; and that every rule of the database is attacked somewhere in tests/recs/attacks."""

from __future__ import annotations

import re
import uuid

import pytest
from django.db import IntegrityError, connection

from recs import errors, ledger
from recs.errors import KeyReused, Overdrawn
from recs.proof import released
from tests.recs.attacks import ATTACKS
from tests.recs.attacks.stage import ACTIVE, Stage, sql
from tests.recs.whole import violations
from tests.recs.world import held, key, proved, ranges

pytestmark = pytest.mark.django_db

# I1 to I13 of the prototype's list. Those without an attack of their own, and where they are shown instead
PROMISES = {
    "I1": "every serial is in exactly one account and bucket",
    "I2": "none is made or lost but by an issue",
    "I3": "an owner changes only by an entry that continues the one before",
    "I4": "what is retired or exported never moves; a retirement has one purpose",
    "I5": "journal and histories are append-only",
    "I6": "one key, one effect",
    "I8": "resolved once, reversed once",
    "I9": "cash sums to zero, follows prices and stays within credit",
}
ELSEWHERE = {
    "I7": "what was acknowledged survives a crash: tests/recs/stress",
    "I10": "no deadlock: test_races.py, tests/recs/stress",
    "I11": "history is not changed unnoticed: below, test_proof_tamper.py",
    "I12": "an organisation sees its own: test_row_policies.py",
    "I13": "received less sent is held: a rule of whole.py, after each attack, race and step of the state machine",
}
JOURNAL = ("command", "entry", "holding", "retirement", "cashaccount", "cashentry", "batch")


def test_each_promise_is_attacked() -> None:
    assert {attack.promise for attack in ATTACKS} == {*PROMISES, "records"}
    assert len(PROMISES) + len(ELSEWHERE) == 13


def test_each_constraint_of_the_journal_is_attacked() -> None:
    """Exclusion, unique and check constraints, those too that are indexes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = ANY (%s::regclass[]) AND contype IN ('x', 'u', 'c')"
            " UNION SELECT i.indexrelid::regclass::text FROM pg_index i"
            " WHERE indrelid = ANY (%s::regclass[]) AND indisunique AND indpred IS NOT NULL",
            [[f"recs_{name}" for name in JOURNAL]] * 2,
        )
        there = {name for (name,) in cursor.fetchall()}
    assert there - {guard.name for attack in ATTACKS for guard in attack.guards} == set()


def test_each_rule_of_the_triggers_is_attacked() -> None:
    """By the names that the SQL refuses with. The isolation of a transaction is tried in test_races.py, on a connection of its own."""
    source = "".join(path.read_text(encoding="utf-8") for path in released.SQL.glob("0002_[0-9]_*.sql"))
    rules = set(re.findall(r"CONSTRAINT = '(\w+)'", source)) | set(re.findall(r"THEN\s+'([a-z]+_[a-z_]+)'", source))
    assert rules - {guard.name for attack in ATTACKS for guard in attack.guards} == {"transaction_sees_commits"}


def test_each_trigger_is_attacked_and_fires_for_a_replica_too() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass || '.' || tgname, tgenabled FROM pg_trigger"
            " WHERE NOT tgisinternal AND (tgrelid::regclass::text LIKE 'recs\\_%' OR tgname LIKE 'recs\\_%')"
        )
        there = dict(cursor.fetchall())
    disabled = "".join(statement for attack in ATTACKS for guard in attack.guards for statement in guard.drop)
    attacked = {name for name in there if "ALTER TABLE {} DISABLE TRIGGER {}".format(*name.split(".")) in disabled}
    assert set(there) - attacked == {"recs_command.hashed", "organisations_organisation.recs_named_stays"}  # below
    assert set(there.values()) == {"A"}


def test_a_deleted_organisation_was_never_named(at: Stage) -> None:
    with pytest.raises(IntegrityError) as told:
        sql("DELETE FROM organisations_organisation WHERE id = %s", at.west.organisation.pk)
    assert told.value.__cause__.diag.constraint_name == "command_names_what_is_there"


def test_hashes_and_times_are_the_databases_own(at: Stage) -> None:
    """I11: what somebody writes into them is not what stands there afterwards."""
    command = at.command("transfer", frm=at.main.pk, to=at.other.pk, quantity=640, hash=b"forged", created_at="2001-01-01T00:00Z")
    entry = at.entry(command, 361, 1000, prev=at.entry_of(500), frm=(at.main.pk, ACTIVE), to=(at.other.pk, ACTIVE))
    at.alter_holding(500, "account_id = %s, entry_id = %s", at.other.pk, entry)
    proved()
    assert sql("SELECT hash = recs_command_hash(c) AND created_at = transaction_timestamp() FROM recs_command c WHERE id = %s", command)
    assert sql("SELECT e.hash = recs_entry_hash(p.hash, e) FROM recs_entry e JOIN recs_entry p ON p.id = e.prev_id WHERE e.id = %s", entry)


def test_a_key_has_one_effect_and_the_same_answer_for_ever(at: Stage) -> None:
    """I6. A refused command leaves its key free: nothing has happened."""
    used = uuid.uuid4()
    asked = {"key": used, "by": at.east.trader, "from_account": at.main.pk, "to_account": at.other.pk}
    with pytest.raises(Overdrawn):
        ledger.transfer(quantity=5000, **asked)
    first = ledger.transfer(quantity=10, **asked)
    ledger.transfer(key=key(), by=at.east.trader, from_account=at.main.pk, to_account=at.other.pk, quantity=10)
    assert ledger.transfer(quantity=10, **asked) == first
    for other in ({"quantity": 11}, {"quantity": 10, "reason": "another"}, {"quantity": 10, "price_usd": 1}):
        with pytest.raises(KeyReused):
            ledger.transfer(**asked, **other)
    with pytest.raises(KeyReused):
        ledger.transfer(quantity=10, **(asked | {"by": at.east.officer}))
    with pytest.raises(KeyReused):
        ledger.reserve(key=used, by=at.east.trader, account=at.main.pk, quantity=10)
    assert held(at.main) == 620


def test_what_came_back_from_another_account_may_be_reversed(at: Stage) -> None:
    """I8: reversing asks for the same serials, not for the same entries."""
    again = at.east.account("again")
    done = {"by": at.east.trader, "from_account": at.other.pk, "to_account": again.pk, "quantity": 10}
    ledger.transfer(key=key(), **done)  # of 331-340 or 341-350, which are the smallest that are enough
    taken = ranges(again)[0]
    command = at.done["again"] if taken[1] == 331 else at.done["short"]
    with pytest.raises(errors.MovedOn):
        ledger.reverse(key=key(), by=at.east.trader, command=command)
    ledger.transfer(key=key(), by=at.east.trader, from_account=again.pk, to_account=at.other.pk, quantity=10)
    ledger.reverse(key=key(), by=at.east.trader, command=command)
    proved()
    assert violations() == set()
