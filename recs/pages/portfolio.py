"""The portfolio's table: a line for each vintage, fuel, state and registry, a column for each status, and what they sum to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from recs.pages import fuels
from recs.queries import PortfolioLine

Line = tuple[date, str, str, str]  # vintage, fuel, state, registry


@dataclass(frozen=True, slots=True)
class Row:
    """`begins`: the first row of its vintage. `counts`: certificates, in the order of the statuses shown."""

    vintage: date
    fuel: str
    fuel_type: str
    state: str
    registry: str
    counts: tuple[int, ...]
    begins: bool

    @property
    def total(self) -> int:
        return sum(self.counts)

    @property
    def month(self) -> str:
        return f"{self.vintage:%Y-%m}"


@dataclass(frozen=True, slots=True)
class Portfolio:
    statuses: tuple[str, ...]
    rows: list[Row]

    @property
    def totals(self) -> tuple[int, ...]:
        return tuple(sum(row.counts[place] for row in self.rows) for place in range(len(self.statuses)))

    @property
    def total(self) -> int:
        return sum(self.totals)


def portfolio(lines: Sequence[PortfolioLine], statuses: tuple[str, ...]) -> Portfolio:
    """Newest vintage first."""
    found: dict[Line, dict[str, int]] = {}
    for line in lines:
        counts = found.setdefault((line.vintage, line.fuel_type, line.state, line.registry), {})
        counts[line.status] = counts.get(line.status, 0) + line.quantity_mwh
    newest = sorted(found, key=lambda key: (-key[0].toordinal(), *key[1:]))
    before: list[Line | None] = [None, *newest]
    return Portfolio(statuses, [_row(key, found[key], statuses, last) for key, last in zip(newest, before, strict=False)])


def _row(key: Line, counts: dict[str, int], statuses: Iterable[str], before: Line | None) -> Row:
    vintage, fuel, state, registry = key
    shown = tuple(counts.get(status, 0) for status in statuses)
    return Row(vintage, fuels.words(fuel), fuel, state, registry, shown, before is None or before[0] != vintage)


def sums(lines: Iterable[PortfolioLine]) -> dict[str, int]:
    """Certificates by status."""
    found: dict[str, int] = {}
    for line in lines:
        found[line.status] = found.get(line.status, 0) + line.quantity_mwh
    return found
