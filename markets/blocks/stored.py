"""What the tables hold of one series and window, as days. Reads under the day's lock."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import numpy as np

from energyopti.feeds.table import Array
from markets import arrays
from markets.arrays import Rows
from markets.blocks.day import ENERGY, Day

MANY = 500  # nodes
MICROSECONDS = "(extract(epoch FROM {}) * 1000000)::int8"


@dataclass(frozen=True, slots=True)
class Slot:
    """The shelf that a load goes to: a series' market day of `n` slots of `step` seconds."""

    series: int
    start: datetime
    end: datetime
    n: int
    step: int
    has_energy: bool

    @property
    def params(self) -> dict[str, Any]:
        return {"series": self.series, "start": self.start, "end": self.end, "step": self.step}


@dataclass(frozen=True, slots=True)
class Marks:
    """What stands of each node's block, without its prices; `nodes` ascending."""

    nodes: Array
    digest: Array
    missing: Array
    revision: Array

    def find(self, nodes: Array) -> tuple[Array, Array]:
        """Which of `nodes` have a block (mask), and where it stands here."""
        at = np.searchsorted(self.nodes, nodes)
        at[at == len(self.nodes)] = 0
        return (self.nodes[at] == nodes, at) if len(self.nodes) else (np.zeros(len(nodes), bool), at)


@dataclass(frozen=True, slots=True)
class Live:
    """States of a running day, one an arrival: by node, slot and arrival (microseconds since 1970)."""

    node: Array
    slot: Array
    arrived: Array
    run: Array
    values: Array  # (states, components)
    version: Array

    def of(self, nodes: Array) -> Live:
        """The states of these nodes alone."""
        mine = np.isin(self.node, nodes)
        return self if mine.all() else Live(*(getattr(self, one.name)[mine] for one in fields(self)))

    @property
    def newest(self) -> Array:
        """Which states stand: the last of each node and slot."""
        return np.append((self.node[1:] != self.node[:-1]) | (self.slot[1:] != self.slot[:-1]), True)[: len(self.node)]

    def current(self, nodes: Array, n: int) -> tuple[Day, Array, Array]:
        """What stands of `nodes` (a superset of those here), when it arrived and by which run: int64 (k, n), 0 where nothing did."""
        day = Day.empty(nodes, n=n, energy=self.values.shape[1] > ENERGY)
        arrived, run = np.zeros((2, *day.version.shape), np.int64)
        last = self.newest
        row, slot = np.searchsorted(nodes, self.node[last]), self.slot[last]
        day.values[row, :, slot], day.version[row, slot] = self.values[last], self.version[last]
        arrived[row, slot], run[row, slot] = self.arrived[last], self.run[last]
        return day, arrived, run


def marks(rows: Rows, slot: Slot, nodes: Array) -> Marks:
    """Of `nodes` at least: many of them are found sooner by reading the whole day from its index."""
    some = " AND pnode_id = ANY(%(nodes)s::bigint[])" if len(nodes) <= MANY else ""
    found = arrays.columns(
        rows,
        {"pnode_id": "int8", "digest": "int8", "missing": "int2", "revision": "int4"},
        "SELECT pnode_id, digest, missing, revision FROM lmp_block"  # noqa: S608 our own words
        f" WHERE series = %(series)s AND start = %(start)s{some} ORDER BY pnode_id",
        {**slot.params, "nodes": arrays.literal(nodes)},
    )
    return Marks(*(found[name].astype(np.int64) for name in ("pnode_id", "digest", "missing", "revision")))


def market_energy(rows: Rows, slot: Slot) -> Array | None:
    """The market's energy price as it stands: float64 (n,); None while there is none."""
    rows.execute("SELECT energy FROM lmp_energy WHERE series = %(series)s AND start = %(start)s", slot.params)
    row = rows.fetchone()
    return row[0] if row else None


def blocks(rows: Rows, slot: Slot, nodes: Array, energy: Array | None) -> Day:
    """The blocks of `nodes`, energy filled in from the market's."""
    rows.execute(
        "SELECT pnode_id, total, congestion, loss, energy, version, slot_versions FROM lmp_block"
        " WHERE series = %(series)s AND start = %(start)s AND pnode_id = ANY(%(nodes)s::bigint[]) ORDER BY pnode_id",
        {**slot.params, "nodes": arrays.literal(nodes)},
    )
    return _days(rows.fetchall(), slot, energy)


def older(rows: Rows, slot: Slot, nodes: Array) -> Day:
    """Every older version of the blocks of `nodes`; a node comes once for each. Energy as of each one's time."""
    rows.execute(
        "SELECT h.pnode_id, h.total, h.congestion, h.loss, COALESCE(h.energy, e.energy), h.version, h.slot_versions"
        " FROM lmp_block_history h LEFT JOIN (SELECT series, start, energy, recorded_at, 'infinity' AS superseded_at FROM lmp_energy"
        "  UNION ALL SELECT series, start, energy, recorded_at, superseded_at FROM lmp_energy_history) e"
        "  ON e.series = h.series AND e.start = h.start AND e.recorded_at <= h.recorded_at AND h.recorded_at < e.superseded_at"
        " WHERE h.series = %(series)s AND h.start = %(start)s AND h.pnode_id = ANY(%(nodes)s::bigint[]) ORDER BY h.pnode_id",
        {**slot.params, "nodes": arrays.literal(nodes)},
    )
    return _days(rows.fetchall(), slot, None)


def _days(found: list[tuple[Any, ...]], slot: Slot, energy: Array | None) -> Day:
    day = Day.empty(np.array([row[0] for row in found], np.int64), n=slot.n, energy=slot.has_energy)
    for place, (_, total, congestion, loss, own, version, slot_versions) in enumerate(found):
        day.values[place, :3] = total, congestion, loss
        missing = np.isnan(total)
        said = own if own is not None else energy
        if slot.has_energy and said is not None:
            day.values[place, ENERGY] = np.where(missing, np.nan, said)
        day.version[place] = slot_versions if slot_versions is not None else np.where(missing, 0, version or 0)
    return day


def live(rows: Rows, slot: Slot, nodes: Array | None) -> Live:
    """Every state of `nodes`, or of all nodes, that lies in the live table."""
    values = ("total", "congestion", "loss", "energy")[: 4 if slot.has_energy else 3]
    found = arrays.columns(
        rows,
        {"pnode_id": "int8", "slot": "int4", "arrived": "int8", "run_id": "int8", "version": "int2", **dict.fromkeys(values, "float8")},
        f"SELECT pnode_id, (extract(epoch FROM interval_start - %(start)s) / %(step)s)::int4 AS slot,"  # noqa: S608 our own words
        f" {MICROSECONDS.format('recorded_at')} AS arrived, run_id, version, {', '.join(values)} FROM lmp_live"
        " WHERE series = %(series)s AND interval_start >= %(start)s AND interval_start < %(end)s"
        f"{'' if nodes is None else ' AND pnode_id = ANY(%(nodes)s::bigint[])'} ORDER BY pnode_id, interval_start, recorded_at",
        {**slot.params, "nodes": None if nodes is None else arrays.literal(nodes)},
    )
    prices = np.stack([found[name].astype(np.float64) for name in values], axis=1)
    node, slots, arrived, run = (found[name].astype(np.int64) for name in ("pnode_id", "slot", "arrived", "run_id"))
    return Live(node, slots, arrived, run, prices, found["version"].astype(np.int16))
