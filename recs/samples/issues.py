"""Eighteen months of issues. No serial number is a registry's: each begins with SAMPLE, in the layouts that registries are known to use."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Min
from django.utils import timezone

from recs import ledger, services
from recs.models import Batch, GenerationRead
from recs.samples.cast import PLANTS, REASON, Firm, Plant

MONTHS = 18
READ_MONTHS = 3  # the newest ones have meter reads behind them
# Share of the capacity that runs, January to December
RUNS = {
    "wind": (42, 41, 43, 44, 40, 34, 27, 26, 33, 40, 43, 42),
    "solar": (12, 15, 19, 23, 26, 28, 28, 26, 22, 17, 13, 11),
    "hydro": (38, 40, 52, 58, 55, 44, 32, 26, 24, 28, 34, 38),
    "biomass": (71, 70, 72, 69, 70, 71, 68, 70, 72, 71, 70, 72),
    "geothermal": (88, 87, 88, 86, 85, 83, 82, 82, 84, 86, 87, 88),
}


@dataclass(frozen=True, slots=True)
class Issue:
    plant: Plant
    month: date

    @property
    def name(self) -> str:
        return f"{self.plant.unit} {self.month:%Y-%m}"

    @property
    def generated_mwh(self) -> Decimal:
        hours = 24 * calendar.monthrange(self.month.year, self.month.month)[1]
        share = RUNS[self.plant.fuel][self.month.month - 1]
        return Decimal(self.plant.capacity_mw * hours * share) / 100

    @property
    def certificates(self) -> int:
        return int(self.generated_mwh)  # what is left over is carried, as every registry does

    @property
    def base(self) -> str:
        """GATS and NEPOOL write a base and the numbers on it; of the others only the numbers' own range is known, if anything."""
        unit = self.plant.unit.removeprefix("SAMPLE-")
        return f"SAMPLE{unit}{self.month:%y%m}" if self.plant.registry in ("gats", "nepool") else f"SAMPLE-{unit}-{self.month:%Y%m}"

    @property
    def text(self) -> str:
        """The registry's own string; "" where no layout of it is known."""
        last = self.certificates
        known = {"gats": f"{self.base} 1-{last}", "nepool": f"{self.base} - 1 to {last}", "ercot": f"{1:06} -- {last:06}"}
        return known.get(self.plant.registry, "")


def months(*firms: Firm) -> list[date]:
    """Vintages, the oldest first: up to last month, or those with which an earlier run began."""
    slugs = [firm.organisation.pk for firm in firms]
    sampled = Batch.objects.filter(organisation__in=slugs, serial_base__startswith="SAMPLE")
    first = sampled.aggregate(first=Min("vintage"))["first"]
    start = first or _back(timezone.now().date().replace(day=1), MONTHS)
    return [_back(start, -step) for step in range(MONTHS)]


def _back(month: date, by: int) -> date:
    number = 12 * month.year + month.month - 1 - by
    return date(number // 12, number % 12 + 1, 1)


def issue(*firms: Firm, months: list[date]) -> int:
    """A batch a plant and month, issued with its approval; the newest of each organisation's first plant still waits for one. How many."""
    batches = 0
    known = {
        (batch.registry_id, batch.serial_base): batch for batch in Batch.objects.filter(serial_base__startswith="SAMPLE", sandbox=True)
    }
    for place, month in enumerate(months):
        for firm in firms:
            for plant in PLANTS[firm.organisation.slug]:
                if place % plant.every == plant.every - 1:
                    one = Issue(plant, month)
                    batch = known.get((plant.registry, one.base)) or _write_down(firm, one)
                    _issued(firm, one, batch, last=month == months[-1])
                    batches += 1
    _read(firms, months[-READ_MONTHS:])
    return batches


def _write_down(firm: Firm, one: Issue) -> Batch:
    return services.record_batch(
        organisation=firm.organisation,
        generator=firm.generators[one.plant.name],
        registry=one.plant.registry,
        serial_base=one.base,
        serial_start=1,
        serial_end=one.certificates,
        vintage=one.month,
        registry_text=one.text,
        reason=REASON,
    )


def _issued(firm: Firm, one: Issue, batch: Batch, *, last: bool) -> None:
    waits = last and one.plant is PLANTS[firm.organisation.slug][0]
    firm.does(f"issue {one.name}", ledger.issue, approved=not waits, batch=batch.pk, account=firm.account(one.plant.into))


def _read(firms: tuple[Firm, ...], newest: list[date]) -> None:
    """The meters behind the newest batches."""
    read = set(GenerationRead.objects.values_list("generator", "days__startswith"))
    for firm in firms:
        for plant in PLANTS[firm.organisation.slug]:
            generator = firm.generators[plant.name]
            for month in newest:
                if (generator.pk, month) not in read:
                    last_day = _back(month, -1) - timedelta(days=1)
                    services.record_read(
                        generator=generator,
                        first_day=month,
                        last_day=last_day,
                        generation_mwh=Issue(plant, month).generated_mwh,
                        reason=REASON,
                    )
