"""The market's energy price: one versioned row a series and market day, shared by the blocks that do not say otherwise."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from energyopti.feeds.table import Array
from markets import arrays
from markets.arrays import Rows
from markets.blocks.day import ENERGY, Day
from markets.blocks.stored import Slot


def settle(rows: Rows, slot: Slot, day: Day, *, apart: Array, market: Array | None, now: datetime, run_id: int) -> Array:
    """Bring the market's row up to date with the blocks about to be written; which of them (mask) carry their own energy.

    `apart` masks blocks that never share: they are known from before the market's row is. What most blocks of the day
    say becomes the market's; a block that is not about to be written keeps the energy it had.
    """
    if not slot.has_energy:
        return np.zeros(len(day.nodes), bool)
    energy = day.values[:, ENERGY]
    old = np.full(slot.n, np.nan) if market is None else market
    said = _most_common(energy[~apart])
    new = np.where(np.isnan(old), said, old)
    if (_unlike(said, old) & ~np.isnan(old) & ~np.isnan(said)).any() and _outnumber(rows, slot, day.nodes):
        new = np.where(np.isnan(said), old, said)
    if (changed := _unlike(new, old)).any():
        _pin(rows, slot, day.nodes, old, np.flatnonzero(changed) + 1)
        _replace(rows, slot, new, now=now, run_id=run_id)
    own: Array = (_unlike(energy, new) & day.present).any(axis=1) | apart
    return own


def _unlike(one: Array, other: Array) -> Array:
    unlike: Array = (one != other) & ~(np.isnan(one) & np.isnan(other))
    return unlike


def _most_common(energy: Array) -> Array:
    """What most nodes say in each slot; NaN where none says anything."""
    if not len(energy):
        return np.full(energy.shape[1], np.nan)
    said = np.fmin.reduce(energy)
    for slot in np.flatnonzero(said < np.fmax.reduce(energy)):
        values, counts = np.unique(energy[~np.isnan(energy[:, slot]), slot], return_counts=True)
        said[slot] = values[counts.argmax()]
    return np.asarray(said)


def _outnumber(rows: Rows, slot: Slot, nodes: Array) -> bool:
    rows.execute(
        "SELECT count(*) FROM lmp_block WHERE series = %(series)s AND start = %(start)s AND NOT pnode_id = ANY(%(nodes)s::bigint[])",
        {**slot.params, "nodes": arrays.literal(nodes)},
    )
    return len(nodes) >= int(rows.fetchall()[0][0])


def _pin(rows: Rows, slot: Slot, nodes: Array, energy: Array, changed: Array) -> None:
    """Blocks that shared what the market's row is about to stop saying get it as their own: their prices have not changed."""
    rows.execute(
        "UPDATE lmp_block SET energy = %(energy)s WHERE series = %(series)s AND start = %(start)s AND energy IS NULL"
        " AND NOT pnode_id = ANY(%(nodes)s::bigint[]) AND EXISTS (SELECT FROM unnest(%(changed)s::int[]) i WHERE total[i] <> 'NaN')",
        {**slot.params, "energy": energy.tolist(), "nodes": arrays.literal(nodes), "changed": changed.tolist()},
    )


def _replace(rows: Rows, slot: Slot, energy: Array, *, now: datetime, run_id: int) -> None:
    params = {**slot.params, "energy": energy.tolist(), "now": now, "run": run_id, "n": slot.n}
    rows.execute(
        "INSERT INTO lmp_energy_history (series, start, recorded_at, run_id, revision, n, energy, superseded_at)"
        " SELECT series, start, recorded_at, run_id, revision, n, energy, %(now)s FROM lmp_energy"
        " WHERE series = %(series)s AND start = %(start)s",
        params,
    )
    rows.execute(
        "INSERT INTO lmp_energy AS e (series, start, recorded_at, run_id, revision, n, energy)"
        " VALUES (%(series)s, %(start)s, %(now)s, %(run)s, 0, %(n)s, %(energy)s)"
        " ON CONFLICT (series, start) DO UPDATE SET recorded_at = EXCLUDED.recorded_at, run_id = EXCLUDED.run_id,"
        " revision = e.revision + 1, energy = EXCLUDED.energy",
        params,
    )
