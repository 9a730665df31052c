"""Lower versions: offered beside or after a higher one, they never stand, and are kept once for the revisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np

from energyopti.feeds.table import Array
from markets.arrays import Rows
from markets.blocks import stage, stored
from markets.blocks.day import Day
from markets.blocks.stage import Finished
from markets.blocks.stored import Live, Slot


def keep(
    rows: Rows,
    slot: Slot,
    finish: Callable[[Day, datetime], Finished],
    offered: Sequence[Day],
    before: Day,
    lying: Live,
    now: datetime,
    run_id: int,
) -> int:
    """Put the offered prices that nobody knows yet into the history, one layer each; how many blocks that made.

    Known is what stood `before`, what lies live, and what the history holds.
    """
    kept, offered = 0, [day for day in offered if len(day.nodes)]
    if not offered:
        return 0
    older = stored.older(rows, slot, np.unique(np.concatenate([day.nodes for day in offered])))
    for layer, day in enumerate(offered, 1):
        news = day.present & ~_among(day, before) & ~_among(day, older) & ~_lies(day, lying)
        if len((fresh := day.only(news)).nodes):
            stage.into_history(rows, slot, finish(fresh, now), layer=layer, run_id=run_id)
            kept += len(fresh.nodes)
    return kept


def _among(day: Day, known: Day) -> Array:
    """Slots (mask) of `day` that `known`, in which a node may come several times, has with the same version and values."""
    found = np.zeros(day.version.shape, bool)
    at = np.searchsorted(day.nodes, known.nodes)
    at[at == len(day.nodes)] = 0
    both = day.nodes[at] == known.nodes
    at, known = at[both], known.take(both)
    np.logical_or.at(found, at, (known.version == day.version[at]) & _equal(known.values, day.values[at]).all(axis=1))
    return found


def _lies(day: Day, lying: Live) -> Array:
    """Slots (mask) of `day` that were live once with the same version and values."""
    found = np.zeros(day.version.shape, bool)
    lying = lying.of(day.nodes)
    at = np.searchsorted(day.nodes, lying.node)
    same = (day.version[at, lying.slot] == lying.version) & _equal(day.values[at, :, lying.slot], lying.values).all(axis=1)
    np.logical_or.at(found, (at, lying.slot), same)
    return found


def _equal(one: Array, other: Array) -> Array:
    equal: Array = (one == other) | (np.isnan(one) & np.isnan(other))
    return equal
