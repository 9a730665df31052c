"""The newest price of each node, without opening a block that is known to be older."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from energyopti.calendars import EASTERN
from energyopti.feeds.table import Array
from energyopti.intervals import Span, market_day
from markets import arrays
from markets.queries.frames import empty, together
from markets.queries.rows import STATE, Asked, from_states, state_types, states
from markets.queries.sealed import sealed
from markets.queries.series import choose
from markets.types import PriceFrame, SeriesSeen

EVER = Span(datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
# the newest instants by index: the live table's last interval, the last market day that has a block
_NEWEST = (
    "SELECT one.series, (SELECT interval_start FROM lmp_live WHERE series = one.series ORDER BY interval_start DESC LIMIT 1),"
    " (SELECT start FROM lmp_block WHERE series = one.series ORDER BY start DESC LIMIT 1)"
    " FROM unnest(%(series)s::smallint[]) one(series)"
)
_LIVE_AT = f"SELECT {STATE} FROM lmp_live WHERE series = %(series)s AND interval_start = %(at)s"  # noqa: S608
_LIVE_BEFORE = (
    f"SELECT {STATE} FROM unnest(%(nodes)s::bigint[]) wanted(node) CROSS JOIN LATERAL"  # noqa: S608
    " (SELECT * FROM lmp_live WHERE series = %(series)s AND pnode_id = node ORDER BY interval_start DESC, recorded_at DESC LIMIT 1) l"
)
# a block's last priced slot, said as a live state; OFFSET 0: the slot is found once, not for each column
_LAST = (
    "SELECT b.series, b.pnode_id, b.start + (b.slot - 1) * %(step)s AS at,"
    " COALESCE(b.start + b.seen[b.slot] * interval '1 s', b.recorded_at) AS arrived,"
    " COALESCE(b.runs[b.slot], b.run_id) AS run_id, COALESCE(b.slot_versions[b.slot], b.version, 0::int2) AS version,"
    " b.total[b.slot] AS total, b.congestion[b.slot] AS congestion, b.loss[b.slot] AS loss,"
    " COALESCE(b.energy[b.slot], e.energy[b.slot], 'NaN') AS energy, b.revision"
    " FROM (SELECT *, CASE missing WHEN 0 THEN n"
    "  ELSE (SELECT max(i) FROM unnest(total) WITH ORDINALITY t(price, i) WHERE t.price <> 'NaN') END AS slot FROM {blocks} OFFSET 0) b"
    " LEFT JOIN lmp_energy e ON e.series = b.series AND e.start = b.start"
)
_LAST_OF_DAY = _LAST.format(blocks="lmp_block WHERE series = %(series)s AND start = %(day)s")
_LAST_BEFORE = _LAST.format(
    blocks="unnest(%(nodes)s::bigint[]) wanted(node) CROSS JOIN LATERAL"
    " (SELECT * FROM lmp_block WHERE series = %(series)s AND pnode_id = node ORDER BY start DESC LIMIT 1) l"
)
FEW = 500  # nodes: as many are looked up one by one sooner than all are read
NEVER = np.datetime64(-1, "s")


@dataclass(frozen=True, slots=True)
class Newest:
    """Of one series: the last interval that lies live, and the last market day that has a block."""

    series: SeriesSeen
    live: datetime | None
    day: datetime | None

    @property
    def end(self) -> np.datetime64:
        """No block reaches behind this."""
        if self.day is None:
            return NEVER
        day = market_day(self.day.astimezone(EASTERN).date(), EASTERN)
        return np.datetime64(day.end.replace(tzinfo=None), "s")


def latest(
    *,
    nodes: Sequence[int] | None = None,
    feed: str = "",
    market: str = "",
    resolution: timedelta | None = None,
    quality: str = "",
    sandbox: bool | None = None,
) -> PriceFrame:
    """One row a node: its newest interval that has a price, of the best quality that has it. `nodes` None: every node."""
    series = choose(feed=feed, market=market, resolution=resolution, quality=quality, sandbox=sandbox)
    return read_latest(Asked(tuple(series), nodes, EVER)) if series else empty([], sandbox=bool(sandbox))


def read_latest(asked: Asked, newest: Sequence[Newest] | None = None, *, every: Array | None = None) -> PriceFrame:
    """See latest. The live table first; blocks of the nodes alone that have no live price as new as a block could be.

    `every`: all nodes that are known, ascending, where somebody has read them.
    """
    if asked.nodes is not None:
        nodes = np.unique(np.array(asked.nodes, np.int64))
    else:
        nodes = all_nodes(sandbox=asked.series[0].sandbox) if every is None else every
    newest = _newest(asked) if newest is None else newest
    live = together([empty(asked.series), *(_live(one, nodes, asked.columns) for one in newest if one.live)])
    at, by_time = np.full(len(nodes), NEVER), np.argsort(live.interval_start, kind="stable")
    at[np.searchsorted(nodes, live.node_id[by_time])] = live.interval_start[by_time]  # of a node's several the last one stays
    closed = [_sealed(one, nodes[at < one.end], asked.columns) for one in newest if one.day]
    # a block stands before the live row that it was made of, and of live rows what came last
    frame = together([empty(asked.series), *closed, live.take(slice(None, None, -1))])
    return _newest_of_each(frame, -frame.first_seen_at.astype(np.int64), asked.rank(frame.series))


def _newest_of_each(frame: PriceFrame, *order: Array) -> PriceFrame:
    """Of each node the row of its last interval that comes first by `order` (the last named counts most)."""
    if (frame.node_id[1:] < frame.node_id[:-1]).all():  # as a batch of all nodes comes: each once, and by node
        return frame.take(slice(None, None, -1))
    frame = frame.take(np.lexsort((*order, -frame.interval_start.astype(np.int64), frame.node_id)))
    return frame.take(np.append(True, frame.node_id[1:] != frame.node_id[:-1])[: len(frame)])


def all_nodes(*, sandbox: bool) -> Array:
    """Every node that is known, retired ones too: int64, ascending."""
    query = "SELECT DISTINCT pnode_id FROM markets_node WHERE sandbox = %(sandbox)s ORDER BY pnode_id"
    with arrays.reading() as rows:
        return arrays.columns(rows, {"pnode_id": "int8"}, query, {"sandbox": sandbox})["pnode_id"]


def _newest(asked: Asked) -> list[Newest]:
    series = {one.id: one for one in asked.series}
    with arrays.reading() as rows:
        found = rows.execute(_NEWEST, {"series": list(series)}).fetchall()
    return [Newest(series[key], live, day) for key, live, day in found]


def _live(newest: Newest, nodes: Array, columns: frozenset[str]) -> PriceFrame:
    """The newest live state of each of `nodes`, that of the last interval where there is one."""
    params: dict[str, Any] = {"series": newest.series.id, "at": newest.live}
    frames, missing = [empty([newest.series])], nodes
    if len(nodes) > FEW:
        assert newest.live is not None
        fixed: dict[str, np.integer[Any]] = {
            "series": np.int16(newest.series.id),
            "at": np.int64(round(newest.live.timestamp() * 1_000_000)),
        }
        batch = states([newest.series], _LIVE_AT, params, columns=columns, fixed=fixed)
        batch, missing = _of(batch, nodes)
        frames.append(batch)
    if len(missing):
        params["nodes"] = arrays.literal(missing)
        frames.append(states([newest.series], _LIVE_BEFORE, params, columns=columns))
    return together(frames)


def _sealed(newest: Newest, nodes: Array, columns: frozenset[str]) -> PriceFrame:
    """The last price in the newest block of each of `nodes`."""
    params = {"series": newest.series.id, "step": timedelta(minutes=newest.series.minutes), "day": newest.day}
    frames, missing = [empty([newest.series])], nodes
    if len(nodes) > FEW:
        batch = _last(newest.series, _LAST_OF_DAY, params, columns)
        batch, missing = _of(batch, nodes)
        frames.append(batch)
    if len(missing):
        frames.append(_last(newest.series, _LAST_BEFORE, {**params, "nodes": arrays.literal(missing)}, columns))
    return together(frames)


def _of(frame: PriceFrame, nodes: Array) -> tuple[PriceFrame, Array]:
    """The rows of these nodes (ascending), and the nodes that have none."""
    place = np.searchsorted(nodes, frame.node_id).clip(max=len(nodes) - 1)
    mine = nodes[place] == frame.node_id
    found = np.zeros(len(nodes), bool)
    found[place[mine]] = True
    return frame if mine.all() else frame.take(mine), nodes[~found]


def _last(series: SeriesSeen, query: str, params: Mapping[str, Any], columns: frozenset[str]) -> PriceFrame:
    """The frame of a query over blocks; where one has been replaced, its history says since when the price has stood."""
    with arrays.reading() as rows:
        found = arrays.columns(rows, {**state_types(columns), "revision": "int4"}, query, params)
    revision = found.pop("revision")
    frame = from_states([series], found)
    again = np.flatnonzero(revision)
    if not len(again):
        return frame
    known = [_origin(series, frame.take(again[first : first + FEW])) for first in range(0, len(again), FEW)]
    return together([frame.take(revision == 0), *known])


def _origin(series: SeriesSeen, frame: PriceFrame) -> PriceFrame:
    """The same rows, read with their history."""
    low, high = (
        edge.astype("datetime64[s]").item().replace(tzinfo=UTC) for edge in (frame.interval_start.min(), frame.interval_start.max())
    )
    return _newest_of_each(sealed(Asked((series,), np.unique(frame.node_id).tolist(), Span(low, high + timedelta(seconds=1)))))
