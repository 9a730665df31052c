"""The running day: prices as rows, each kept as it arrived, until they are sealed into blocks."""

from __future__ import annotations

import numpy as np

from energyopti.feeds.table import Array
from markets import arrays
from markets.arrays import Rows
from markets.blocks.day import COMPONENTS, Day
from markets.blocks.stored import Live, Slot

_TYPES = {
    "pnode_id": "int8",
    "interval_start": "timestamptz",
    "recorded_at": "timestamptz",
    "run_id": "int8",
    "total": "float8",
    "congestion": "float8",
    "loss": "float8",
    "energy": "float8",
    "series": "int2",
    "version": "int2",
}


def append(rows: Rows, slot: Slot, day: Day, row: Array, at: Array, *, now: int, run_id: int) -> None:
    """Add the prices in `row` (node) and `at` (slot) of `day` as what stands from `now` on (microseconds since 1970)."""
    k = len(row)
    values = {
        "pnode_id": day.nodes[row],
        "interval_start": (int(slot.start.timestamp()) + at * slot.step) * 1_000_000,
        "recorded_at": np.full(k, now),
        "run_id": np.full(k, run_id),
        "series": np.full(k, slot.series),
        "version": day.version[row, at],
        "energy": np.full(k, np.nan),
    }
    values |= {name: day.values[row, component, at] for component, name in enumerate(COMPONENTS[: day.values.shape[1]])}
    arrays.copy_in(rows, "lmp_live", _TYPES, values, {})


def seen(slot: Slot, arrived: Array, present: Array) -> Array:
    """Seconds from the day's start to each slot's arrival, rounded up: a block never claims to have known sooner. 0: missing."""
    start = int(slot.start.timestamp()) * 1_000_000
    seconds = -((start - arrived) // 1_000_000)
    return np.where(present, np.clip(seconds, -(1 << 31), (1 << 31) - 1), 0).astype(np.int32)


def forget(rows: Rows, slot: Slot, live: Live, nodes: Array, carried: Array) -> None:
    """Delete the states that blocks of `nodes` now carry (mask (k, n)); overwritten ones stay for as-of and revisions."""
    last = live.newest
    row = np.searchsorted(nodes, live.node)
    row[row == len(nodes)] = 0
    gone = last & (nodes[row] == live.node) & carried[row, live.slot]
    rows.execute(
        "DELETE FROM lmp_live l USING unnest(%(node)s::bigint[], %(at)s::int[], %(arrived)s::bigint[]) g(node, at, arrived)"
        " WHERE l.series = %(series)s AND l.pnode_id = g.node AND l.interval_start = %(start)s + make_interval(secs => g.at * %(step)s)"
        " AND l.recorded_at = to_timestamp(0) + g.arrived * interval '1 microsecond'",
        {
            **slot.params,
            "node": arrays.literal(live.node[gone]),
            "at": arrays.literal(live.slot[gone]),
            "arrived": arrays.literal(live.arrived[gone]),
        },
    )
