"""A market day of prices as arrays: how rows become layers of versions, and how a load meets what is stored."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass

import numpy as np

from energyopti.errors import InvalidInput
from energyopti.feeds.feed import Feed
from energyopti.feeds.table import Array, Table
from energyopti.intervals import Span

TOTAL, CONGESTION, LOSS, ENERGY = range(4)
COMPONENTS = ("total", "congestion", "loss", "energy")


class OffGrid(InvalidInput):
    """A price that does not begin an interval of its feed."""

    code = "off-grid"


@dataclass(frozen=True, slots=True)
class Day:
    """The prices of some nodes in one window of `n` slots, USD/MWh.

    `nodes` int64 (k,), ascending; `values` float64 (k, components, n): total, congestion, loss and, where the series has
    it, energy; `version` int16 (k, n), 0 where the source has none or the slot is missing. A slot without a total is
    missing, and all its values are NaN.
    """

    nodes: Array
    values: Array
    version: Array

    @classmethod
    def empty(cls, nodes: Array, *, n: int, energy: bool) -> Day:
        return cls(nodes, np.full((len(nodes), 4 if energy else 3, n), np.nan), np.zeros((len(nodes), n), np.int16))

    @property
    def n(self) -> int:
        return int(self.version.shape[1])

    @property
    def has_energy(self) -> bool:
        return bool(self.values.shape[1] > ENERGY)

    @property
    def present(self) -> Array:
        present: Array = ~np.isnan(self.values[:, TOTAL])
        return present

    def take(self, rows: Array) -> Day:
        return Day(self.nodes[rows], self.values[rows], self.version[rows])

    def only(self, slots: Array) -> Day:
        """The same nodes with the slots of the mask alone; nodes left without any are dropped."""
        some = slots.any(axis=1)
        values = np.where(slots[some, None], self.values[some], np.nan)
        return Day(self.nodes[some], values, np.where(slots[some], self.version[some], 0).astype(np.int16))

    def spread(self, nodes: Array) -> Day:
        """These prices among `nodes` (ascending, a superset): the others miss every slot."""
        if len(nodes) == len(self.nodes):
            return self
        day = Day.empty(nodes, n=self.n, energy=self.has_energy)
        rows = np.searchsorted(nodes, self.nodes)
        day.values[rows], day.version[rows] = self.values, self.version
        return day

    def digests(self) -> Array:
        """64 bits over each node's values and versions, energy included: int64 (k,)."""
        marks = map(_mark, map(bytes, self.version))
        each = (hashlib.blake2b(values, digest_size=8, person=mark).digest() for values, mark in zip(self.values, marks, strict=True))
        return np.frombuffer(b"".join(each), np.int64).copy()


@functools.lru_cache(maxsize=10_000)
def _mark(versions: bytes) -> bytes:
    """16 bytes for a node's versions, which are the same at nearly all nodes."""
    return hashlib.blake2b(versions, digest_size=16).digest()


def layers(table: Table, *, feed: Feed, window: Span, energy: bool) -> list[Day]:
    """A window's rows as days: the first holds each slot's highest version, the next the one below, and so on.

    `energy`: the series has it. Rows without a total are left out: the source sent no price. Raises OffGrid.
    """
    assert feed.step is not None
    n, seconds = window.slots(feed.step), int(feed.step.total_seconds())
    if not len(table):
        return [Day.empty(np.empty(0, np.int64), n=n, energy=energy)]
    if np.isnan(table["total"]).any():
        table = table.take(~np.isnan(table["total"]))
    offset = (table["interval_start"] - np.datetime64(window.start.replace(tzinfo=None), "s")).astype(np.int64)
    slot, rest = np.divmod(offset, seconds)
    if len(slot) and (rest.any() or slot.min() < 0 or slot.max() >= n):
        raise OffGrid(f"{feed.name}: a price does not begin an interval of {seconds // 60} minutes in {window}", field="interval_start")
    nodes = np.unique(table["pnode_id"])
    place = np.searchsorted(nodes, table["pnode_id"]) * n + slot
    version = table["version"] if "version" in table.columns else np.zeros(len(table), np.int16)
    return [_day(table, Day.empty(nodes, n=n, energy=energy), place, version, rows) for rows in _ranks(place, version, len(nodes) * n)]


def _ranks(place: Array, version: Array, size: int) -> list[Array | slice]:
    """For each layer its rows: 0 holds the highest version of every place."""
    if not len(place) or np.bincount(place, minlength=size).max() == 1:
        return [slice(None)]
    order = np.lexsort((-version.astype(np.int32), place))
    first = np.concatenate([[True], place[order][1:] != place[order][:-1]])
    starts = np.flatnonzero(first)
    rank = np.arange(len(order)) - np.repeat(starts, np.diff([*starts, len(order)]))
    return [order[rank == r] for r in range(int(rank.max()) + 1)]


def _day(table: Table, day: Day, place: Array, version: Array, rows: Array | slice) -> Day:
    """`day`, empty so far, filled with these rows; `place` counts slots through all nodes."""
    n, components, at = day.n, day.values.shape[1], place[rows]
    day.version.reshape(-1)[at] = version[rows]
    flat, first = day.values.reshape(-1), at + (at // n) * (n * (components - 1))
    for component, name in enumerate(COMPONENTS[:components]):
        if name in table.columns:
            flat[first + component * n] = table[name][rows] + 0.0  # -0.0 is 0.0: the digest must not see a difference
    return day


@dataclass(frozen=True, slots=True)
class Merged:
    """`day` is what stands after a load; `taken` the slots (k, n) that came from it, `lower` those it offered in vain
    because a higher version stood."""

    day: Day
    taken: Array
    lower: Array


def merge(stored: Day, load: Day) -> Merged:
    """What stands after `load` meets `stored` (the same nodes): per slot the higher version, the newer of equal ones."""
    has, had = load.present, stored.present
    higher = load.version > stored.version
    other = (load.version == stored.version) & different(stored, load)
    taken = has & (~had | higher | other)
    values = np.where(taken[:, None], load.values, stored.values)
    version = np.where(taken, load.version, stored.version)
    return Merged(Day(load.nodes, values, version), taken, has & had & (load.version < stored.version))


def different(one: Day, other: Day) -> Array:
    """Slots (k, n) whose values differ; two missing values are equal."""
    unequal: Array = ((one.values != other.values) & ~(np.isnan(one.values) & np.isnan(other.values))).any(axis=1)
    return unequal
