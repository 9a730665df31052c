"""Which node the page is about: the one asked for, else a followed hub or zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone

from energyopti.errors import InvalidInput
from markets import queries
from markets.feeds.pjm import EASTERN
from markets.pages.asked import DAY_AHEAD, REAL_TIME, STEPS
from markets.pages.known import Known
from markets.queries import glance
from markets.queries.directory import plain
from markets.types import NodeRow

PREFERRED = "WESTERN HUB"  # PJM's most traded one


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """`node` None: no node is known at all. `similar`: where several or none match what was typed. `problem`: why not."""

    node: NodeRow | None
    similar: tuple[NodeRow, ...] = ()
    problem: str = ""


def choose(query: Mapping[str, str], known: Known) -> Chosen:
    """The node of `?node=`, by id or name; one that cannot be found is told, with those whose names are like it."""
    typed = query.get("node", "").replace("\0", "").strip()[:100]
    if not typed:
        return Chosen(node=_usual(known))
    if landmark := next((one.node for one in known.landmarks if str(one.node.node_id) == typed), None):
        return Chosen(node=landmark)
    try:
        (found,) = queries.resolve([typed], sandbox=known.sandbox)
    except InvalidInput as problem:
        return _similar(typed, problem.detail, known)
    return Chosen(node=glance.node_row(found, sandbox=known.sandbox))


def _similar(typed: str, problem: str, known: Known) -> Chosen:
    like = queries.nodes(sandbox=known.sandbox, q=typed, active_on=timezone.now(), limit=12)
    if len(like) == 1:
        return Chosen(node=like[0])
    return Chosen(node=_usual(known), similar=tuple(like), problem=problem)


def _usual(known: Known) -> NodeRow | None:
    shown = known.shown()
    preferred = next((row for row in shown if plain(row.node_name) == PREFERRED), None)
    return preferred or next(iter(shown), None) or next(iter(queries.nodes(sandbox=known.sandbox, limit=1)), None)


def newest_day(node: NodeRow, known: Known, *, step: timedelta) -> date | None:
    """The newest market day for which the node has both markets, or else one of them; None without any price.

    Real-time counts in `step`; a node that has none so counts with what it has.
    """
    newest = glance.newest_of(node.node_id, known.every_series)

    def day(market: str, *steps: timedelta) -> date | None:
        for one in steps:
            if found := [newest[series.id] for series in known.series(market, one) if series.id in newest]:
                return max(found).astimezone(EASTERN).date()
        return None

    days = (day(DAY_AHEAD, STEPS["1h"]), day(REAL_TIME, step, *STEPS.values()))
    return min((one for one in days if one), default=None)
