"""The day's most congested nodes, with their names and the way to their charts."""

from __future__ import annotations

from dataclasses import dataclass

from energyopti.intervals import Span, market_day
from markets import queries
from markets.feeds.pjm import EASTERN
from markets.pages.asked import STEPS, Asked
from markets.types import CongestedNode, NodeSeen

MOST = 20
UNKNOWN = NodeSeen("", "", "", "")


@dataclass(frozen=True, slots=True)
class Congested:
    """Means of the market day in USD/MWh."""

    node_id: int
    name: str
    type: str
    congestion: float
    lmp: float
    link: str


def congested(asked: Asked) -> list[Congested]:
    """Of the last day asked for, in the market of the heat-map."""
    span = market_day(asked.last, EASTERN)
    found = ranked(span, market=asked.heat, limit=MOST)
    names = queries.names([one.node_id for one in found], at=span.end, sandbox=asked.node.sandbox) if found else {}
    return [_named(asked, one, names.get(one.node_id, UNKNOWN)) for one in found]


def ranked(span: Span, *, market: str, limit: int) -> list[CongestedNode]:
    """Hourly prices rank; while a real-time day has none, its 5-minute prices do."""
    for step in STEPS.values():
        series = queries.choose(market=market, resolution=step)
        if found := queries.top_congested(queries.Asked(tuple(series), None, span), limit=limit):
            return found
    return []


def _named(asked: Asked, one: CongestedNode, seen: NodeSeen) -> Congested:
    return Congested(one.node_id, seen.name or str(one.node_id), seen.type, one.congestion, one.total, asked.link(node=one.node_id))
