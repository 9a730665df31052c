"""Finished blocks on their way into the tables.

Under the day's lock nobody else can make a block, so new ones go straight into their table (a stage for them would cost
as much again). Blocks that replace others go through a stage: what stood to the history, then the upsert.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from energyopti.feeds.table import Array
from markets import arrays
from markets.arrays import Rows
from markets.blocks.day import CONGESTION, ENERGY, LOSS, TOTAL, Day
from markets.blocks.stored import Slot

TYPES = {
    "pnode_id": "int8",
    "start": "timestamptz",
    "recorded_at": "timestamptz",
    "run_id": "int8",
    "digest": "int8",
    "total_avg": "float8",
    "total_min": "float8",
    "total_max": "float8",
    "congestion_avg": "float8",
    "revision": "int4",
    "series": "int2",
    "n": "int2",
    "missing": "int2",
    "unbalanced": "int2",
    "version": "int2",
    "total": "float8[]",
    "congestion": "float8[]",
    "loss": "float8[]",
    "energy": "float8[]",
    "slot_versions": "int2[]",
    "seen": "int4[]",
    "runs": "int4[]",
}
_COLUMNS = ", ".join(TYPES)
FLOAT_NOISE = 1e-9  # USD/MWh: what a sum of float8 may miss the decimal sum by
_KEY = ("series", "pnode_id", "start")
# A session's own table takes no lock that others wait for, writes no log, and is empty after each commit.
_MAKE = (
    "CREATE TEMP TABLE IF NOT EXISTS lmp_block_stage (LIKE lmp_block INCLUDING STORAGE, PRIMARY KEY (series, pnode_id, start))"
    " WITH (toast_tuple_target = 8160) ON COMMIT DELETE ROWS"
)
_SUPERSEDE = (
    f"INSERT INTO lmp_block_history ({_COLUMNS}, superseded_at, layer)"  # noqa: S608 our own columns
    f" SELECT {', '.join(f'b.{name}' for name in TYPES)}, %(now)s, 0"
    " FROM lmp_block b JOIN lmp_block_stage s USING (series, pnode_id, start)"
    " WHERE b.series = %(series)s AND b.start = %(start)s AND b.digest <> s.digest"
)
_UPSERT = (
    f"INSERT INTO lmp_block AS b ({_COLUMNS}) SELECT {_COLUMNS} FROM lmp_block_stage ORDER BY pnode_id"  # noqa: S608
    f" ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET "
    + ", ".join(f"{name} = EXCLUDED.{name}" for name in TYPES if name not in _KEY)
    + " WHERE b.digest <> EXCLUDED.digest"  # a guard: the same block again must not be written
)


@dataclass(slots=True)
class Finished:
    """Blocks as they are to stand. `own` masks those that carry their energy; `seen` and `runs` int32 (k, n), `sealed` masks whose hold."""

    day: Day
    digest: Array
    revision: Array
    own: Array
    recorded: Array  # microseconds since 1970
    seen: Array
    runs: Array
    sealed: Array
    unbalanced: Array


def write(rows: Rows, slot: Slot, blocks: Finished, *, now: datetime, run_id: int) -> None:
    """Make these blocks what stands; what stood before goes to the history."""
    values, nulls = columns(slot, blocks, run_id)
    new = blocks.revision == 0
    if new.all():
        arrays.copy_in(rows, "lmp_block", TYPES, values, nulls)
        return
    if new.any():
        arrays.copy_in(rows, "lmp_block", TYPES, *_some(new, values, nulls))
    rows.execute(_MAKE)
    arrays.copy_in(rows, "lmp_block_stage", TYPES, *_some(~new, values, nulls))
    rows.execute(_SUPERSEDE, {**slot.params, "now": now})
    rows.execute(_UPSERT)
    rows.execute("DELETE FROM lmp_block_stage")  # a transaction may store several windows


def _some(rows: Array, *columns: dict[str, Array]) -> list[dict[str, Array]]:
    return [{name: column[rows] for name, column in each.items()} for each in columns]


def into_history(rows: Rows, slot: Slot, blocks: Finished, *, layer: int, run_id: int) -> None:
    """Keep lower versions that never stood: recorded and superseded in the same instant."""
    values, nulls = columns(slot, blocks, run_id)
    values |= {"superseded_at": values["recorded_at"], "layer": np.full(len(blocks.digest), layer)}
    arrays.copy_in(rows, "lmp_block_history", {**TYPES, "superseded_at": "timestamptz", "layer": "int2"}, values, nulls)


def unbalanced(day: Day, tolerance: float) -> Array:
    """Slots (mask) where energy, congestion and loss miss the total by more than the source's own rounding."""
    if not day.has_energy:
        return np.zeros(day.version.shape, bool)
    off = day.values[:, CONGESTION] + day.values[:, LOSS]
    off += day.values[:, ENERGY]
    off -= day.values[:, TOTAL]
    flagged: Array = np.abs(off, out=off) > tolerance + FLOAT_NOISE
    return flagged


def columns(slot: Slot, blocks: Finished, run_id: int) -> tuple[dict[str, Array], dict[str, Array]]:
    """The blocks as columns for COPY, and masks of the nulls."""
    day = blocks.day
    k, total, congestion = len(day.nodes), day.values[:, TOTAL], day.values[:, CONGESTION]
    version = day.version.max(axis=1)
    mixed = ((day.version != version[:, None]) & day.present).any(axis=1)
    lowest, highest = np.fmin.reduce(total, axis=1), np.fmax.reduce(total, axis=1)
    congestion_avg = _mean(congestion)
    values = {
        "pnode_id": day.nodes,
        "start": np.full(k, int(slot.start.timestamp()) * 1_000_000),
        "recorded_at": blocks.recorded,
        "run_id": np.full(k, run_id),
        "digest": blocks.digest,
        "total_avg": _mean(total),
        "total_min": lowest,
        "total_max": highest,
        "congestion_avg": congestion_avg,
        "revision": blocks.revision,
        "series": np.full(k, slot.series),
        "n": np.full(k, slot.n),
        "missing": np.isnan(total).sum(axis=1),
        "unbalanced": blocks.unbalanced.sum(axis=1),
        "version": version,
        "total": total,
        "congestion": congestion,
        "loss": day.values[:, LOSS],
        "slot_versions": day.version,
        "seen": blocks.seen,
        "runs": blocks.runs,
    }
    if day.has_energy:
        values["energy"] = day.values[:, ENERGY]
    nulls = {
        "congestion_avg": np.isnan(congestion_avg),
        "version": version == 0,
        "energy": ~blocks.own,
        "slot_versions": ~mixed,
        "seen": ~blocks.sealed,
        "runs": ~blocks.sealed,
    }
    return values, nulls


def _mean(values: Array) -> Array:
    """The mean of each node's prices, missing ones left out; NaN where there is none."""
    there = ~np.isnan(values)
    if there.all():
        return np.asarray(values.mean(axis=1))
    counts = there.sum(axis=1)
    means: Array = np.divide(np.where(there, values, 0.0).sum(axis=1), counts, out=np.full(len(values), np.nan), where=counts > 0)
    return means
