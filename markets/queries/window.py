"""A window seen from above, without its prices: has it changed, and is it complete?"""

from __future__ import annotations

import functools
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from energyopti.calendars import EASTERN
from energyopti.feeds import registry
from energyopti.feeds.table import Array
from energyopti.intervals import local_midnight
from markets import arrays
from markets.queries.rows import Asked
from markets.types import Completeness, Stamp

LAST = datetime.max.replace(tzinfo=UTC)
_OF_NODES = " AND pnode_id = ANY(%(nodes)s::bigint[])"
_LIVE = (
    "lmp_live WHERE series = ANY(%(series)s) AND interval_start >= %(start)s AND interval_start < %(end)s"
    " AND recorded_at <= COALESCE(date_trunc('second', %(as_of)s::timestamptz), 'infinity'){nodes}"
)
_WINDOW = "series = ANY(%(series)s) AND start >= %(midnight)s AND start < %(end)s"
_THEN = " AND recorded_at <= %(as_of)s"
# blocks and market energy as they stand, and as they stood at as_of
_BLOCKS = f"lmp_block WHERE {_WINDOW}{{nodes}}"
_BLOCKS_THEN = (
    f"(SELECT *, 'infinity' AS superseded_at, 0 AS layer FROM lmp_block WHERE {_WINDOW}{_THEN}{{nodes}}"  # noqa: S608
    f" UNION ALL SELECT * FROM lmp_block_history WHERE {_WINDOW}{_THEN} AND superseded_at > %(as_of)s{{nodes}}) known WHERE true"
)
_ENERGY = f"lmp_energy WHERE {_WINDOW}"
_ENERGY_THEN = (
    f"(SELECT recorded_at FROM lmp_energy WHERE {_WINDOW}{_THEN}"  # noqa: S608
    f" UNION ALL SELECT recorded_at FROM lmp_energy_history WHERE {_WINDOW}{_THEN} AND superseded_at > %(as_of)s) known WHERE true"
)
_BLOCKS_EVER = (
    f"(SELECT series, start, recorded_at, n, seen FROM lmp_block WHERE {_WINDOW}{{nodes}}"  # noqa: S608
    f" UNION ALL SELECT series, start, recorded_at, n, seen FROM lmp_block_history WHERE {_WINDOW}{{nodes}}) ever WHERE true"
)
_STAMP = (
    # `seen` counts whole seconds, rounded up: a block that comes within the same second is told by its own record
    "SELECT b.count, b.recorded, b.arrived, e.*, l.count, l.arrived{answered}"
    " FROM (SELECT count(*), max(recorded_at) AS recorded, max({arrived}) AS arrived{present} FROM {blocks}) b,"
    " (SELECT count(*), max(recorded_at) FROM {energy}) e, (SELECT count(*), max(recorded_at) AS arrived{present} FROM {live}) l"
)
# a sealed block was recorded when its first price came; `seen` says when the others did
_ARRIVED = (
    "CASE WHEN seen IS NULL THEN recorded_at"
    " ELSE GREATEST(recorded_at, start + (SELECT max(s) FROM unnest(seen) s"
    "  WHERE COALESCE(start + s * interval '1 s' <= %(as_of)s, true)) * interval '1 s') END"
)
_COMPLETENESS = (
    "WITH b AS MATERIALIZED (SELECT {columns} FROM {blocks}),"
    " days AS MATERIALIZED (SELECT pnode_id, start, bool_or(whole) AS whole FROM b GROUP BY pnode_id, start),"
    " loose AS (SELECT o.pnode_id, o.start + (t.slot - 1) * %(step)s AS at FROM days d"
    "   JOIN {opened} o ON o.pnode_id = d.pnode_id AND o.start = d.start CROSS JOIN LATERAL unnest({slots}"
    "   WHERE NOT d.whole AND t.total <> 'NaN'{seen}"
    "  UNION SELECT l.pnode_id, l.interval_start FROM (SELECT pnode_id, interval_start FROM {live}) l WHERE NOT EXISTS"
    "   (SELECT FROM days d WHERE d.whole AND d.pnode_id = l.pnode_id"
    "    AND d.start = date_trunc('day', l.interval_start AT TIME ZONE %(zone)s) AT TIME ZONE %(zone)s)),"
    " points AS MATERIALIZED (SELECT pnode_id FROM loose WHERE at >= %(start)s AND at < %(end)s),"
    " whole AS MATERIALIZED (SELECT extract(epoch FROM start)::int8 AS day, count(*) AS nodes FROM days WHERE whole GROUP BY start)"
    " SELECT (SELECT array_agg(day) FROM whole), (SELECT array_agg(nodes) FROM whole), (SELECT count(*) FROM points),"
    " (SELECT count(*) FROM (SELECT pnode_id FROM days WHERE whole UNION SELECT pnode_id FROM points) one)"
)
_NOW = {
    "blocks": _BLOCKS,
    "columns": "pnode_id, start, missing = 0 AS whole",
    "opened": f"(SELECT pnode_id, start, total FROM lmp_block WHERE {_WINDOW}{{nodes}} AND missing > 0)",  # noqa: S608
    "slots": "o.total) WITH ORDINALITY t(total, slot)",
    "seen": "",
    "live": _LIVE,
}
_THEN_KNOWN = {
    "blocks": _BLOCKS_THEN,
    "columns": "pnode_id, start, missing = 0 AND seen IS NULL AS whole, total, seen",
    "opened": "b",
    "slots": "o.total, o.seen) WITH ORDINALITY t(total, seen, slot)",
    "seen": " AND COALESCE(o.start + t.seen * interval '1 s' <= %(as_of)s, true)",
    "live": _LIVE,
}


def stamp(asked: Asked, *, history: bool = False) -> Stamp:
    """Changes with every price of the window that comes, is restated or sealed; with `history` also with lower versions.

    One query that opens no prices. Over all nodes it reads the index alone, and a sealed day then counts as come with its
    first price.
    """
    if not asked.series:
        return Stamp("", None, (), live=False)
    with arrays.reading() as rows:
        found: Any = rows.execute(_stamp_query(asked, history=history), _params(asked)).fetchone()
    text = " ".join(part.isoformat() if isinstance(part, datetime) else str(part) for part in (*asked.params["series"], *found))
    moments = [part.astimezone(UTC) for part in found if isinstance(part, datetime)]
    freshness = min(max(moments), asked.as_of or LAST) if moments else None
    answered = tuple(one for one, there in zip(asked.series, found[7:], strict=True) if there)
    return Stamp(text, freshness, answered, live=found[5] > 0)


def _stamp_query(asked: Asked, *, history: bool) -> str:
    blocks, energy = (_BLOCKS_THEN, _ENERGY_THEN) if asked.as_of else (_BLOCKS_EVER if history else _BLOCKS, _ENERGY)
    return _STAMP.format(
        arrived="recorded_at" if asked.nodes is None else _ARRIVED,
        blocks=_of(asked, blocks),
        energy=energy,
        live=_of(asked, _LIVE),
        present="".join(f", bool_or(series = {one.id}) AS has_{one.id}" for one in asked.series),
        answered="".join(f", b.has_{one.id} IS TRUE OR l.has_{one.id} IS TRUE" for one in asked.series),
    )


def completeness(asked: Asked) -> Completeness:
    """Exact: a slot counts once, whichever of the series has its price. Only blocks that miss something are opened.

    `nodes` None: of the nodes that have a price in the window. Nodes that no feed here ever publishes are not expected.
    """
    if not asked.series or not asked.slots:
        return Completeness(0, 0)
    query = _COMPLETENESS.format(**{name: _of(asked, part) for name, part in (_THEN_KNOWN if asked.as_of else _NOW).items()})
    with arrays.reading() as rows:
        days, counts, points, nodes = rows.execute(query, _params(asked)).fetchone() or (None, None, 0, 0)
    stored = int(points) + (0 if days is None else int((_slots(asked, days) * counts).sum()))
    return Completeness((nodes if asked.nodes is None else len(_publishable(asked))) * asked.slots, stored)


@functools.lru_cache(maxsize=64)
def completeness_at(asked: Asked, stamp: str) -> Completeness:
    """The same over all nodes, remembered for as long as the window's stamp stands: each page of it tells it again."""
    return completeness(asked)


def counted(asked: Asked, stored: int) -> Completeness:
    """The same for named nodes, where somebody has read the whole window and counted its prices."""
    return Completeness(len(_publishable(asked)) * asked.slots if asked.series else 0, stored)


def _of(asked: Asked, query: str) -> str:
    return query.format(nodes="" if asked.nodes is None else _OF_NODES)


def _params(asked: Asked) -> dict[str, Any]:
    midnight = local_midnight(asked.span.start.astimezone(EASTERN).date(), EASTERN)  # of the first block that reaches into the span
    return {**asked.params, "midnight": midnight, "zone": EASTERN.key, "step": asked.step}


def _slots(asked: Asked, days: Array) -> Array:
    """How many intervals of each market day (its start in seconds since 1970) lie in the span."""
    first, last = (edge.astimezone(EASTERN).date() for edge in (asked.span.start, asked.span.end))
    starts = [_midnight(first + timedelta(days=day)) for day in range((last - first).days + 2)]
    begin, step = asked.first.timestamp(), asked.step.total_seconds()
    lengths = np.diff(np.clip(starts, begin, begin + asked.slots * step)) // step
    counts: Array = lengths[np.searchsorted(starts, days)].astype(np.int64)
    return counts


@functools.cache
def _midnight(day: date) -> float:
    """In seconds since 1970."""
    return local_midnight(day, EASTERN).timestamp()


def _publishable(asked: Asked) -> set[int]:
    feeds = registry.feeds()
    absent = [feeds[one.feed].absent_nodes if one.feed in feeds else frozenset[int]() for one in asked.series]
    return set(asked.nodes or ()) - frozenset.intersection(*absent)
