"""An issue that was refused or undone: whose its certificates are then, and how the right batch gets in."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction

from recs import errors, ledger, services
from recs.models import Account, Batch, GenerationRead, Policy
from recs.types import SerialRange
from tests.recs.world import Firm, batch, firm, generator, held, issued, key, proved, status

pytestmark = pytest.mark.django_db


@pytest.fixture
def east() -> Firm:
    """Issues need a second person."""
    return firm("east", four_eyes=("issue",))


@pytest.fixture
def west() -> Firm:
    return firm("west")


def refused(east: Firm, **more) -> Batch:
    slip = batch(east, **more)
    asked = ledger.issue(key=key(), by=east.trader, batch=slip.pk, account=east.main.pk)
    ledger.reject(key=key(), by=east.officer, command=asked)
    proved()
    return slip


def world() -> int:
    return Account.objects.get(kind="world", registry_id="mrets", sandbox=False).pk


def received(by: Firm, one: Batch) -> int:
    told = {"from_account": world(), "to_account": by.main.pk, "ranges": [SerialRange(one.pk, 1, 500)]}
    return ledger.receive(key=key(), by=by.trader, **told)


def test_nobody_else_receives_what_was_never_issued(east: Firm, west: Firm) -> None:
    slip = refused(east)
    with pytest.raises(errors.RangeNotOwned, match=f"serial 1 of batch {slip.pk} is not in this account"):
        received(west, slip)
    with pytest.raises(errors.RangeNotOwned, match="serial 1 of batch 999999 is not in this account"):
        received(west, Batch(pk=999999))


def test_to_receive_it_after_all_needs_whom_an_issue_needs(east: Firm) -> None:
    again = received(east, refused(east))
    assert (status(again), held(east.main)) == ("pending", 0)
    ledger.approve(key=key(), by=east.officer, command=again)
    proved()
    assert (status(again), held(east.main)) == ("completed", 500)


def test_whoever_had_them_receives_them_back(east: Firm, west: Firm) -> None:
    Policy.objects.filter(organisation=east.organisation).update(four_eyes=[])
    sold = issued(east)
    moved = ledger.transfer(key=key(), by=east.trader, from_account=east.main.pk, to_account=west.main.pk, quantity=600)
    ledger.accept(key=key(), by=west.trader, command=moved)
    ledger.transfer(key=key(), by=west.trader, from_account=west.main.pk, to_account=world(), quantity=600)
    assert status(received(west, sold)) == "completed"
    assert held(west.main) == 500


def test_an_own_new_batch_is_an_issue_by_whatever_name(east: Firm) -> None:
    asked = ledger.issue(key=key(), by=east.trader, batch=batch(east).pk, account=east.main.pk, kind="receive")
    assert status(asked) == "pending"


def test_the_right_batch_gets_in_when_the_wrong_one_is_void(east: Firm) -> None:
    wind = generator(east)
    slip = refused(east, of=wind, registry="mrets", vintage=date(2024, 3, 1))
    told = {"organisation": east.organisation, "generator": wind, "serial_base": slip.serial_base, "serial_start": 1, "serial_end": 1000}
    for right, refusal in (
        ({"registry": "gats", "vintage": date(2024, 3, 1)}, errors.IssuedElsewhere),
        ({"registry": "mrets", "vintage": date(2024, 4, 1)}, errors.SerialsTaken),
    ):
        with pytest.raises(refusal), transaction.atomic():
            services.record_batch(**told, **right)
    services.void_batch(slip, reason="the wrong registry")
    assert slip.history.latest().history_change_reason == "the wrong registry"
    services.record_batch(**told, registry="gats", vintage=date(2024, 3, 1))
    with pytest.raises(errors.BatchVoid), transaction.atomic():
        ledger.issue(key=key(), by=east.trader, batch=slip.pk, account=east.main.pk)
    with pytest.raises(errors.BatchVoid), transaction.atomic():
        received(east, slip)
    proved()


def test_an_issue_that_was_undone_leaves_a_batch_to_void(west: Firm) -> None:
    slip = batch(west)
    made = ledger.issue(key=key(), by=west.trader, batch=slip.pk, account=west.main.pk)
    with pytest.raises(errors.BatchInUse), transaction.atomic():
        services.void_batch(slip, reason="a slip")
    ledger.reverse(key=key(), by=west.trader, command=made)
    proved()
    assert services.void_batch(slip, reason="a slip").voided_at


def test_metered_generation_of_a_void_batch_backs_the_right_one(west: Firm) -> None:
    slip = batch(west)
    read = GenerationRead.objects.create(
        generator=slip.generator, days=(date(2024, 3, 1), date(2024, 4, 1)), generation_mwh=1000, batch=slip
    )
    made = ledger.issue(key=key(), by=west.trader, batch=slip.pk, account=west.main.pk)
    ledger.reverse(key=key(), by=west.trader, command=made)
    with pytest.raises(IntegrityError, match="metered generation that backs a batch"), transaction.atomic():
        GenerationRead.objects.filter(pk=read.pk).update(batch=None)
    services.void_batch(slip, reason="the wrong base")
    GenerationRead.objects.filter(pk=read.pk).update(batch=None)
    GenerationRead.objects.filter(pk=read.pk).update(batch=batch(west, of=slip.generator, base="right"))


def test_a_generator_of_others_has_no_batch_of_ours(east: Firm, west: Firm) -> None:
    theirs = generator(east)
    with pytest.raises(errors.Unknown) as refusal, transaction.atomic():
        services.record_batch(
            organisation=west.organisation,
            generator=theirs,
            registry="nar",
            serial_base="W",
            serial_start=1,
            serial_end=10,
            vintage=date(2024, 7, 1),
        )
    assert refusal.value.field == "generator"


def test_what_came_into_a_mirror_leaves_it_by_the_registry(west: Firm) -> None:
    sold = issued(west)
    mirror = west.account("mirror", registry_id="mrets", registry_account="R-1")
    out = west.account("outside", kind="external")
    ledger.transfer(key=key(), by=west.trader, from_account=west.main.pk, to_account=out.pk, quantity=10)
    back = {"from_account": out.pk, "to_account": mirror.pk, "ranges": [SerialRange(sold.pk, 1, 10)]}
    got = ledger.receive(key=key(), by=west.trader, **back)
    asked = ledger.reverse(key=key(), by=west.trader, command=got)
    proved()
    assert (status(asked), held(mirror)) == ("instructed", 0)


def test_a_bulk_of_many_batches_takes_one_lock_an_account(west: Firm) -> None:
    """Of 50 batches each: a lock for each of a move's would fill the lock table for everybody."""
    other = west.account("other")
    made = [issued(west, base=f"B{n}", last=2, vintage=date(2024, 3, 1)) for n in range(40)]
    moves = [
        ledger.Move(key=key(), kind="transfer", from_account=west.main.pk, to_account=other.pk, ranges=[SerialRange(one.pk, 1, 1)])
        for one in made
    ]
    before = locks_held()
    ledger.bulk(by=west.trader, moves=moves)
    assert locks_held() == before + 1


def locks_held() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND mode = 'ExclusiveLock'")
        return int(cursor.fetchone()[0])
