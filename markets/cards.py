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
from markets.feeds.pjm import EASTERN
from markets.pages.asked import DAY_AHEAD, REAL_TIME, STEPS
from markets.pages.clock import HOUR
from markets.pages.congested import names_of, ranked
from markets.pages.known import Known, known, read
from markets.queries import Asked, read_latest
from markets.queries.frames import empty, together
from markets.queries.glance import Lying
from markets.queries.latest import EVER, Newest
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
    hourly: bool = False  # of a node that has no 5-minute price

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
    store = known(newest=True)
    nodes, newest = store.shown(("HUB", "ZONE")), store.catalogue.newest
    real = _newest(store, nodes, newest)
    ahead = _day_ahead(store, nodes, real, newest)
    rows = [_row(node, real, ahead) for node in nodes]
    instants = [row.at for row in rows if row.at]
    shown = {"rows": rows if instants else [], "nodes": bool(nodes), "sandbox": bool(instants) and real.sandbox}
    return shown | _congested(store, max(instants, default=None), newest)


def _newest(store: Known, nodes: Sequence[NodeRow], newest: Sequence[Newest]) -> PriceFrame:
    """The last 5-minute price of each node, or its last hourly one where it has none."""
    ids, frames = [node.node_id for node in nodes], [empty([])]
    for step in (STEPS["5min"], STEPS["1h"]):
        series = store.series(REAL_TIME, step)
        wanted = [one for one in newest if one.series in series and (one.live or one.day)]
        if ids and wanted:
            frames.append(read_latest(Asked(series, ids, EVER), wanted))
            ids = sorted(set(ids) - set(frames[-1].node_id.tolist()))
    frame = together(frames)
    return frame.take(np.argsort(frame.node_id, kind="stable"))


def _day_ahead(store: Known, nodes: Sequence[NodeRow], real: PriceFrame, newest: Sequence[Newest]) -> dict[tuple[int, datetime], float]:
    """(node, hour) → price, over the hours in which the newest real-time prices lie."""
    if not len(real):
        return {}
    first, last = (_utc(edge.astype("datetime64[h]")) for edge in (real.interval_start.min(), real.interval_start.max()))
    first = max(first, last - 48 * HOUR)  # a node that fell silent long ago must not make this read a year
    span = Span(first, last + HOUR)
    question = Asked(store.series(DAY_AHEAD, HOUR), [node.node_id for node in nodes], span)
    frame = read(question, _lying(newest, span), sandbox=store.sandbox)
    hours = (_utc(at) for at in frame.interval_start)
    return dict(zip(zip(frame.node_id.tolist(), hours, strict=True), frame.total.tolist(), strict=True))


def _lying(newest: Sequence[Newest], span: Span) -> Lying:
    """What may lie behind a span's start, by each series' newest prices."""
    live = frozenset(one.series.id for one in newest if one.live and one.live >= span.start)
    sealed = frozenset(one.series.id for one in newest if one.day and one.day >= span.start)
    return Lying(live, frozenset(), live | sealed)


def _row(node: NodeRow, real: PriceFrame, ahead: dict[tuple[int, datetime], float]) -> Now:
    place = int(np.searchsorted(real.node_id, node.node_id))
    if place == len(real) or real.node_id[place] != node.node_id:
        return Now(node, None, None, None, None, None)
    at, price, congestion = _utc(real.interval_start[place]), float(real.total[place]), float(real.congestion[place])
    expected = ahead.get((node.node_id, at.replace(minute=0)))
    dart = None if expected is None else expected - price
    hourly = real.sources[int(real.series[place])].minutes == 60
    return Now(node, at.astimezone(EASTERN), price, expected, dart, congestion, hourly)


def _congested(store: Known, at: datetime | None, newest: Sequence[Newest]) -> dict[str, Any]:
    """The ranking of the newest market day: day-ahead, whose means stand in an index; a running day of all nodes takes seconds."""
    if at is None:
        return {"congested": [], "day": None}
    span = market_day(at.date(), EASTERN)
    lying = _lying(newest, span)
    for market in (DAY_AHEAD, REAL_TIME):
        if found := ranked(span, store, lying, market=market, limit=MOST_CONGESTED):
            break
    names = {one.node.node_id: one.node.node_name for one in store.landmarks}
    if any(one.node_id not in names for one in found):
        names |= {node: seen.name for node, seen in names_of(found, span).items()}
    top = [Top(one.node_id, names.get(one.node_id) or str(one.node_id), one.congestion, one.total) for one in found]
    return {"congested": top, "day": at.date(), "congested_in": "day-ahead" if market == DAY_AHEAD else "real-time"}


def _utc(instant: Any) -> datetime:
    moment: datetime = instant.astype("datetime64[s]").item()
    return moment.replace(tzinfo=UTC)


CARDS = (Card(title="Power prices, PJM", template="markets/card.html", context=_context, order=5),)
