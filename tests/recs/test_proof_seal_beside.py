"""A seal while others work on the ledger."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connections, transaction
from django.test import override_settings

from recs import ledger
from recs.errors import Busy
from recs.models import Seal
from recs.proof import seal
from recs.types import Criteria, SerialRange
from tests.recs.attacks.stage import ACTIVE, Stage
from tests.recs.test_proof_seal import alarms
from tests.recs.world import batch, firm, issued, key

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other() -> Iterator[Any]:
    """A connection beside the test's own."""
    own = connections["default"]
    made = type(own)(own.settings_dict, "default")
    with override_settings(DATABASE_ROLE=""):
        made.connect()
    made.set_autocommit(False)
    yield made
    made.close()


def test_an_empty_journal_is_not_sealed() -> None:
    assert seal.seal() is None
    assert not Seal.objects.exists()


def test_what_is_under_way_is_waited_for_and_then_sealed(other: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    east = firm("east")
    issued(east)
    with other.cursor() as cursor:  # takes a number, and is not committed yet
        reserve = "SELECT recs_move(%s, %s, 'reserve', %s, NULL, 5, NULL, NULL, NULL, NULL, NULL, '{}')"
        cursor.execute(reserve, [key(), east.trader.pk, east.main.pk])
        (waiting,) = cursor.fetchone()
    monkeypatch.setattr(seal, "TRIES", 1)
    with pytest.raises(Busy):
        seal.seal()
    assert not Seal.objects.exists()
    monkeypatch.undo()
    threading.Timer(0.3, other.connection.commit).start()
    sealed = seal.seal()
    assert sealed is not None
    assert sealed.upto_command == waiting


def test_while_it_digests_commands_go_on(other: Any) -> None:
    """The lock is let go of as soon as the numbers are read, not at the end of the transaction."""
    east = firm("east")
    issued(east)
    with other.cursor() as cursor:
        cursor.execute("SELECT recs_seal()")
        assert cursor.fetchone()[0] is not None
    ledger.reserve(key=key(), by=east.trader, account=east.main.pk, quantity=1)
    other.rollback()
    assert not Seal.objects.exists()


def test_with_an_old_snapshot_nothing_is_sealed(other: Any) -> None:
    issued(firm("east"))
    with other.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with pytest.raises(DatabaseError, match="has to see what was committed"):
            cursor.execute("SELECT recs_seal()")


def test_commands_that_ran_side_by_side_are_sealed_together(other: Any, short_seals: Callable[[], Iterator[Seal]]) -> None:
    east, west = firm("east"), firm("west")
    at = Stage(east, west, west, issued(east), {})
    issued(west, base="W")
    there = east.account("other").pk
    with transaction.atomic():
        first = at.command("transfer", frm=at.main.pk, to=there, quantity=1000)
        with other.cursor() as cursor:  # its numbers lie between that command and its entry
            reserve = "SELECT recs_move(%s, %s, 'reserve', %s, NULL, 5, NULL, NULL, NULL, NULL, NULL, '{}')"
            cursor.execute(reserve, [key(), west.trader.pk, west.main.pk])
            (second,) = cursor.fetchone()
        other.commit()
        entry = at.entry(first, 1, 1000, prev=at.entry_of(1), frm=(at.main.pk, ACTIVE), to=(there, ACTIVE))
        at.alter_holding(1, "account_id = %s, entry_id = %s", there, entry)
    third = ledger.reserve(key=key(), by=west.trader, account=west.main.pk, quantity=1)
    ends = []
    for one in short_seals():
        assert alarms() == {"definitions_stand"}  # the function was shortened
        ends.append(one.upto_command)
    assert first < second < third
    assert ends[-2:] == [second, third]
    assert first not in ends


# --- no number before the lock -----------------------------------------------------------------------------
# Else the number of a command that waits lies below the highest that a seal reads, and appears in sealed ground afterwards.


def _commands() -> dict[str, Callable[[], object]]:
    east, west = firm("east"), firm("west")
    made = issued(east, last=1000)
    more = batch(east, of=made.generator, base="more")
    mine = {"by": east.trader, "from_account": east.main.pk}
    reserved = ledger.reserve(key=key(), by=east.trader, account=east.main.pk, quantity=5)
    moved = ledger.transfer(key=key(), to_account=east.account("other").pk, quantity=5, **mine)
    there = east.accounts["other"].pk
    pair = {"creditor": east.organisation.pk, "debtor": west.organisation.pk}
    bulk = [ledger.Move(key=key(), kind="transfer", from_account=east.main.pk, to_account=there, quantity=1)]
    return {
        "issue": lambda: ledger.issue(key=key(), by=east.trader, batch=more.pk, account=east.main.pk),
        "transfer by quantity": lambda: ledger.transfer(key=key(), to_account=there, quantity=1, **mine),
        "transfer of a batch": lambda: ledger.transfer(
            key=key(), to_account=there, quantity=1, criteria=Criteria(batch_id=made.pk), **mine
        ),
        "transfer of serials": lambda: ledger.transfer(key=key(), to_account=there, ranges=[SerialRange(made.pk, 900, 901)], **mine),
        "resolve": lambda: ledger.release(key=key(), by=east.trader, command=reserved),
        "reverse": lambda: ledger.reverse(key=key(), by=east.trader, command=moved),
        "credit": lambda: ledger.grant_credit(key=key(), by=east.trader, limit_usd=Decimal(10), **pair),
        "bulk": lambda: ledger.bulk(by=east.trader, moves=bulk),
        "expire": lambda: ledger.expire(),
    }


def _drawn() -> tuple[int, ...]:
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT c.last_value, e.last_value, x.last_value FROM recs_command_id_seq c, recs_entry_id_seq e, recs_cashentry_id_seq x"
        )
        return tuple(cursor.fetchone())


def test_no_command_draws_a_number_before_it_has_the_lock(other: Any) -> None:
    failed: list[BaseException] = []

    def run(command: Callable[[], object]) -> None:
        try:
            command()
        except BaseException as problem:
            failed.append(problem)
        finally:
            connections.close_all()

    for name, command in _commands().items():
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('recs.journal', 0))")
        before = _drawn()
        thread = threading.Thread(target=run, args=(command,))
        thread.start()
        time.sleep(0.4)
        assert thread.is_alive(), name
        assert _drawn() == before, name
        other.commit()
        thread.join(10)
        assert not failed, (name, failed)
