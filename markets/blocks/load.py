"""One load of one series and window, under the day's lock: what stands, what the load changes of it, what is written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from energyopti.feeds.feed import Batch, Written
from energyopti.feeds.table import Array
from markets.arrays import Rows
from markets.blocks import energy, live, lower, stage, stored
from markets.blocks.day import Day, merge
from markets.blocks.stage import Finished
from markets.blocks.stored import Live, Marks, Slot

SHOWN = 100  # nodes named in Written.missing_nodes


@dataclass(slots=True)
class State:
    """The nodes of a load, and what stands of them once `_meet` has merged the load in; masks and arrays by node (k,)."""

    day: Day
    digest: Array
    revision: Array  # of the block that stands, -1 where there is none
    held: Array  # digest of the block that stood before
    lies: Array  # mask: live rows and no block
    taken: Array  # mask (k, n): the price that stands came with this load
    arrived: Array | None = None  # (k, n) when a live price that still stands arrived, microseconds since 1970, else 0
    brought: Array | None = None  # (k, n) the run that brought it

    @property
    def had(self) -> Array:
        """Nodes that have a block already."""
        had: Array = self.revision >= 0
        return had


@dataclass(frozen=True, slots=True)
class Load:
    """See PriceStore.write."""

    batch: Batch
    slot: Slot
    rows: Rows
    tolerance: float

    @property
    def over(self) -> bool:
        return self.batch.window.end <= self.batch.now

    def store(self, days: list[Day], digest: Array) -> Written:
        """`days`: the load by version, the highest first, and the `digest` of each node's prices there."""
        now = self._instant()
        asked = wanted(self.batch)
        lying = stored.live(self.rows, self.slot, None if self.over else np.union1d(days[0].nodes, asked))
        if len(lying.arrived):  # a server's clock may go back: what arrives last must stand
            now = max(now, datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(lying.arrived.max()) + 1))
        top = days[0].spread(np.union1d(days[0].nodes, lying.node))
        marks = stored.marks(self.rows, self.slot, np.union1d(top.nodes, asked))
        market = stored.market_energy(self.rows, self.slot)
        state = _state(top, _spread(digest, days[0].nodes, top.nodes), lying, marks)
        offered, before = self._meet(state, lying, market)
        revisions = lower.keep(self.rows, self.slot, self.finish, [offered, *days[1:]], before, lying, now, self.batch.run_id)
        block = np.where(state.had, state.digest != state.held, self.over | state.day.present.all(axis=1))
        counts = self._write_blocks(state, np.flatnonzero(block), lying, market, now)
        counts += self._write_live(state, ~state.had & ~block, before, now)
        counts["revisions"] = revisions
        return written(self.batch, top.nodes if self.batch.nodes is None else asked, state.day, marks, counts)

    def _instant(self) -> datetime:
        """Take the day's lock, then read the server's clock: one instant for all that the load records and supersedes."""
        self.rows.execute(
            "SELECT pg_advisory_xact_lock(hashtext('markets.blocks ' || %(series)s::text), (extract(epoch FROM %(start)s) / 3600)::int4)",
            self.slot.params,
        )
        return clock(self.rows)

    def _meet(self, state: State, lying: Live, market: Array | None) -> tuple[Day, Day]:
        """Merge the load into what stands, in `state`; the prices it offered in vain, and what stood before."""
        changed = state.had & (state.digest != state.held)
        met = np.flatnonzero(changed | state.lies)
        nodes, had = state.day.nodes[met], changed[met]
        before, arrived, brought = lying.of(nodes[~had]).current(nodes, self.slot.n)
        if had.any():
            blocks = stored.blocks(self.rows, self.slot, nodes[had], market)
            before.values[had], before.version[had] = blocks.values, blocks.version
        offered = state.day.take(met)
        merged = merge(before, offered)
        state.day.values[met], state.day.version[met] = merged.day.values, merged.day.version
        state.digest[met], state.taken[met] = merged.day.digests(), merged.taken
        if state.lies.any():
            state.arrived, state.brought = np.zeros((2, *state.taken.shape), np.int64)
            state.arrived[met], state.brought[met] = np.where(merged.taken, 0, arrived), brought
        return offered.only(merged.lower), before

    def finish(self, day: Day, now: datetime, digest: Array | None = None) -> Finished:
        """Blocks of prices that all arrive now and carry their own energy."""
        k = len(day.nodes)
        return Finished(
            day=day,
            digest=day.digests() if digest is None else digest,
            revision=np.zeros(k, np.int32),
            own=np.full(k, self.slot.has_energy),
            recorded=np.full(k, microseconds(now)),
            seen=np.zeros((k, 0), np.int32),
            runs=np.zeros((k, 0), np.int32),
            sealed=np.zeros(k, bool),
            unbalanced=stage.unbalanced(day, self.tolerance),
        )

    def _write_blocks(self, state: State, chosen: Array, lying: Live, market: Array | None, now: datetime) -> Counter[str]:
        if not len(chosen):
            return Counter()
        day = state.day if len(chosen) == len(state.day.nodes) else state.day.take(chosen)
        finished = self._seal(self.finish(day, now, state.digest[chosen]), state, chosen, lying)
        finished.revision = state.revision[chosen] + 1
        finished.own = energy.settle(self.rows, self.slot, day, apart=finished.sealed, market=market, now=now, run_id=self.batch.run_id)
        stage.write(self.rows, self.slot, finished, now=now, run_id=self.batch.run_id)
        fresh = int((finished.revision == 0).sum())
        return Counter(new=fresh, changed=len(chosen) - fresh, flagged=int(finished.unbalanced.sum()))

    def _seal(self, blocks: Finished, state: State, chosen: Array, lying: Live) -> Finished:
        """Blocks that carry live prices say when each arrived and by which run, and their states leave the live table."""
        if state.arrived is None or state.brought is None:
            return blocks
        carried: Array = state.arrived[chosen] > 0
        arrived: Array = np.where(carried, state.arrived[chosen], blocks.recorded[:, None])
        blocks.sealed = np.any(carried, axis=1)
        blocks.seen = live.seen(self.slot, arrived, blocks.day.present)
        blocks.runs = np.where(carried, state.brought[chosen], self.batch.run_id).astype(np.int32)
        blocks.recorded[blocks.sealed] = arrived[blocks.sealed].min(axis=1)
        live.forget(self.rows, self.slot, lying.of(blocks.day.nodes), blocks.day.nodes, carried)
        return blocks

    def _write_live(self, state: State, chosen: Array, before: Day, now: datetime) -> Counter[str]:
        """Prices of days that are neither over nor whole."""
        row, at = np.nonzero(state.taken & chosen[:, None])
        if not len(row):
            return Counter()
        stood = before.spread(state.day.nodes).present[row, at]
        flagged = stage.unbalanced(state.day, self.tolerance)[row, at]
        live.append(self.rows, self.slot, state.day, row, at, now=microseconds(now), run_id=self.batch.run_id)
        return Counter(new=int((~stood).sum()), changed=int(stood.sum()), flagged=int(flagged.sum()))


def _spread(values: Array, nodes: Array, among: Array) -> Array:
    """`values` of `nodes` among a superset of them; 0 at the others."""
    spread = np.zeros(len(among), values.dtype)
    spread[np.searchsorted(among, nodes)] = values
    return spread


def _state(top: Day, digest: Array, lying: Live, marks: Marks) -> State:
    has, at = marks.find(top.nodes)
    k = len(top.nodes)
    return State(
        day=top,
        digest=digest,
        revision=np.where(has, marks.revision[at], -1) if has.any() else np.full(k, -1),
        held=np.where(has, marks.digest[at], 0) if has.any() else np.zeros(k, np.int64),
        lies=np.isin(top.nodes, lying.node) & ~has,
        taken=top.present,
    )


def clock(rows: Rows) -> datetime:
    """The server's clock."""
    rows.execute("SELECT clock_timestamp()")
    now: datetime = rows.fetchall()[0][0]
    return now.astimezone(UTC)


def microseconds(instant: datetime) -> int:
    """Since 1970."""
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def wanted(batch: Batch) -> Array:
    """The nodes that were asked for and that the feed can have, ascending; none where all were asked for."""
    return np.array(sorted(set(batch.nodes or ()) - batch.feed.absent_nodes), np.int64)


def due(batch: Batch) -> int:
    """Slots that the window should hold by now: all of them, or of a live feed's running day those that are published."""
    assert batch.feed.step is not None
    slots = batch.window.slots(batch.feed.step)
    if not batch.feed.live or batch.window.end <= batch.now:
        return slots
    return max(0, min(slots, (batch.now - max(batch.feed.lag, timedelta(0)) - batch.window.start) // batch.feed.step))


def written(batch: Batch, nodes: Array, day: Day, marks: Marks, counts: Counter[str]) -> Written:
    """How much of `nodes` the store holds: those of the load in `day`, the others by their blocks' `marks`."""
    expected = due(batch)
    held = np.zeros(len(nodes), np.int64)
    has, at = marks.find(nodes)
    if has.any():
        held[has] = np.minimum(day.n - marks.missing[at[has]], expected)
    loaded = np.isin(nodes, day.nodes)
    held[loaded] = day.present[np.searchsorted(day.nodes, nodes[loaded]), :expected].sum(axis=1)
    return Written(
        nodes=len(nodes),
        expected=len(nodes) * expected,
        stored=int(held.sum()),
        missing_nodes=tuple(nodes[held < expected][:SHOWN].tolist()),
        **counts,
    )


def nothing(batch: Batch) -> Written:
    """A load without a price into a series without any."""
    nodes = wanted(batch)
    return Written(nodes=len(nodes), expected=len(nodes) * due(batch), stored=0, missing_nodes=tuple(nodes[:SHOWN].tolist()))
