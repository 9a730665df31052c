"""From blocks and live rows to prices in columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from energyopti.feeds.table import Array
from energyopti.intervals import Span
from markets import arrays
from markets.queries.frames import ALL_COLUMNS, UNREAD, empty, frame_of
from markets.types import PriceFrame, SeriesSeen

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_DAY = timedelta(hours=25)
_MICROSECONDS = "(extract(epoch FROM {}) * 1000000)::int8"
_BLOCK = (
    f"b.series, b.pnode_id, {_MICROSECONDS.format('b.start')}, b.n, b.revision, b.run_id, {_MICROSECONDS.format('b.recorded_at')},"
    " COALESCE(b.version, 0::int2), b.total, b.congestion, b.loss, COALESCE(b.energy, e.energy), b.slot_versions, b.seen, b.runs"
)
# One block of its node and day: what stood and when, and the market's energy of the same instant
CURRENT = (
    f"SELECT {_BLOCK}, true FROM lmp_block b LEFT JOIN lmp_energy e USING (series, start)"  # noqa: S608
    " WHERE b.series = ANY(%(series)s) AND b.pnode_id = ANY(%(nodes)s::bigint[]) AND b.start > %(first)s AND b.start < %(end)s"
)
_ENERGY = (
    "(SELECT series, start, energy, recorded_at, 'infinity' AS superseded_at FROM lmp_energy"
    " UNION ALL SELECT series, start, energy, recorded_at, superseded_at FROM lmp_energy_history)"
)
_VERSIONS = (  # noqa: S608
    "(SELECT *, 'infinity' AS superseded_at, 0 AS layer FROM lmp_block WHERE {where}"
    " UNION ALL SELECT * FROM lmp_block_history WHERE {where})"
).format(where="series = ANY(%(series)s) AND pnode_id = ANY(%(nodes)s::bigint[]) AND start > %(first)s AND start < %(end)s")
EVERY = (
    f"SELECT {_BLOCK}, b.layer = 0 FROM {_VERSIONS} b LEFT JOIN {_ENERGY} e"  # noqa: S608
    " ON e.series = b.series AND e.start = b.start AND e.recorded_at <= {instant} AND {instant} < e.superseded_at"
)
AS_OF = EVERY.format(instant="%(as_of)s") + " WHERE b.recorded_at <= %(as_of)s AND %(as_of)s < b.superseded_at"
OLDER = EVERY.format(instant="b.recorded_at") + " WHERE b.layer = 0 ORDER BY b.series, b.pnode_id, b.start, b.recorded_at DESC"
ALL = EVERY.format(instant="b.recorded_at")
# a scalar extract() reckons in numeric, ten times as long as an array of timestamps takes
STATE = "series, pnode_id, interval_start AS at, recorded_at AS arrived, run_id, version, total, congestion, loss, energy"
LIVE = (
    f"SELECT {STATE} FROM lmp_live"  # noqa: S608
    " WHERE series = ANY(%(series)s) AND pnode_id = ANY(%(nodes)s::bigint[])"
    " AND interval_start >= %(start)s AND interval_start < %(end)s"
    " AND recorded_at <= COALESCE(date_trunc('second', %(as_of)s::timestamptz), 'infinity')"
)

STATE_TYPES = {
    "series": "int2",
    "pnode_id": "int8",
    "at": "timestamptz",
    "arrived": "timestamptz",
    "run_id": "int8",
    "version": "int2",
    **dict.fromkeys(("total", "congestion", "loss", "energy"), "float8"),
}
NONE: Mapping[str, Any] = {}


def state_types(columns: frozenset[str]) -> dict[str, str]:
    """The types of a state's columns, without those that need not be read."""
    return {name: kind for name, kind in STATE_TYPES.items() if name in columns or name not in UNREAD}


@dataclass(frozen=True, slots=True)
class Asked:
    """Prices of `nodes` (None: of all) in `span`, from these series, the best first; `as_of`: what was known then.

    `columns`: of the frames that answer, what will be looked at; the others may go unread (see UNREAD).
    """

    series: tuple[SeriesSeen, ...]
    nodes: Sequence[int] | None
    span: Span
    as_of: datetime | None = None
    live: bool = True  # False: somebody has looked, no live row is there
    columns: frozenset[str] = ALL_COLUMNS

    @property
    def params(self) -> dict[str, Any]:
        span = self.span
        first = span.start - LONGEST_DAY  # a block that begins later may reach into the span
        return {
            "series": [one.id for one in self.series],
            "nodes": None if self.nodes is None else arrays.literal(np.asarray(self.nodes, np.int64)),
            "start": span.start,
            "end": span.end,
            "first": first,
            "as_of": self.as_of,
        }

    @property
    def step(self) -> timedelta:
        """One interval; series that answer together have the same."""
        return timedelta(minutes=self.series[0].minutes)

    @property
    def first(self) -> datetime:
        """Where the first interval in the span begins: perhaps behind its start."""
        return self.span.start + (EPOCH - self.span.start) % self.step

    @property
    def slots(self) -> int:
        """Intervals that begin in the span."""
        return max(0, -((self.first - self.span.end) // self.step))

    def reads(self, column: str) -> bool:
        """Whether a column must be read: when prices came also decides between states of one that lie live."""
        return column in self.columns or (self.live and column == "first_seen_at")

    def rank(self, series: Array) -> Array:
        """How good the source of each row is: 0 the best."""
        place = np.zeros(max((one.id for one in self.series), default=0) + 1, np.int8)
        place[[one.id for one in self.series]] = np.arange(len(self.series))
        ranks: Array = place[series]
        return ranks


@dataclass(frozen=True, slots=True)
class Block:
    """A node's market day as it stood; times in microseconds since 1970."""

    series: int
    node: int
    start: int
    n: int
    revision: int
    run: int
    recorded: int
    version: int
    total: Array
    congestion: Array
    loss: Array
    energy: Array | None
    slot_versions: Array | None
    seen: Array | None
    brought: Array | None
    stood: bool

    @property
    def arrived(self) -> Array:
        """When each slot's price came: int64 (n,)."""
        if self.seen is None:
            return np.full(self.n, self.recorded)
        arrived: Array = self.start + self.seen.astype(np.int64) * 1_000_000
        return arrived

    @property
    def runs(self) -> Array:
        """Which run brought each slot's price: int64 (n,)."""
        return np.full(self.n, self.run) if self.brought is None else self.brought.astype(np.int64)

    @property
    def origin(self) -> Origin | None:
        """Where its prices come from, slot by slot; None: all from the run and the instant of the block."""
        return None if self.seen is None else Origin(self.arrived, self.runs)

    @property
    def versions(self) -> Array:
        return np.full(self.n, self.version, np.int16) if self.slot_versions is None else self.slot_versions

    @property
    def energies(self) -> Array:
        return np.full(self.n, np.nan) if self.energy is None else self.energy

    def says(self, other: Block) -> Array:
        """Slots (mask) in which both say the same."""
        same: Array = self.versions == other.versions
        for one, two in zip(self._prices(), other._prices(), strict=True):
            same &= (one == two) | (np.isnan(one) & np.isnan(two))
        return same

    def _prices(self) -> tuple[Array, ...]:
        return self.total, self.congestion, self.loss, np.where(np.isnan(self.total), np.nan, self.energies)


@dataclass(frozen=True, slots=True)
class Origin:
    """When each slot's price came (microseconds since 1970), and by which run: int64 (n,)."""

    arrived: Array
    run: Array


def blocks(asked: Asked, query: str) -> list[Block]:
    with arrays.reading() as rows:
        return [Block(*row) for row in rows.execute(query, asked.params)]


def from_blocks(asked: Asked, found: Sequence[Block], origins: Mapping[int, Origin] | None = None) -> PriceFrame:
    """Every stored slot in the span; `origins` knows better than the block, for some places of `found`, where prices came from."""
    if not found:
        return empty(asked.series)
    lengths = np.array([block.n for block in found])
    slot = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    start = np.repeat(np.array([block.start for block in found]) // 1_000_000, lengths)
    came = [(origins or {}).get(place) or block.origin for place, block in enumerate(found)]
    return framed(
        asked,
        node_id=np.repeat(np.array([block.node for block in found], np.int64), lengths),
        at=start + slot * int(asked.step.total_seconds()),
        series=np.repeat(np.array([block.series for block in found], np.int16), lengths),
        run_id=_each(lengths, [block.run for block in found], [origin.run if origin else None for origin in came], np.int64),
        arrived=_each(lengths, [block.recorded for block in found], [origin.arrived if origin else None for origin in came], np.int64),
        version=_each(lengths, [block.version for block in found], [block.slot_versions for block in found], np.int16),
        total=np.concatenate([block.total for block in found]),
        energy=_each(lengths, [np.nan] * len(found), [block.energy for block in found], np.float64),
        congestion=np.concatenate([block.congestion for block in found]),
        loss=np.concatenate([block.loss for block in found]),
    )


def _each(lengths: Array, own: Sequence[float], of_slots: Sequence[Array | None], kind: type[np.generic]) -> Array:
    """One value a slot: its block's own where its slots have none of their own."""
    if all(slots is None for slots in of_slots):
        return np.repeat(np.array(own, kind), lengths)
    filled = zip(lengths.tolist(), own, of_slots, strict=True)
    return np.concatenate([np.full(n, one, kind) if slots is None else slots for n, one, slots in filled])


def framed(asked: Asked, **columns: Array) -> PriceFrame:
    """Slots of blocks as prices: those that are stored, in the span, known by then."""
    frame = frame_of(asked.series, **columns)
    inside = ~np.isnan(frame.total) & _inside(frame, asked)
    return frame if inside.all() else frame.take(inside)


def _inside(frame: PriceFrame, asked: Asked) -> Array:
    # intervals begin at whole seconds: an edge within one counts as the next
    edges = (edge.replace(tzinfo=None) + timedelta(microseconds=999_999) for edge in (asked.span.start, asked.span.end))
    start, end = (np.datetime64(edge, "s") for edge in edges)
    inside: Array = (frame.interval_start >= start) & (frame.interval_start < end)
    if asked.as_of:
        inside &= frame.first_seen_at <= np.datetime64(asked.as_of.replace(tzinfo=None), "us")
    return inside


def from_live(asked: Asked) -> PriceFrame:
    """Every state in the live table, overwritten ones too, by arrival."""
    if not asked.live:
        return empty(asked.series)
    return states(asked.series, LIVE, asked.params)


def states(
    series: Sequence[SeriesSeen],
    query: str,
    params: Mapping[str, Any],
    *,
    columns: frozenset[str] = ALL_COLUMNS,
    fixed: Mapping[str, np.integer[Any]] = NONE,
) -> PriceFrame:
    """The live states that a query finds, by arrival; it selects STATE, of which `fixed` is known to be the same in each row.

    Of the columns that can go unread, those of `columns` are read.
    """
    with arrays.reading() as rows:
        types = {name: kind for name, kind in state_types(columns).items() if name not in fixed}
        found = arrays.columns(rows, types, query, params)
    found |= {name: np.full(len(found["pnode_id"]), value) for name, value in fixed.items()}
    if (found["arrived"][1:] < found["arrived"][:-1]).any():  # numpy sorts sooner than PostgreSQL
        order = np.argsort(found["arrived"], kind="stable")
        found = {name: column[order] for name, column in found.items()}
    # in whole seconds, rounded up as `seen` is: sealing the day must not change what was known at an instant
    found["arrived"] = -(-found["arrived"] // 1_000_000) * 1_000_000
    return from_states(series, found)


def from_states(series: Sequence[SeriesSeen], found: dict[str, Array]) -> PriceFrame:
    """Columns under the names of STATE as prices."""
    if not len(found["at"]):
        return empty(series)
    prices = {name: column for name, column in found.items() if name not in ("pnode_id", "at")}
    return frame_of(series, node_id=found["pnode_id"], at=found["at"] // 1_000_000, **prices)
