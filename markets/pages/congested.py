"""The day's most congested nodes, with their names and the way to their charts."""

from __future__ import annotations

from dataclasses import dataclass

from energyopti.intervals import Span, market_day
from markets import queries
from markets.feeds.pjm import EASTERN
from markets.pages.asked import STEPS, Asked
from markets.pages.known import Known
from markets.queries.glance import Lying
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


def congested(asked: Asked, known: Known, lying: Lying) -> list[Congested]:
    """Of the last day asked for, in the market of the heat-map, by what is known now: the means of a day have no past."""
    span = market_day(asked.last, EASTERN)
    found = ranked(span, known, lying, market=asked.heat, limit=MOST)
    names = names_of(found, span)
    return [_named(asked, one, names.get(one.node_id, UNKNOWN)) for one in found]


def ranked(span: Span, known: Known, lying: Lying, *, market: str, limit: int) -> list[CongestedNode]:
    """Hourly prices rank; while a real-time day has none, its 5-minute prices do."""
    for step in STEPS.values():
        series = tuple(one for one in known.series(market, step) if one.id in lying.of_day)
        if not series:
            continue
        live = any(one.id in lying.live for one in series)
        if found := queries.congestion(queries.Asked(series, None, span), limit=limit, live=live).top:
            return list(found)
    return []


def names_of(found: list[CongestedNode], span: Span) -> dict[int, NodeSeen]:
    return queries.names([one.node_id for one in found], at=span.end, sandbox=found[0].series.sandbox) if found else {}


def _named(asked: Asked, one: CongestedNode, seen: NodeSeen) -> Congested:
    return Congested(one.node_id, seen.name or str(one.node_id), seen.type, one.congestion, one.total, asked.link(node=one.node_id))
