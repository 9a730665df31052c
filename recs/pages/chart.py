"""The portfolio by vintage as stacked bars: an SVG's geometry, drawn by templates/recs/chart.html without a script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count

from recs.pages import fuels
from recs.queries import PortfolioLine

WIDTH, HEIGHT = 1000, 300
TOP, RIGHT, BOTTOM = 18, 8, 26
MOST_MONTHS = 60  # bars; a longer portfolio is drawn by year
LABEL_ROOM = 52  # units an axis label needs
DIGIT, GAP = 6.6, 10  # units of a figure at the axis, and between it and the bars
TICKS = 5
THINNEST = 1.0  # units: a single certificate beside a million is still seen


@dataclass(frozen=True, slots=True)
class Segment:
    fuel: str
    look: str
    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One vintage. `label`: what the axis says under it, "" where there is no room."""

    vintage: str
    total: int
    middle: float
    top: float
    label: str
    segments: list[Segment]


@dataclass(frozen=True, slots=True)
class Tick:
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Fuel:
    name: str
    look: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Chart:
    bars: list[Bar]
    ticks: list[Tick]
    fuels: list[Fuel]
    left: float
    by: str  # month or year
    width: int = WIDTH
    height: int = HEIGHT
    floor: int = HEIGHT - BOTTOM
    right: int = WIDTH - RIGHT

    @property
    def figures_at(self) -> float:
        return self.left - GAP / 2

    @property
    def labels_at(self) -> int:
        return HEIGHT - BOTTOM // 3

    @property
    def total(self) -> int:
        return sum(fuel.quantity for fuel in self.fuels)

    @property
    def looks(self) -> list[str]:
        return list(dict.fromkeys(fuel.look for fuel in self.fuels))

    @property
    def summary(self) -> str:
        """What whoever cannot see the bars is told."""
        first, last = self.bars[0].vintage, self.bars[-1].vintage
        most = max(self.bars, key=lambda bar: bar.total)
        named = ", ".join(f"{fuel.name} {fuel.quantity:,}" for fuel in self.fuels)
        when = f"of {first}" if first == last else f"from {first} to {last}, most in {most.vintage} with {most.total:,}"
        return f"Bar chart of {self.total:,} certificates {when}. By fuel: {named}."


def chart(lines: Sequence[PortfolioLine]) -> Chart | None:
    """None where there is nothing to draw."""
    filled = [line for line in lines if line.quantity_mwh]
    if not filled:
        return None
    first, last = min(line.vintage for line in filled), max(line.vintage for line in filled)
    by = "month" if _months(first, last) <= MOST_MONTHS else "year"
    stacks = _stacks(filled, _columns(first, last, by), by)
    looks = fuels.looks(line.fuel_type for line in filled)
    ticks = _ticks(max(sum(stack.values()) for stack in stacks.values()))
    left = GAP + DIGIT * max(len(f"{tick:,}") for tick in ticks)
    drawn = _Drawing(looks, left=left, highest=ticks[-1], bars=len(stacks))
    totals = {fuel: sum(stack.get(fuel, 0) for stack in stacks.values()) for fuel in looks}
    return Chart(
        bars=[drawn.bar(place, vintage, stack) for place, (vintage, stack) in enumerate(stacks.items())],
        ticks=[Tick(drawn.y(tick), f"{tick:,}") for tick in ticks],
        fuels=[Fuel(fuels.words(fuel), look, totals[fuel]) for fuel, look in looks.items()],
        left=left,
        by=by,
    )


def _months(first: date, last: date) -> int:
    return 12 * (last.year - first.year) + last.month - first.month + 1


def _columns(first: date, last: date, by: str) -> list[str]:
    """Every month (or year) between the two: one without certificates is an empty place, not a missing one."""
    if by == "year":
        return [str(year) for year in range(first.year, last.year + 1)]
    months = (12 * first.year + first.month - 1 + step for step in range(_months(first, last)))
    return [f"{month // 12}-{month % 12 + 1:02}" for month in months]


def _stacks(lines: Sequence[PortfolioLine], columns: Sequence[str], by: str) -> dict[str, dict[str, int]]:
    """Vintage → fuel → certificates."""
    stacks: dict[str, dict[str, int]] = {column: {} for column in columns}
    for line in lines:
        stack = stacks[f"{line.vintage:%Y-%m}" if by == "month" else str(line.vintage.year)]
        stack[line.fuel_type] = stack.get(line.fuel_type, 0) + line.quantity_mwh
    return stacks


def _ticks(highest: int) -> list[int]:
    """Round figures from zero to the first one that is not below `highest`."""
    step = next(step for power in count() for factor in (1, 2, 5) if (step := factor * 10**power) * TICKS >= highest)
    return list(range(0, -(-highest // step) * step + 1, step))


class _Drawing:
    """Places bars between the axis and the right edge."""

    def __init__(self, looks: dict[str, str], *, left: float, highest: int, bars: int) -> None:
        self.looks, self.left, self.highest = looks, left, highest
        self.step = (WIDTH - RIGHT - left) / bars
        self.thick = min(self.step * 0.78, 56)
        self.every = max(1, -(-LABEL_ROOM // max(1, int(self.step))))  # so that the axis' labels do not meet

    def y(self, quantity: int) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * quantity / self.highest, 2)

    def bar(self, place: int, vintage: str, stack: dict[str, int]) -> Bar:
        middle = self.left + self.step * (place + 0.5)
        segments, below = [], 0
        for fuel, look in self.looks.items():
            if quantity := stack.get(fuel, 0):
                top, floor = self.y(below + quantity), self.y(below)
                height = max(round(floor - top, 2), THINNEST)
                title = f"{vintage}, {fuels.words(fuel)}: {quantity:,} MWh"
                x = round(middle - self.thick / 2, 2)
                segments.append(Segment(fuel, look, x, round(floor - height, 2), round(self.thick, 2), height, title))
                below += quantity
        label = "" if place % self.every else vintage
        return Bar(vintage, below, round(middle, 2), self.y(below), label, segments)
