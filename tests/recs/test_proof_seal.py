"""When a journal is sealed: what is settled, who may, and by the clock."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction

from energyopti import schedule
from energyopti.db import APP_ROLE, READ_ROLE
from recs import ledger, tasks
from recs.models import CashEntry, Command, Entry, Retirement, Seal
from recs.proof import seal
from tests.recs.lived import Lived
from tests.recs.test_proof import broken
from tests.recs.world import key, status

pytestmark = pytest.mark.django_db


def hashes(model: Any, **which: int) -> bytes:
    return b"".join(bytes(one) for one in model.objects.filter(**which).order_by("pk").values_list("hash", flat=True))


def test_a_seal_is_the_digest_of_all_hashes_in_order(it: Lived) -> None:
    first = seal.seal()
    assert first is not None
    everything = hashes(Entry) + hashes(Command) + hashes(Retirement) + hashes(CashEntry)
    assert bytes(first.digest) == hashlib.sha256(everything).digest()
    assert (first.entries, first.commands) == (Entry.objects.count(), Command.objects.count())
    assert (first.upto_entry, first.upto_cash_entry) == (Entry.objects.latest("id").pk, CashEntry.objects.latest("id").pk)

    ledger.reserve(key=key(), by=it.east.trader, account=it.east.main.pk, quantity=1)
    second = seal.seal()
    assert second is not None
    new = hashes(Entry, pk__gt=first.upto_entry) + hashes(Command, pk__gt=first.upto_command)
    assert bytes(second.digest) == hashlib.sha256(bytes(first.digest) + new).digest()
    assert (second.entries, second.commands) == (first.entries + 1, first.commands + 1)


def test_where_nothing_is_new_there_is_no_new_seal(it: Lived) -> None:
    first, second = seal.seal(), seal.seal()
    assert first is not None
    assert first == second
    assert Seal.objects.count() == 1


def alarms() -> set[str]:
    """What the proofs say of a ledger that is right, in which the function that seals is another one."""
    return {*broken(), *broken(since_seal=True)} - {"functions_as_released"}


def test_a_seal_ends_between_two_commands(it: Lived, short_seals: Callable[[], Iterator[Seal]]) -> None:
    ends = []
    for one in short_seals():
        assert alarms() == {"definitions_stand"}  # the function was shortened
        ends.append(one.upto_command)
        for model, upto in ((Entry, one.upto_entry), (CashEntry, one.upto_cash_entry)):
            rows: Any = model._default_manager
            assert list(rows.filter(pk__lte=upto)) == list(rows.filter(command__lte=one.upto_command))
    assert ends == list(Command.objects.order_by("id").values_list("id", flat=True))
    newest = Seal.objects.latest("id")
    assert (newest.entries, newest.commands) == (Entry.objects.count(), Command.objects.count())


def test_the_application_seals_but_writes_no_seals(it: Lived) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {APP_ROLE}")
        assert seal.seal() is not None
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            cursor.execute("INSERT INTO recs_seal SELECT * FROM recs_seal")
        cursor.execute(f"SET LOCAL ROLE {READ_ROLE}")
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            cursor.execute("SELECT recs_seal()")


def test_the_command_prints_the_digest(it: Lived, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("seal_ledger")
    newest = seal.newest()
    assert newest is not None
    assert capsys.readouterr().out.splitlines()[-1] == bytes(newest.digest).hex()


# --- by the clock ----------------------------------------------------------------------------------------


def test_beat_knows_both() -> None:
    entries = {entry.task: entry for entry in schedule.entries()}
    assert (entries["recs.tasks.seal_journal"].cadence, entries["recs.tasks.seal_journal"].expires) == ("7 * * * *", 3590)
    assert (entries["recs.tasks.expire_unanswered"].cadence, entries["recs.tasks.expire_unanswered"].expires) == ("*/5 * * * *", 290)


def test_the_task_seals(it: Lived) -> None:
    made = tasks.seal_journal()
    newest = seal.newest()
    assert newest is not None
    assert made == newest.pk


def test_the_task_ends_what_nobody_answered(it: Lived) -> None:
    assert tasks.expire_unanswered() == 0
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE recs_command DISABLE TRIGGER append_only")
        cursor.execute("UPDATE recs_command SET expires_at = now() - interval '1 second' WHERE expires_at IS NOT NULL")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    assert tasks.expire_unanswered() == 2
    assert (status(it.made["open"]), status(it.made["awaits approval"])) == ("expired", "expired")
    assert status(it.made["instructed"]) == "instructed"
