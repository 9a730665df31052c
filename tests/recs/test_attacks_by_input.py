"""What people and programs may send by mistake or on purpose: each has its own error, and not a row has changed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from energyopti.organisations.models import User
from recs import errors, ledger
from recs.errors import LedgerError, rules_told
from recs.models import Policy
from recs.types import Criteria, SerialRange
from tests.recs.attacks.sending import (
    accepting,
    bulk,
    confirmed,
    credit,
    exporting,
    issue,
    left,
    moves,
    one_of,
    pay,
    person,
    place,
    received,
    record,
    reserved,
    resolve,
    retire,
    send,
    serials,
    shut,
    sold,
    step,
    theirs,
    used,
    world,
)
from tests.recs.attacks.stage import Stage, sql
from tests.recs.whole import fingerprint, violations
from tests.recs.world import batch, firm, key

pytestmark = pytest.mark.django_db

LARGEST = 2**63 - 1
Act = Callable[[Stage], object]
INPUTS: list[tuple[str, type[LedgerError], Act]] = []


def told(error: type[LedgerError], what: str, act: Act) -> None:
    INPUTS.append((what, error, act))


# --- the issue's list -----------------------------------------------------------------------------------------

told(errors.Overdrawn, "more than there is", lambda w: send(w, quantity=100_000))
told(errors.Overdrawn, "the largest number there is", lambda w: send(w, quantity=LARGEST))
told(errors.Overdrawn, "criteria that nothing meets", lambda w: send(w, criteria=Criteria(fuel_type="tidal")))
told(errors.RangeNotOwned, "a range that somebody else has", lambda w: send(w, ranges=serials(w, (1, 5))))
told(errors.RangeNotOwned, "a range half of which somebody else has", lambda w: send(w, ranges=serials(w, (295, 305))))
told(errors.RangeNotOwned, "a range that was never issued", lambda w: send(w, ranges=serials(w, (1990, 1999))))
told(errors.RangeNotOwned, "a range of a batch that does not exist", lambda w: send(w, ranges=[SerialRange(999_999, 1, 5)]))
told(errors.RangeRetired, "a retired range", lambda w: send(w, ranges=serials(w, (305, 306))))
told(errors.RangeHeld, "a range that is offered already", lambda w: send(w, ranges=serials(w, (321, 330))))
told(errors.AccountClosed, "into a closed account", lambda w: send(w, to_account=place(w, "shut")))
told(errors.AccountClosed, "out of a closed account", lambda w: send(w, from_account=place(w, "shut")))
told(errors.BadQuantity, "none", lambda w: send(w, quantity=0))
told(errors.BadQuantity, "fewer than none", lambda w: send(w, quantity=-5))
told(errors.FloatInLedger, "a float", lambda w: send(w, quantity=1.5))
told(errors.FloatInLedger, "a fraction", lambda w: send(w, quantity=Decimal("1.5")))
told(errors.BadQuantity, "a truth", lambda w: send(w, quantity=True))
told(errors.BadQuantity, "a text", lambda w: send(w, quantity="5"))
told(errors.QuantityTooLarge, "beyond bigint", lambda w: send(w, quantity=2**63))
told(errors.UnknownRegistry, "a registry that nobody knows", lambda w: send(w, criteria=Criteria(registry="atlantis")))
told(
    errors.UnknownRegistry,
    "an export to a registry that nobody knows",
    lambda w: moves(w, kind="export", wanted=5, to_registry="atlantis", criteria={"registry": "mrets"}),
)
told(errors.UnknownRegistry, "an export to one that keeps none", lambda w: exporting(w, to_registry="caiso"))
told(errors.UnknownRegistry, "a batch of a registry that keeps none", lambda w: record(w, registry="caiso"))
told(
    errors.VintageInFuture,
    "a vintage of the future",
    lambda w: record(w, vintage=(timezone.now().date() + timedelta(days=62)).replace(day=1)),
)
told(errors.TransferToItself, "to itself", lambda w: send(w, to_account=w.main.pk))
told(errors.TransferToItself, "to nobody", lambda w: moves(w, to=None, wanted=5))
told(errors.SandboxWithReal, "from the real world into the sandbox", lambda w: send(w, to_account=w.toy.main.pk))
told(
    errors.SandboxWithReal,
    "from the sandbox into the real world",
    lambda w: send(w, by=w.toy.trader, from_account=w.toy.main.pk, to_account=w.main.pk),
)
told(errors.SandboxWithReal, "a credit between the two", lambda w: credit(w, debtor=w.toy.organisation.pk))
told(errors.SandboxWithReal, "received from the other world", lambda w: received(w, world("mrets", sandbox=True)))
told(errors.KeyReused, "a key with another command", lambda w: send(w, key=used(w), quantity=301))


# --- ranges -----------------------------------------------------------------------------------------------------

told(errors.RangesOverlap, "ranges that overlap", lambda w: send(w, ranges=serials(w, (500, 510), (505, 520))))
told(errors.RangesOverlap, "a range twice", lambda w: send(w, ranges=serials(w, (500, 510), (500, 510))))
told(errors.BadQuantity, "a range that ends before it begins", lambda w: send(w, ranges=serials(w, (510, 500))))
told(errors.BadQuantity, "a range below zero", lambda w: send(w, ranges=serials(w, (-5, 5))))
told(errors.BadQuantity, "a range and another quantity", lambda w: send(w, ranges=serials(w, (500, 510)), quantity=3))
told(errors.BadQuantity, "ranges with criteria", lambda w: send(w, ranges=serials(w, (500, 510)), criteria=Criteria(fuel_type="wind")))
told(errors.BadQuantity, "neither quantity nor ranges", lambda w: send(w, quantity=None))
told(errors.QuantityTooLarge, "a range up to the last bigint", lambda w: send(w, ranges=serials(w, (1, LARGEST))))
told(errors.QuantityTooLarge, "a range beyond bigint", lambda w: send(w, ranges=serials(w, (1, 2**63))))
told(
    errors.QuantityTooLarge, "more in all ranges than a bigint", lambda w: send(w, ranges=[SerialRange(n, 0, LARGEST - 1) for n in (1, 2)])
)
told(errors.TooMany, "very many ranges", lambda w: send(w, ranges=serials(w, *((n, n) for n in range(1, 20_002, 2)))))
told(errors.TooMany, "an empty list", lambda w: moves(w, ranges=[]))
for name, junk in {
    "a word": "all",
    "an object": {"batch_id": 1},
    "words": ["all"],
    "a range without an end": [{"batch_id": 1, "serial_start": 1}],
    "a range of words": [{"batch_id": 1, "serial_start": "one", "serial_end": "two"}],
    "a range of fractions": [{"batch_id": 1, "serial_start": 1.5, "serial_end": 2.5}],
    "a range of nothing": [{"batch_id": None, "serial_start": None, "serial_end": None}],
    "ranges in ranges": [[{"batch_id": 1, "serial_start": 1, "serial_end": 2}]],
}.items():
    told(errors.Malformed, f"ranges: {name}", lambda w, junk=junk: moves(w, ranges=json.dumps(junk)))
told(
    errors.QuantityTooLarge,
    "ranges: a number of a hundred digits",
    lambda w: moves(w, ranges=[{"batch_id": 1, "serial_start": 1, "serial_end": 10**100}]),
)
told(errors.Malformed, "ranges: no JSON", lambda w: moves(w, ranges="[{"))

# --- criteria -----------------------------------------------------------------------------------------------------

for name, criteria in {
    "a list": ["wind"],
    "a word": "wind",
    "a name that nobody knows": {"colour": "green"},
    "a name with a typing error": {"vintage_form": "2024-01-01"},
    "a batch that is a word": {"batch_id": "first"},
    "a batch that is a fraction": {"batch_id": 1.5},
    "a batch below zero": {"batch_id": -1},
    "a batch beyond bigint": {"batch_id": 2**63},
    "a fuel that is a number": {"fuel_type": 7},
    "a state that is none": {"state": "Iowa"},
    "a month that is none": {"vintage_from": "2024-13-01"},
    "a day": {"vintage_to": "2024-03-15"},
    "a date that is a word": {"vintage_from": "spring"},
    "months the wrong way round": {"vintage_from": "2024-05-01", "vintage_to": "2024-01-01"},
    "an object for a value": {"eligibility": {"programme": "NJ Class I"}},
}.items():
    told(errors.BadCriteria, f"criteria: {name}", lambda w, criteria=criteria: moves(w, wanted=5, criteria=json.dumps(criteria)))
told(errors.Malformed, "criteria: no JSON", lambda w: moves(w, wanted=5, criteria="{"))

# --- whose, and who may ---------------------------------------------------------------------------------------------

told(errors.Unknown, "somebody else's account", lambda w: send(w, from_account=w.west.main.pk))
told(errors.Unknown, "an account that does not exist", lambda w: send(w, from_account=999_999))
told(errors.Unknown, "an account beyond bigint", lambda w: send(w, from_account=2**63))
told(errors.Unknown, "to an account that does not exist", lambda w: send(w, to_account=999_999))
told(errors.Unknown, "out of the world outside", lambda w: send(w, from_account=world("mrets", sandbox=False)))
told(errors.Unknown, "somebody else's batch is issued", lambda w: issue(w, by=w.west.trader, account=w.west.main.pk))
told(errors.Unknown, "to a counterparty in somebody else's address book", lambda w: send(w, to_account=theirs(w)))
told(errors.Unknown, "received from somebody else's counterparty", lambda w: received(w, theirs(w)))
told(errors.Unknown, "received from somebody else's account", lambda w: received(w, w.west.main.pk))
told(errors.Unknown, "received from somebody else's closed account", lambda w: received(w, shut(w.west.account("old"))))
told(errors.Unknown, "somebody else's closed account", lambda w: send(w, from_account=shut(w.west.account("old"))))
told(errors.Unknown, "accepted by who offered it", lambda w: step(w, ledger.accept, "offered", w.east.trader))
told(errors.Unknown, "accepted by a stranger", lambda w: step(w, ledger.accept, "offered", w.toy.trader))
told(errors.Unknown, "cancelled by who was offered it", lambda w: step(w, ledger.cancel, "offered", w.west.trader))
told(errors.RoleTooSmall, "a viewer sends", lambda w: send(w, by=person(w, "viewer")))
told(errors.RoleTooSmall, "a viewer accepts", lambda w: step(w, ledger.accept, "offered", w.west.people["viewer"]))
told(errors.RoleTooSmall, "a trader retires", lambda w: retire(w, by=w.east.trader))
told(errors.Unknown, "somebody who has left", lambda w: send(w, by=left(w)))
told(errors.Unknown, "a reversal by who sent it to another organisation", lambda w: step(w, ledger.reverse, "sold", w.east.trader))
told(errors.Unknown, "a payment to somebody else", lambda w: pay(w, by=w.west.trader, debtor=w.west.organisation.pk))


# --- where it does not belong -------------------------------------------------------------------------------------------

told(errors.WrongAccount, "reserved into another account", lambda w: moves(w, kind="reserve", wanted=5))
told(
    errors.WrongAccount,
    "reserved into another organisation by bulk",
    lambda w: bulk(w, one_of(w, 5, kind="reserve", to_account=w.west.main.pk)),
)
told(
    errors.Unknown,
    "retired into somebody else's account",
    lambda w: moves(w, kind="retire", to=w.west.main.pk, wanted=5, purpose={"beneficiary": "x", "reason": "x"}),
)
told(errors.WrongAccount, "a transfer into a retirement account", lambda w: send(w, to_account=place(w, "graveyard")))
told(errors.WrongAccount, "out of a retirement account", lambda w: send(w, from_account=place(w, "graveyard")))
told(errors.WrongAccount, "out of a counterparty's account", lambda w: send(w, from_account=place(w, "outside")))
told(errors.WrongAccount, "received from one's own account", lambda w: received(w, w.other.pk))
told(errors.WrongAccount, "issued to a counterparty", lambda w: issue(w, account=place(w, "outside")))
told(errors.WrongRegistry, "into an account of another registry", lambda w: send(w, to_account=place(w, "gats only")))
told(errors.WrongRegistry, "an export to where they are", lambda w: exporting(w, to_registry="mrets"))
told(errors.RegistryNeeded, "an export of nobody knows what", lambda w: exporting(w, ranges=None, quantity=5))
told(errors.RegistryNeeded, "an export to nowhere", lambda w: moves(w, kind="export", wanted=5, criteria={"registry": "mrets"}))
told(
    errors.RangesNeeded,
    "received, and nobody knows which",
    lambda w: moves(w, kind="receive", **{"from": place(w, "outside"), "to": w.main.pk, "wanted": 5}),
)
told(errors.RangeExported, "received back after an export", lambda w: received(w, world("mrets", sandbox=False), 311, 320))
told(errors.RangeNotOwned, "received and never sent", lambda w: received(w, world("mrets", sandbox=False)))
told(errors.AlreadyIssued, "issued twice", lambda w: issue(w, 900, 1100))
told(errors.OutsideBatch, "issued beyond the batch", lambda w: issue(w, 1990, 2001))
told(errors.OutsideBatch, "issued the wrong way round", lambda w: issue(w, 1200, 1100))
told(errors.OutsideBatch, "issued up to the last bigint", lambda w: issue(w, 1, LARGEST))
told(errors.ImportOfAnExport, "an import of what was not exported", lambda w: issue(w, kind="import"))
told(errors.UnknownKind, "a kind of issue that nobody knows", lambda w: issue(w, kind="conjure"))
told(errors.UnknownKind, "a kind of move that nobody knows", lambda w: moves(w, kind="teleport", wanted=5))
told(errors.UnknownKind, "no kind at all", lambda w: moves(w, kind=None, wanted=5))
told(errors.KeyNeeded, "no key", lambda w: moves(w, key=None, wanted=5))

# --- records ------------------------------------------------------------------------------------------------------------

told(errors.SerialsTaken, "the same serials as a second batch", lambda w: record(w, base=w.b.serial_base, vintage=w.b.vintage))
told(errors.IssuedElsewhere, "a month in a second registry", lambda w: record(w, registry="gats", vintage=w.b.vintage))
told(
    errors.BeyondExport,
    "an import of more than was exported",
    lambda w: record(w, registry="nar", vintage=w.b.vintage, last=11, export_id=w.done["exported"]),
)
told(
    errors.BeyondExport,
    "an import of what is only instructed",
    lambda w: record(w, registry="nar", vintage=w.b.vintage, last=5, export_id=exporting(w)),
)
told(errors.QuantityTooLarge, "a batch beyond bigint", lambda w: record(w, first=1, last=LARGEST))


# --- resolving and reversing ----------------------------------------------------------------------------------------------

told(errors.AlreadyResolved, "accepted twice", lambda w: step(w, ledger.accept, "sold", w.west.trader))
told(errors.AlreadyResolved, "what awaits nothing", lambda w: step(w, ledger.cancel, "short", w.east.trader))
told(errors.WrongStage, "approved where nobody has to", lambda w: step(w, ledger.approve, "offered", w.east.officer))
told(errors.WrongStage, "released where nothing is reserved", lambda w: step(w, ledger.release, "offered", w.east.trader))
told(errors.WrongStage, "cancelled after it was instructed", lambda w: step(w, ledger.cancel, exporting(w)))
told(errors.WrongStage, "a reservation is rejected", lambda w: step(w, ledger.reject, reserved(w)))
told(errors.WrongStage, "expired before its time", lambda w: resolve(w, None, "expire"))
told(errors.UnknownKind, "expired by a person", lambda w: resolve(w, w.east.trader.pk, "expire"))
told(errors.UnknownKind, "accepted by nobody", lambda w: resolve(w, None, "accept"))
told(errors.Unknown, "a step for a command", lambda w: step(w, ledger.cancel, accepting()))
told(errors.Unknown, "a command that does not exist", lambda w: step(w, ledger.cancel, 999_999_999))
told(errors.ConfirmationNeeded, "confirmed without a number", lambda w: confirmed(w, ""))
told(errors.NotReversible, "a retirement is reversed", lambda w: step(w, ledger.reverse, "retired", w.east.officer))
told(errors.Unknown, "an export is reversed by a stranger", lambda w: step(w, ledger.reverse, "exported", w.west.trader))
told(errors.NotReversible, "an export is reversed", lambda w: step(w, ledger.reverse, "exported", w.east.trader))
told(errors.NotReversible, "a reversal is reversed", lambda w: step(w, ledger.reverse, "reversal", w.east.trader))
told(errors.NotReversible, "a transfer is reversed twice", lambda w: step(w, ledger.reverse, "reversed", w.east.trader))
told(errors.NotReversible, "what is only offered is reversed", lambda w: step(w, ledger.reverse, "offered", w.west.trader))
told(errors.MovedOn, "an issue is reversed when some moved on", lambda w: step(w, ledger.reverse, "made", w.east.trader))


# --- money and words --------------------------------------------------------------------------------------------------------

told(errors.PriceWithoutCounterparty, "a price inside of one organisation", lambda w: send(w, price_usd=Decimal(5)))
told(
    errors.PriceWithoutCounterparty,
    "a price of the world outside",
    lambda w: send(w, to_account=world("mrets", sandbox=False), price_usd=Decimal(5)),
)
told(errors.FloatInLedger, "a price that is a float", lambda w: sold(w, 1.5))
told(errors.BadAmount, "a price with three decimals", lambda w: sold(w, Decimal("1.005")))
told(errors.BadAmount, "a price with thirty decimals", lambda w: sold(w, Decimal("1.000000000000000000000000000001")))
told(errors.BadAmount, "a price below zero", lambda w: sold(w, Decimal(-1)))
told(errors.BadAmount, "a price below zero by hand", lambda w: moves(w, to=w.west.main.pk, wanted=5, cents=-1))
told(errors.BadAmount, "a price that is no number", lambda w: sold(w, Decimal("NaN")))
told(errors.BadAmount, "a price that is not even that", lambda w: sold(w, Decimal("sNaN")))
told(errors.BadAmount, "a price without end", lambda w: sold(w, Decimal("Infinity")))
told(errors.BadAmount, "a price of a thousand digits", lambda w: sold(w, Decimal("1e1000")))
told(errors.CreditExceeded, "more than the buyer may owe", lambda w: step(w, ledger.accept, sold(w, Decimal(5000)), w.west.trader))
told(errors.CreditExceeded, "a credit below what is owed", lambda w: credit(w, limit_usd=Decimal(1)))
told(errors.BadAmount, "a payment of nothing", lambda w: pay(w, debtor=w.west.organisation.pk, amount_usd=Decimal(0)))
told(errors.BadAmount, "a payment of oneself", lambda w: credit(w, debtor=w.east.organisation.pk))
told(errors.BadAmount, "a payment of nobody", pay)
told(errors.Unknown, "a credit for who does not exist", lambda w: credit(w, debtor=999_999))
told(errors.Unknown, "a payment of somebody else's counterparty", lambda w: pay(w, external=theirs(w)))
told(errors.TooLong, "a reason that is a book", lambda w: send(w, reason="x" * 201))
told(errors.Malformed, "a reason that no text may hold", lambda w: send(w, reason="nothing \x00 more"))
told(errors.Malformed, "half a letter", lambda w: send(w, reason="\ud800"))
told(errors.TooLong, "a beneficiary that is a book", lambda w: retire(w, beneficiary="x" * 201))
told(errors.TooLong, "a confirmation number that is a book", lambda w: confirmed(w, "x" * 101))
told(errors.PurposeNeeded, "retired for nobody", lambda w: retire(w, beneficiary=""))
told(errors.PurposeNeeded, "retired for nothing", lambda w: moves(w, kind="retire", to=None, wanted=5))
told(errors.ReasonNeeded, "retired without a reason", lambda w: retire(w, reason=""))
told(errors.ComplianceYearNeeded, "retired for a programme without a year", lambda w: retire(w, programme="NJ Class I"))
told(errors.ComplianceYearNeeded, "retired for a year that is none", lambda w: retire(w, programme="NJ Class I", compliance_year=123456))
told(errors.ComplianceYearNeeded, "retired for a year that is a word", lambda w: retire(w, programme="NJ Class I", compliance_year="soon"))

# --- several at once ------------------------------------------------------------------------------------------------------------

for name, items in {
    "no list": "{}",
    "nothing": "null",
    "words": '["one"]',
    "no key": '[{"kind": "transfer", "from": 1, "to": 2, "quantity": 1}]',
    "a key that is none": '[{"key": "first", "kind": "transfer", "from": 1, "to": 2, "quantity": 1}]',
    "a quantity that is a word": f'[{{"key": "{uuid.uuid4()}", "kind": "transfer", "from": 1, "to": 2, "quantity": "one"}}]',
    "an account beyond bigint": f'[{{"key": "{uuid.uuid4()}", "kind": "transfer", "from": {2**63}, "to": 2, "quantity": 1}}]',
}.items():
    told(errors.Malformed, f"bulk: {name}", lambda w, items=items: sql("SELECT recs_bulk(%s, %s)", w.east.trader.pk, items))
told(errors.Malformed, "bulk: nothing at all", lambda w: sql("SELECT recs_bulk(%s, NULL)", w.east.trader.pk))
told(errors.Unknown, "bulk: by nobody", lambda w: bulk(w, one_of(w, 5), by=User()))
told(errors.Overdrawn, "bulk: the last of them is too much", lambda w: bulk(w, one_of(w, 5), one_of(w, 100_000)))
told(errors.RoleTooSmall, "bulk: by a viewer", lambda w: bulk(w, one_of(w, 5), by=person(w, "viewer")))
told(errors.TooMany, "bulk: very many", lambda w: bulk(w, *[one_of(w, 1)] * 10_001))


# --- the test -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("what", "error", "act"), INPUTS, ids=[what for what, _, _ in INPUTS])
def test_refused_by_name_and_nothing_changed(what: str, error: type[LedgerError], act: Act, at: Stage) -> None:
    def attempt() -> None:
        with rules_told(), transaction.atomic():
            act(at)
            sql("SET CONSTRAINTS ALL IMMEDIATE")

    before = fingerprint()
    try:
        with pytest.raises(LedgerError) as problem:
            attempt()
    finally:
        sql("SET CONSTRAINTS ALL DEFERRED")
    assert type(problem.value) is error
    assert fingerprint() == before
    assert violations() == set()


def test_four_eyes_are_four(at: Stage) -> None:
    """Nobody approves or confirms their own, even where the organisation has changed its mind meanwhile."""
    north = firm("north", four_eyes=("transfer", "confirm"))
    mirror = north.account("mirror", registry_id="mrets", registry_account="N-1")
    made = batch(north, base="N-2024-03")
    ledger.issue(key=key(), by=north.trader, batch=made.pk, account=mirror.pk)
    asked = ledger.transfer(key=key(), by=north.trader, from_account=mirror.pk, to_account=at.west.main.pk, quantity=10)
    before = fingerprint()
    with pytest.raises(errors.SecondPersonNeeded):
        ledger.approve(key=key(), by=north.trader, command=asked)
    with pytest.raises(errors.Unknown):
        ledger.approve(key=key(), by=at.west.officer, command=asked)
    with pytest.raises(errors.Unknown):
        ledger.accept(key=key(), by=at.west.trader, command=asked)
    assert fingerprint() == before
    Policy.objects.filter(organisation=north.organisation).update(four_eyes=["confirm"])
    with pytest.raises(errors.SecondPersonNeeded):
        ledger.approve(key=key(), by=north.trader, command=asked)
    ledger.approve(key=key(), by=north.officer, command=asked)
    ledger.accept(key=key(), by=at.west.trader, command=asked)
    done = {"reference": "N-1", "reference_date": date(2024, 5, 1), "command": asked}
    with pytest.raises(errors.SecondPersonNeeded):
        ledger.confirm(key=key(), by=north.trader, **done)
    ledger.confirm(key=key(), by=north.officer, **done)
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    assert violations() == set()
