"""What happens to the sample certificates: one of each thing that can, so that every page has something to show."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from recs import ledger, services
from recs.models import Batch, Command
from recs.samples.cast import PLANTS, REASON, Firm
from recs.samples.issues import Issue
from recs.types import Criteria, Purpose, SerialRange

BENEFICIARY = "Sample Retail Customers (invented)"
EXPORTED = 400


def tell(east: Firm, west: Firm, *, months: list[date]) -> None:
    inside(east, west)
    across_registries(east, months)
    between(east, west)
    outside(east)
    retired(east, west, year=months[-1].year)
    kept_back(east)


def inside(east: Firm, west: Firm) -> None:
    """From account to account of one owner: approved in the East, self-approved in the West."""
    reserve, trading = east.account("Reserve"), east.account("Trading")
    east.does("put aside", ledger.transfer, from_account=trading, to_account=reserve, quantity=500, criteria=Criteria(fuel_type="hydro"))
    trading, reserve = west.account("Trading"), west.account("Reserve")
    west.does("put aside", ledger.transfer, from_account=trading, to_account=reserve, quantity=1_200, criteria=Criteria(registry="ercot"))


def across_registries(east: Firm, months: list[date]) -> None:
    """Out of M-RETS and into NAR: what the one gave up, the other issues anew."""
    plant = PLANTS["sandbox-east"][0]
    old = Issue(plant, months[6])
    source = Batch.objects.get(registry=plant.registry, serial_base=old.base, sandbox=True)
    gone = east.does(
        "export to NAR", ledger.export, account=east.account("M-RETS"), to_registry="nar", ranges=[SerialRange(source.pk, 1, EXPORTED)]
    )
    east.confirms("export to NAR", gone, day=months[-1], number="SAMPLE-CONFIRMATION-1")
    base = f"SAMPLE-NAR-{old.month:%Y%m}"
    batch = Batch.objects.filter(registry="nar", serial_base=base, sandbox=True).first() or services.record_batch(
        organisation=east.organisation,
        generator=east.generators[plant.name],
        registry="nar",
        serial_base=base,
        serial_start=1,
        serial_end=EXPORTED,
        vintage=old.month,
        export=Command.objects.get(pk=gone),
        reason=REASON,
    )
    east.does("import into NAR", ledger.issue, kind="import", batch=batch.pk, account=east.account("Trading"))
    moved = east.does(
        "out of M-RETS", ledger.transfer, from_account=east.account("M-RETS"), to_account=east.account("Trading"), quantity=9_000
    )
    east.confirms("out of M-RETS", moved, day=months[-1], number="SAMPLE-CONFIRMATION-2")


def between(east: Firm, west: Firm) -> None:
    """Offers: accepted, sent back, rejected, and one open in each direction. What was bought is paid in part."""
    for lender, borrower in ((east, west), (west, east)):
        other = borrower.organisation.pk
        lender.does("credit", ledger.grant_credit, creditor=lender.organisation.pk, debtor=other, limit_usd=Decimal(500_000))
    sell: dict[str, Any] = {"from_account": east.account("Trading"), "to_account": west.account("Trading")}
    solar, wind = Criteria(fuel_type="solar", state="NJ"), Criteria(fuel_type="wind", state="PA")
    sold = east.does("sale of solar", ledger.transfer, **sell, quantity=2_000, criteria=solar, price_usd=Decimal("386000.00"))
    west.answers("sale of solar", ledger.accept, sold)
    east.does("payment", ledger.pay, creditor=east.organisation.pk, debtor=west.organisation.pk, amount_usd=Decimal("200000.00"))
    back = east.does("sale of hydro", ledger.transfer, **sell, quantity=250, criteria=Criteria(fuel_type="hydro"))
    west.answers("sale of hydro", ledger.accept, back)
    undone = west.does("wrong vintage", ledger.reverse, command=back)
    east.answers("wrong vintage", ledger.accept, undone)
    high = east.does("dear wind", ledger.transfer, **sell, quantity=1_500, criteria=wind, price_usd=Decimal("52500.00"))
    west.answers("dear wind", ledger.reject, high)
    east.does("open offer", ledger.transfer, **sell, quantity=1_000, criteria=wind, price_usd=Decimal("23750.00"))
    buy: dict[str, Any] = {"from_account": west.account("Trading"), "to_account": east.account("Trading")}
    west.does("open offer", ledger.transfer, **buy, quantity=800, criteria=Criteria(fuel_type="geothermal"), price_usd=Decimal("9600.00"))


def outside(east: Firm) -> None:
    """To somebody without a login here, who owes the price."""
    buyer = east.account("Sample Buyer LLC (no login)")
    east.does(
        "sale outside",
        ledger.transfer,
        from_account=east.account("Trading"),
        to_account=buyer,
        quantity=750,
        criteria=Criteria(fuel_type="biomass"),
        price_usd=Decimal("6375.00"),
    )


def retired(east: Firm, west: Firm, *, year: int) -> None:
    """For a programme and voluntarily; one waits for the registry, one for a second person."""
    tier = Purpose(beneficiary=BENEFICIARY, reason="Sample obligation", programme="NJ RPS", state="NJ", compliance_year=year, tier="Solar")
    own = Purpose(beneficiary="Sample Bakery (invented)", reason="Renewable energy claim of the bakery")
    trading, shelf = east.account("Trading"), east.account("Retirement")
    east.does(
        "obligation", ledger.retire, account=trading, to_account=shelf, quantity=3_000, criteria=Criteria(fuel_type="solar"), purpose=tier
    )
    east.does("claim", ledger.retire, account=east.account("M-RETS"), quantity=1_250, purpose=own)
    east.does(
        "next claim",
        ledger.retire,
        approved=False,
        account=trading,
        quantity=150,
        criteria=Criteria(registry="nar", fuel_type="wind"),
        purpose=own,
    )
    texas = Criteria(registry="ercot")
    west.does("claim", ledger.retire, account=west.account("Trading"), quantity=2_400, criteria=texas, purpose=own)
    west.does("out of NEPOOL", ledger.transfer, from_account=west.account("NEPOOL GIS"), to_account=west.account("Trading"), quantity=2_000)


def kept_back(east: Firm) -> None:
    east.does("kept for a buyer", ledger.reserve, account=east.account("Reserve"), quantity=200)
