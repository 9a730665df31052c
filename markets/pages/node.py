"""Which node the page is about: the one asked for, else a followed hub or zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.utils import timezone

from energyopti.errors import InvalidInput
from markets import queries
from markets.feeds.pjm import EASTERN
from markets.pages.asked import MARKETS, STEPS
from markets.queries.directory import plain
from markets.types import NodeRow, PriceFrame

PREFERRED = "WESTERN HUB"  # PJM's most traded one
KINDS = ("HUB", "ZONE", "INTERFACE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """`node` None: no node is known at all. `similar`: where several or none match what was typed. `problem`: why not."""

    node: NodeRow | None
    sandbox: bool
    similar: tuple[NodeRow, ...] = ()
    problem: str = ""


def sandbox_shown() -> bool:
    """Whether the prices that the queries answer with are the sandbox's: real as soon as a price feed ran for real."""
    series = [one for market in MARKETS for one in queries.choose(market=market, resolution=STEPS["1h"])]
    return all(one.sandbox for one in series) if series else queries.is_sandbox()


def choose(query: Mapping[str, str]) -> Chosen:
    """The node of `?node=`, by id or name; one that cannot be found is told, with those whose names are like it."""
    sandbox, typed = sandbox_shown(), query.get("node", "").replace("\0", "").strip()[:100]
    if not typed:
        return Chosen(node=_usual(sandbox), sandbox=sandbox)
    try:
        (found,) = queries.resolve([typed], sandbox=sandbox)
    except InvalidInput as problem:
        return _similar(typed, problem.detail, sandbox=sandbox)
    return Chosen(node=_row(found, sandbox=sandbox), sandbox=sandbox)


def _similar(typed: str, problem: str, *, sandbox: bool) -> Chosen:
    like = queries.nodes(sandbox=sandbox, q=typed, active_on=timezone.now(), limit=12)
    if len(like) == 1:
        return Chosen(node=like[0], sandbox=sandbox)
    return Chosen(node=_usual(sandbox), sandbox=sandbox, similar=tuple(like), problem=problem)


def _row(node: int, *, sandbox: bool) -> NodeRow | None:
    """The node in its last effective window."""
    return next((row for row in reversed(queries.nodes(sandbox=sandbox, q=str(node))) if row.node_id == node), None)


def _usual(sandbox: bool) -> NodeRow | None:
    known = shown(sandbox=sandbox)
    preferred = next((row for row in known if plain(row.node_name) == PREFERRED), None)
    return preferred or next(iter(known), None) or next(iter(queries.nodes(sandbox=sandbox, limit=1)), None)


def shown(*, sandbox: bool, kinds: tuple[str, ...] = KINDS) -> list[NodeRow]:
    """The followed hubs, zones and interfaces by kind, then name; all active ones where people follow none of these."""
    now = timezone.now()
    active = [row for kind in kinds for row in queries.nodes(sandbox=sandbox, type=kind, active_on=now)]
    followed = set(queries.followed(sandbox=sandbox))
    chosen = [row for row in active if row.node_id in followed] or active
    return sorted(chosen, key=lambda row: (kinds.index(row.node_type.upper()), row.node_name))


def newest_day(node: NodeRow | None) -> date | None:
    """The newest market day for which the node has both markets, or else one of them; None without any price."""
    if node is None:
        return None
    newest = {market: day for market in MARKETS if (day := _day(_latest(node, market)))}
    return min(newest.values()) if newest else None


def _latest(node: NodeRow, market: str) -> PriceFrame:
    return queries.latest(nodes=[node.node_id], market=market, resolution=STEPS["1h"])


def _day(frame: PriceFrame) -> date | None:
    if not len(frame):
        return None
    instant: datetime = frame.interval_start[-1].astype("datetime64[s]").item()
    return instant.replace(tzinfo=UTC).astimezone(EASTERN).date()
