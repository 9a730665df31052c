"""The overview's card of power prices: the newest real-time prices against day-ahead, and where the grid is congested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from energyopti.intervals import Span, market_day
from energyopti.organisations.models import User
from energyopti.pages.cards import Card
from markets import queries
from markets.feeds.pjm import EASTERN
from markets.pages.asked import DAY_AHEAD, REAL_TIME, STEPS
from markets.pages.clock import HOUR
from markets.pages.congested import UNKNOWN, ranked
from markets.pages.node import sandbox_shown, shown
from markets.types import NodeRow, PriceFrame

MOST_CONGESTED = 10


@dataclass(frozen=True, slots=True)
class Now:
    """A node's newest real-time price and the day-ahead price of the same hour, USD/MWh; None: not stored."""

    node: NodeRow
    at: datetime | None  # market-local
    real_time: float | None
    day_ahead: float | None
    dart: float | None
    congestion: float | None

    @property
    def clock(self) -> str:
        """The market's own clock: a template would turn the instant to UTC."""
        return f"{self.at:%Y-%m-%d %H:%M %Z}" if self.at else ""


@dataclass(frozen=True, slots=True)
class Top:
    node_id: int
    name: str
    congestion: float
    lmp: float


def _context(user: User) -> dict[str, Any]:
    """Prices belong to the installation: whoever may log in sees them."""
    nodes = shown(sandbox=sandbox_shown(), kinds=("HUB", "ZONE"))
    real = _newest(nodes)
    ahead = _day_ahead(nodes, real)
    rows = [_row(node, real, ahead) for node in nodes]
    instants = [row.at for row in rows if row.at]
    return {"rows": rows if instants else [], "nodes": bool(nodes), "sandbox": real.sandbox, **_congested(max(instants, default=None))}


def _newest(nodes: Sequence[NodeRow]) -> PriceFrame:
    """The last 5-minute price of each node, or hourly ones where no 5-minute price is stored."""
    ids = [node.node_id for node in nodes]
    five = queries.latest(nodes=ids, market=REAL_TIME, resolution=STEPS["5min"])
    return five if len(five) else queries.latest(nodes=ids, market=REAL_TIME, resolution=STEPS["1h"])


def _day_ahead(nodes: Sequence[NodeRow], real: PriceFrame) -> dict[tuple[int, datetime], float]:
    """(node, hour) → price, over the hours in which the newest real-time prices lie."""
    if not len(real):
        return {}
    first, last = (_utc(edge.astype("datetime64[h]")) for edge in (real.interval_start.min(), real.interval_start.max()))
    first = max(first, last - 48 * HOUR)  # a node that fell silent long ago must not make this read a year
    frame = queries.prices(nodes=[node.node_id for node in nodes], span=Span(first, last + HOUR), market=DAY_AHEAD, resolution=HOUR)
    hours = (_utc(at) for at in frame.interval_start)
    return dict(zip(zip(frame.node_id.tolist(), hours, strict=True), frame.total.tolist(), strict=True))


def _row(node: NodeRow, real: PriceFrame, ahead: dict[tuple[int, datetime], float]) -> Now:
    place = int(np.searchsorted(real.node_id, node.node_id))
    if place == len(real) or real.node_id[place] != node.node_id:
        return Now(node, None, None, None, None, None)
    at, price, congestion = _utc(real.interval_start[place]), float(real.total[place]), float(real.congestion[place])
    expected = ahead.get((node.node_id, at.replace(minute=0)))
    dart = None if expected is None else expected - price
    return Now(node, at.astimezone(EASTERN), price, expected, dart, congestion)


def _congested(newest: datetime | None) -> dict[str, Any]:
    """The ranking of the newest market day that has real-time prices."""
    if newest is None:
        return {"congested": [], "day": None}
    span = market_day(newest.date(), EASTERN)
    found = ranked(span, market=REAL_TIME, limit=MOST_CONGESTED)
    names = queries.names([one.node_id for one in found], at=span.end, sandbox=found[0].series.sandbox) if found else {}
    top = [Top(one.node_id, names.get(one.node_id, UNKNOWN).name or str(one.node_id), one.congestion, one.total) for one in found]
    return {"congested": top, "day": newest.date()}


def _utc(instant: Any) -> datetime:
    moment: datetime = instant.astype("datetime64[s]").item()
    return moment.replace(tzinfo=UTC)


CARDS = (Card(title="Power prices, PJM", template="markets/card.html", context=_context, order=5),)
