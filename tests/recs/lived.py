"""A ledger in which everything has happened once: what proofs, seals and exports are tried on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from recs import ledger
from recs.models import Account, Batch, Eligibility, Registration
from recs.types import Purpose, SerialRange
from tests.recs.world import Firm, batch, firm, generator, issued, key

DAY = date(2024, 5, 1)
ODD = 'Said "twice",\n\tby Zoë \\ Ωmega \x01'  # what a text must survive on its way into a hash and a file


@dataclass
class Lived:
    east: Firm
    west: Firm
    north: Firm  # needs a second person for everything
    batches: dict[str, Batch]
    made: dict[str, int] = field(default_factory=dict)  # commands by what they are

    @property
    def account(self) -> Account:
        return self.east.main


def lived() -> Lived:
    east, west = firm("east"), firm("west")
    north = firm("north", four_eyes=("issue", "receive", "transfer", "retire", "export", "import", "reverse", "confirm"))
    wind = generator(east)
    Registration.objects.create(generator=wind, registry_id="mrets", unit_id="M123", sandbox=False)
    Eligibility.objects.create(generator=wind, programme="NJ Class I", valid=(date(2020, 1, 1), None))
    for name, kind in (("reserve", "reserve"), ("graveyard", "retirement"), ("outside", "external")):
        east.account(name, kind=kind)
    east.account("mirror", registry_id="mrets", registry_account="R1")
    made = Lived(east, west, north, {"first": issued(east, of=wind)})
    _trade(made)
    _through_registries(made)
    _end(made)
    _with_four_eyes(made)
    return made


def _trade(it: Lived) -> None:
    east, west = it.east, it.west
    ledger.grant_credit(key=key(), by=east.trader, creditor=east.organisation.pk, debtor=west.organisation.pk, limit_usd=Decimal(900))
    offer = {"by": east.trader, "from_account": east.main.pk, "to_account": west.main.pk}
    it.made["sold"] = ledger.transfer(key=key(), quantity=100, price_usd=Decimal("310.50"), reason=ODD, **offer)
    ledger.accept(key=key(), by=west.trader, command=it.made["sold"])
    it.made["undone"] = ledger.transfer(key=key(), quantity=20, price_usd=Decimal("62.10"), **offer)
    ledger.accept(key=key(), by=west.trader, command=it.made["undone"])
    it.made["reversal"] = ledger.reverse(key=key(), by=west.trader, command=it.made["undone"])
    ledger.accept(key=key(), by=east.trader, command=it.made["reversal"])
    for how, who in ((ledger.reject, west.trader), (ledger.cancel, east.trader)):
        how(key=key(), by=who, command=ledger.transfer(key=key(), quantity=7, **offer))
    it.made["open"] = ledger.transfer(key=key(), quantity=9, price_usd=Decimal(5), **offer)
    it.made["paid"] = ledger.pay(
        key=key(), by=east.trader, creditor=east.organisation.pk, debtor=west.organisation.pk, amount_usd=Decimal("10.01")
    )
    outside = east.accounts["outside"].pk
    it.made["sold outside"] = ledger.transfer(
        key=key(), by=east.trader, from_account=east.main.pk, to_account=outside, quantity=30, price_usd=Decimal(60)
    )
    ledger.pay(key=key(), by=east.trader, creditor=east.organisation.pk, external=outside, amount_usd=Decimal(60))
    it.made["moved"] = ledger.transfer(
        key=key(), by=east.trader, from_account=east.main.pk, to_account=east.accounts["reserve"].pk, quantity=40
    )


def _through_registries(it: Lived) -> None:
    east, mirror = it.east, it.east.accounts["mirror"]
    batch_of = {"of": it.batches["first"].generator, "account": mirror}
    it.batches["mirrored"] = issued(east, base="MIR", first=501, last=700, vintage=date(2024, 2, 1), **batch_of)
    it.made["export"] = ledger.export(key=key(), by=east.trader, account=mirror.pk, to_registry="nar", quantity=50)
    ledger.confirm(key=key(), by=east.officer, command=it.made["export"], reference="X-1", reference_date=DAY)
    it.batches["imported"] = batch(
        east,
        of=batch_of["of"],
        registry="nar",
        base="IMP",
        last=50,
        vintage=date(2024, 2, 1),
        export_id=it.made["export"],
        registry_text="IMP-0001 to IMP-0050",
    )
    it.made["import"] = ledger.issue(key=key(), by=east.trader, batch=it.batches["imported"].pk, account=east.main.pk, kind="import")
    refused = ledger.transfer(key=key(), by=east.trader, from_account=mirror.pk, to_account=east.main.pk, quantity=5)
    ledger.refuse(key=key(), by=east.trader, command=refused, reference="N-1")
    it.made["instructed"] = ledger.transfer(key=key(), by=east.trader, from_account=mirror.pk, to_account=east.main.pk, quantity=6)


def _end(it: Lived) -> None:
    east = it.east
    purpose = Purpose(
        beneficiary=f"Prairie Wind LLC, {ODD}", reason="RPS", programme="NJ Class I", state="NJ", compliance_year=2025, tier="Class I"
    )
    it.made["retired"] = ledger.retire(key=key(), by=east.officer, account=east.main.pk, quantity=25, purpose=purpose)
    voluntary = Purpose(beneficiary="Bakery", reason="Green tariff")
    ledger.retire(
        key=key(),
        by=east.officer,
        account=east.main.pk,
        ranges=[SerialRange(it.batches["first"].pk, 900, 909), SerialRange(it.batches["first"].pk, 950, 954)],
        purpose=voluntary,
        to_account=east.accounts["graveyard"].pk,
    )
    reserved = ledger.reserve(key=key(), by=east.trader, account=east.main.pk, quantity=11)
    ledger.release(key=key(), by=east.trader, command=reserved)
    it.made["reserved"] = ledger.reserve(key=key(), by=east.trader, account=east.main.pk, quantity=12)


def _with_four_eyes(it: Lived) -> None:
    north = it.north
    it.batches["north"] = batch(north, of=generator(north, "Northern Sun", fuel="solar", state="NJ"), base="N", last=500)
    asked = ledger.issue(key=key(), by=north.trader, batch=it.batches["north"].pk, account=north.main.pk, first=1, last=400)
    ledger.approve(key=key(), by=north.officer, command=asked)
    refused = ledger.issue(key=key(), by=north.trader, batch=it.batches["north"].pk, account=north.main.pk, first=401, last=450)
    ledger.reject(key=key(), by=north.officer, command=refused)
    offered = ledger.transfer(
        key=key(), by=north.trader, from_account=north.main.pk, to_account=it.east.main.pk, quantity=70, criteria=None
    )
    ledger.approve(key=key(), by=north.officer, command=offered)
    ledger.accept(key=key(), by=it.east.trader, command=offered)
    it.made["awaits approval"] = ledger.transfer(
        key=key(), by=north.trader, from_account=north.main.pk, to_account=it.east.main.pk, quantity=8
    )
