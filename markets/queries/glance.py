"""What a page wants to know before it reads prices, each in one statement: the series, where prices lie, the nodes that stand out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Upper
from django.utils import timezone

from energyopti.intervals import Span
from markets import arrays
from markets.models import FollowedNode, Node
from markets.queries.directory import FOLLOWED_TYPES, ROW, active
from markets.queries.latest import Newest
from markets.queries.rows import LONGEST_DAY
from markets.queries.series import PRECEDENCE
from markets.types import NodeRow, SeriesSeen

_CATALOGUE = (
    "SELECT s.id, s.feed, s.sandbox, s.market, s.minutes, s.quality, s.sandbox AND EXISTS (SELECT FROM feeds_syncrun r"
    "  WHERE r.feed = s.feed AND NOT r.sandbox AND r.status IN ('complete', 'incomplete')){newest} FROM markets_series s"
)
# as markets.queries.latest finds them
_NEWEST = (
    ", (SELECT interval_start FROM lmp_live WHERE series = s.id ORDER BY interval_start DESC LIMIT 1),"
    " (SELECT start FROM lmp_block WHERE series = s.id ORDER BY start DESC LIMIT 1)"
)
_LYING = (
    "SELECT one.series,"
    " EXISTS (SELECT FROM lmp_live WHERE series = one.series AND interval_start >= %(start)s AND interval_start < %(end)s),"
    " EXISTS (SELECT FROM lmp_block_history WHERE series = one.series AND pnode_id = %(node)s AND start > %(first)s AND start < %(end)s),"
    " EXISTS (SELECT FROM lmp_block WHERE series = one.series AND start = %(day)s)"
    "  OR EXISTS (SELECT FROM lmp_live WHERE series = one.series AND interval_start >= %(day)s AND interval_start < %(day_end)s)"
    " FROM unnest(%(series)s::smallint[]) one(series)"
)
_NEWEST_OF_NODE = (
    "SELECT one.series, GREATEST("
    " (SELECT start FROM lmp_block WHERE series = one.series AND pnode_id = %(node)s ORDER BY start DESC LIMIT 1),"
    " (SELECT interval_start FROM lmp_live WHERE series = one.series AND pnode_id = %(node)s ORDER BY interval_start DESC LIMIT 1))"
    " FROM unnest(%(series)s::smallint[]) one(series)"
)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every series; `superseded`: ids of sandbox series whose feed has had a real run, so that they answer no more.

    `newest`: where each ends, where that was asked for.
    """

    series: tuple[SeriesSeen, ...]
    superseded: frozenset[int]
    newest: tuple[Newest, ...] = ()

    def choose(self, *, market: str, resolution: timedelta) -> tuple[SeriesSeen, ...]:
        """As markets.queries.choose: of one market and resolution, real or sandbox and never both, the best first."""
        found = [one for one in self.series if one.market == market and one.minutes == resolution // timedelta(minutes=1)]
        sandbox = all(one.sandbox for one in found) and not any(one.id in self.superseded for one in found)
        chosen = (one for one in found if one.sandbox == sandbox)
        return tuple(sorted(chosen, key=lambda one: (PRECEDENCE.index(one.quality), one.id)))


@dataclass(frozen=True, slots=True)
class Lying:
    """Ids of series: those with live prices in a span, those that replaced prices of a node there, those with prices of a day."""

    live: frozenset[int]
    replaced: frozenset[int]
    of_day: frozenset[int]


@dataclass(frozen=True, slots=True)
class Landmark:
    """An active hub, zone or interface. `followed`: by people's choice, or while nobody has chosen."""

    node: NodeRow
    followed: bool


def catalogue(*, newest: bool = False) -> Catalogue:
    with arrays.reading() as rows:
        found = rows.execute(_CATALOGUE.format(newest=_NEWEST if newest else "")).fetchall()
    series = [SeriesSeen(*row[:6]) for row in found]
    ends = tuple(Newest(one, *row[7:]) for one, row in zip(series, found, strict=True)) if newest else ()
    return Catalogue(tuple(series), frozenset(row[0] for row in found if row[6]), ends)


def lying(series: Sequence[SeriesSeen], *, span: Span, node: int, day: Span) -> Lying:
    """Where the prices of `span` lie: what is known not to be there need not be asked for."""
    params: dict[str, Any] = {"series": [one.id for one in series], "node": node, "start": span.start, "end": span.end}
    params |= {"first": span.start - LONGEST_DAY, "day": day.start, "day_end": day.end}
    with arrays.reading() as rows:
        found = rows.execute(_LYING, params).fetchall()
    return Lying(*(frozenset(row[0] for row in found if row[place]) for place in (1, 2, 3)))


def newest_of(node: int, series: Sequence[SeriesSeen]) -> dict[int, datetime]:
    """Series id → an instant of the newest market day of which the node has prices; without those that have none."""
    with arrays.reading() as rows:
        found = rows.execute(_NEWEST_OF_NODE, {"series": [one.id for one in series], "node": node}).fetchall()
    return {key: instant for key, instant in found if instant is not None}


def landmarks(*, sandbox: bool) -> list[Landmark]:
    """The active hubs, zones and interfaces, by id."""
    rows = _nodes(sandbox).filter(active(timezone.now())).annotate(
        kind_of=Upper("type"),
        chosen=Exists(FollowedNode.history.filter(sandbox=sandbox)),
        follows=Exists(FollowedNode.objects.filter(sandbox=sandbox, pnode_id=OuterRef("pnode_id"))),
    )  # fmt: skip
    found = rows.filter(kind_of__in=FOLLOWED_TYPES).order_by("pnode_id").values_list(*ROW, "chosen", "follows")
    return [Landmark(NodeRow(*row), follows or not chosen) for *row, chosen, follows in found]


def node_row(node: int, *, sandbox: bool) -> NodeRow | None:
    """A node in its last effective window."""
    row = _nodes(sandbox).filter(pnode_id=node).order_by("-effective_from").values_list(*ROW).first()
    return NodeRow(*row) if row else None


def _nodes(sandbox: bool) -> QuerySet[Node]:
    return Node.objects.using(settings.READ_DATABASE).filter(sandbox=sandbox)
