"""Each command, and what it leaves behind."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection

from recs import errors, ledger
from recs.models import CashAccount, Holding
from recs.types import Criteria, Purpose, SerialRange
from tests.recs.world import Firm, firm, generator, held, issued, key, proved, ranges, status

pytestmark = pytest.mark.django_db

PURPOSE = Purpose(beneficiary="Prairie Wind LLC", reason="Green tariff of March")


@pytest.fixture
def east() -> Firm:
    return firm("east")


@pytest.fixture
def west() -> Firm:
    return firm("west")


def test_issue_then_transfer_inside(east: Firm) -> None:
    batch = issued(east)
    other = east.account("other")
    done = ledger.transfer(key=key(), by=east.trader, from_account=east.main.pk, to_account=other.pk, quantity=300)
    proved()
    assert (held(east.main), held(other), status(done)) == (700, 300, "completed")
    assert ranges(other) == [(batch.pk, 1, 300)]


def test_offer_accept(east: Firm, west: Firm) -> None:
    issued(east)
    ledger.grant_credit(key=key(), by=east.trader, creditor=east.organisation.pk, debtor=west.organisation.pk, limit_usd=Decimal("1000"))
    done = ledger.transfer(
        key=key(), by=east.trader, from_account=east.main.pk, to_account=west.main.pk, quantity=10, price_usd=Decimal("35.50")
    )
    proved()
    assert (status(done), held(east.main, 2), held(west.main)) == ("pending", 10, 0)
    ledger.accept(key=key(), by=west.trader, command=done)
    proved()
    assert (status(done), held(east.main, 2), held(west.main)) == ("completed", 0, 10)
    with pytest.raises(errors.AlreadyResolved):
        ledger.accept(key=key(), by=west.trader, command=done)


def test_retire(east: Firm) -> None:
    batch = issued(east)
    done = ledger.retire(key=key(), by=east.officer, account=east.main.pk, quantity=5, purpose=PURPOSE)
    proved()
    assert (held(east.main, 9), status(done)) == (5, "completed")
    with pytest.raises(errors.RangeRetired):
        ledger.reserve(key=key(), by=east.trader, account=east.main.pk, ranges=[SerialRange(batch.pk, 3, 9)])
    with pytest.raises(errors.RoleTooSmall):
        ledger.retire(key=key(), by=east.trader, account=east.main.pk, quantity=5, purpose=PURPOSE)


def test_reverse_and_replay(east: Firm, west: Firm) -> None:
    issued(east)
    sent = key()
    asked = {"by": east.trader, "from_account": east.main.pk, "to_account": west.main.pk, "quantity": 10}
    done = ledger.transfer(key=sent, **asked)
    assert ledger.transfer(key=sent, **asked) == done
    with pytest.raises(errors.KeyReused):
        ledger.transfer(key=sent, **(asked | {"quantity": 11}))
    ledger.accept(key=key(), by=west.trader, command=done)
    back = ledger.reverse(key=key(), by=west.trader, command=done)
    proved()
    assert (status(done), status(back), held(east.main), held(west.main)) == ("completed", "pending", 990, 0)
    with pytest.raises(errors.Unknown):
        ledger.accept(key=key(), by=west.trader, command=back)
    ledger.accept(key=key(), by=east.trader, command=back)
    proved()
    assert (status(done), status(back), held(east.main), held(west.main)) == ("reversed", "completed", 1000, 0)


def test_a_seller_may_keep_to_the_sale(east: Firm, west: Firm) -> None:
    """Or a buyer could undo a purchase whose price has fallen."""
    issued(east)
    ledger.grant_credit(key=key(), by=east.trader, creditor=east.organisation.pk, debtor=west.organisation.pk, limit_usd=Decimal(500))
    sale = {"from_account": east.main.pk, "to_account": west.main.pk, "quantity": 10, "price_usd": Decimal(500)}
    sold = ledger.transfer(key=key(), by=east.trader, **sale)
    ledger.accept(key=key(), by=west.trader, command=sold)
    asked = ledger.reverse(key=key(), by=west.trader, command=sold)
    ledger.reject(key=key(), by=east.trader, command=asked)
    proved()
    assert (status(sold), status(asked), held(west.main), owed(west, to=east)) == ("completed", "rejected", 10, 500_00)
    asked = ledger.reverse(key=key(), by=west.trader, command=sold)
    assert owed(west, to=east) == 500_00
    ledger.accept(key=key(), by=east.trader, command=asked)
    proved()
    assert (status(sold), held(west.main), owed(west, to=east)) == ("reversed", 0, 0)


def owed(debtor: Firm, *, to: Firm) -> int:
    """Cents."""
    return CashAccount.objects.get(organisation=to.organisation, counterparty=debtor.organisation).balance_cents


def test_an_offer_is_answered_in_time_or_not_at_all(east: Firm, west: Firm) -> None:
    issued(east)
    offer = ledger.transfer(key=key(), by=east.trader, from_account=east.main.pk, to_account=west.main.pk, quantity=10)
    proved()
    with connection.cursor() as cursor:  # time passes, and nobody has ended it yet
        cursor.execute("ALTER TABLE recs_command DISABLE TRIGGER append_only")
        cursor.execute("UPDATE recs_command SET expires_at = now() - interval '1 day' WHERE id = %s", [offer])
        cursor.execute("ALTER TABLE recs_command ENABLE ALWAYS TRIGGER append_only")
    with pytest.raises(errors.AnsweredTooLate, match=f"command {offer} awaited an answer until"):
        ledger.accept(key=key(), by=west.trader, command=offer)
    ledger.reject(key=key(), by=west.trader, command=offer)
    assert (status(offer), held(east.main)) == ("rejected", 1000)


def test_many_serials_of_one_holding(east: Firm) -> None:
    """The row that holds them shrinks once; the rest, and what is moved, are all there."""
    batch = issued(east).pk
    other = east.account("other")
    each = [SerialRange(batch, first, first + 4) for first in range(1, 1000, 10)]
    ledger.transfer(key=key(), by=east.trader, from_account=east.main.pk, to_account=other.pk, ranges=each)
    proved()
    assert (held(east.main), held(other)) == (500, 500)
    rest = [SerialRange(batch, first + 5, first + 9) for first in range(1, 1000, 10)]
    ledger.transfer(key=key(), by=east.trader, from_account=east.main.pk, to_account=other.pk, ranges=rest)
    proved()
    assert (held(east.main), held(other)) == (0, 1000)


def test_a_holding_that_goes_in_parts_goes_whole(east: Firm) -> None:
    batch = issued(east, last=9).pk
    other = east.account("other")
    parts = [SerialRange(batch, 1, 3), SerialRange(batch, 4, 4), SerialRange(batch, 5, 9)]
    ledger.transfer(key=key(), by=east.trader, from_account=east.main.pk, to_account=other.pk, ranges=parts)
    proved()
    assert (held(east.main), held(other)) == (0, 9)
    assert Holding.objects.filter(batch_id=batch).count() == 3


def test_criteria_over_batches(east: Firm) -> None:
    wind = generator(east)
    sun = generator(east, "Sunny", fuel="solar", state="NJ")
    first = issued(east, of=wind, base="A", last=10, vintage=date(2024, 1, 1))
    second = issued(east, of=wind, base="B", last=10, vintage=date(2023, 1, 1))
    issued(east, of=sun, base="C", last=10, vintage=date(2022, 1, 1))
    other = east.account("other")
    ledger.transfer(
        key=key(), by=east.trader, from_account=east.main.pk, to_account=other.pk, quantity=15, criteria=Criteria(fuel_type="wind")
    )
    proved()
    assert ranges(other) == [(first.pk, 1, 5), (second.pk, 1, 10)]
    with pytest.raises(errors.Overdrawn):
        ledger.transfer(
            key=key(), by=east.trader, from_account=east.main.pk, to_account=other.pk, quantity=15, criteria=Criteria(fuel_type="wind")
        )


def test_mirror_and_export(east: Firm) -> None:
    mirror = east.account("mirror", registry_id="mrets", registry_account="123")
    batch = issued(east, account=mirror)
    done = ledger.export(key=key(), by=east.trader, account=mirror.pk, to_registry="nar", quantity=100)
    assert status(done) == "instructed"
    ledger.confirm(key=key(), by=east.officer, command=done, reference="X1", reference_date=date(2024, 5, 1))
    proved()
    assert (status(done), held(mirror)) == ("completed", 900)
    imported = issued_import(east, batch, done, 100)
    proved()
    assert status(imported) == "completed"
    with pytest.raises(errors.BeyondExport):
        issued_import(east, batch, done, 1, base="more")


def issued_import(east: Firm, batch, export: int, quantity: int, base: str = "imp") -> int:
    from tests.recs.world import batch as make

    with errors.rules_told():
        made = make(east, of=batch.generator, registry="nar", base=base, last=quantity, vintage=batch.vintage, export_id=export)
    return ledger.issue(key=key(), by=east.trader, batch=made.pk, account=east.main.pk, kind="import")


def test_four_eyes() -> None:
    north = firm("north", four_eyes=("issue", "transfer", "reverse", "confirm"))
    from tests.recs.world import batch as make

    made = make(north)
    asked = ledger.issue(key=key(), by=north.trader, batch=made.pk, account=north.main.pk)
    assert (status(asked), held(north.main), held(north.main, 2)) == ("pending", 0, 1000)
    with pytest.raises(errors.SecondPersonNeeded):
        ledger.approve(key=key(), by=north.trader, command=asked)
    ledger.approve(key=key(), by=north.officer, command=asked)
    proved()
    assert (status(asked), held(north.main), held(north.main, 2)) == ("completed", 1000, 0)
    back = ledger.reverse(key=key(), by=north.trader, command=asked)
    ledger.reject(key=key(), by=north.officer, command=back)
    back = ledger.reverse(key=key(), by=north.trader, command=asked)
    ledger.approve(key=key(), by=north.officer, command=back)
    proved()
    assert (status(asked), held(north.main)) == ("reversed", 0)


def test_bulk(east: Firm) -> None:
    issued(east)
    other = east.account("other")
    moves = [ledger.Move(key=key(), kind="transfer", from_account=east.main.pk, to_account=other.pk, quantity=2) for _ in range(100)]
    done = ledger.bulk(by=east.trader, moves=moves)
    proved()
    assert (len(set(done)), held(other)) == (100, 200)
    assert ledger.bulk(by=east.trader, moves=moves) == done
