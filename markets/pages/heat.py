"""The day's heat-map: zones by hours of one market day, 23 or 25 of them when clocks change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np

from energyopti.feeds.table import Array
from energyopti.intervals import Span, market_day
from energyopti.pages.templatetags.energy import MINUS
from markets.feeds.pjm import EASTERN
from markets.pages.asked import REAL_TIME, Asked
from markets.pages.clock import HOUR, comes_twice, label, places, slots
from markets.pages.known import Known, read
from markets.queries import Asked as Question
from markets.queries.glance import Lying
from markets.types import NodeRow

SHADES = 9  # classes h0 (low) to h8 (high)
TAILS = (2, 98)  # percentiles between which the shades are spread: one spike must not make the rest one colour


@dataclass(frozen=True, slots=True)
class Cell:
    """`shade` None: missing."""

    text: str
    shade: int | None
    title: str


@dataclass(frozen=True, slots=True)
class Hour:
    text: str
    mark: str  # EDT or EST where the hour comes twice


@dataclass(frozen=True, slots=True)
class Zone:
    node: NodeRow
    link: str
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Heat:
    day: date
    hours: list[Hour]
    zones: list[Zone]
    key: list[str]  # the words of each shade, low to high
    missing: int

    @property
    def any(self) -> bool:
        return bool(self.key)


def heat(asked: Asked, known: Known, lying: Lying) -> Heat:
    """Hourly prices of the zones on the last day asked for. A running day's real-time hours are means of its 5-minute prices."""
    span = market_day(asked.last, EASTERN)
    zones = known.shown(("ZONE",))
    prices = _prices(_Grid(asked, known, lying, span, [zone.node_id for zone in zones]))
    edges = _edges(prices)
    times = slots(span, HOUR)
    return Heat(
        day=asked.last,
        hours=[Hour(f"{time:%H}", f"{time:%Z}" if comes_twice(time) else "") for time in times],
        zones=[Zone(zone, asked.link(node=zone.node_id), _cells(row, edges, times)) for zone, row in zip(zones, prices, strict=True)],
        key=_key(edges),
        missing=int(np.isnan(prices).sum()),
    )


@dataclass(frozen=True, slots=True)
class _Grid:
    """The prices that are asked for."""

    asked: Asked
    known: Known
    lying: Lying
    span: Span
    nodes: Sequence[int]

    def read(self, step: timedelta) -> Array:
        """USD/MWh by node and interval, NaN where missing: float64 (nodes, intervals)."""
        grid = np.full((len(self.nodes), self.span.slots(step)), np.nan)
        series = self.known.series(self.asked.heat, step)
        if not series or not self.nodes:
            return grid
        frame = read(Question(series, self.nodes, self.span, self.asked.as_of), self.lying, sandbox=self.known.sandbox)
        order = np.argsort(self.nodes)
        row = order[np.searchsorted(np.asarray(self.nodes)[order], frame.node_id)] if len(frame) else np.empty(0, np.int64)
        grid[row, places(self.span, step, frame.interval_start)] = frame.total
        return grid


def _prices(grid: _Grid) -> Array:
    """USD/MWh by node and hour, NaN where missing: float64 (nodes, hours)."""
    hourly = grid.read(HOUR)
    if np.isnan(hourly).any() and grid.asked.heat == REAL_TIME:
        five = grid.read(timedelta(minutes=5))
        whole = five.reshape(len(grid.nodes), hourly.shape[1], 12).mean(axis=2)  # NaN as soon as one of the twelve is missing
        hourly = np.where(np.isnan(hourly), whole, hourly)
    return hourly


def _edges(prices: Array) -> Array:
    """The limits between neighbouring shades; none without a price."""
    known = prices[~np.isnan(prices)]
    if not len(known):
        return np.empty(0)
    low, high = np.percentile(known, TAILS)
    return np.linspace(low, max(high, low + 0.09), SHADES + 1)[1:-1]


def _key(edges: Array) -> list[str]:
    if not len(edges):
        return []
    between = [f"{low:.0f} to {high:.0f}" for low, high in pairwise(edges)]
    return [f"under {edges[0]:.0f}", *between, f"{edges[-1]:.0f} and more"]


def _cells(row: Array, edges: Array, times: Sequence[datetime]) -> list[Cell]:
    shades = np.searchsorted(edges, row, "right").tolist()
    return [  # NaN, which is not itself, is a missing price
        Cell("", None, f"{label(time)}: missing")
        if price != price
        else Cell(f"{round(price)}".replace("-", MINUS), shade, f"{label(time)}: {price:.2f} USD/MWh")
        for price, shade, time in zip(row.tolist(), shades, times, strict=True)
    ]
