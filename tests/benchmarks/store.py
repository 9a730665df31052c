"""The database half: finished blocks → decide, store, coverage; against a plain binary COPY of the same blocks."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, date, datetime, timedelta

import numpy as np
from django.db import connection, transaction

from energyopti.feeds import coverage, registry
from energyopti.feeds.feed import Batch, Feed
from energyopti.feeds.models import Coverage, SyncRun
from energyopti.feeds.table import Table
from energyopti.intervals import market_day
from markets import arrays
from markets.blocks import stage
from markets.blocks.day import Day
from markets.blocks.load import Load
from markets.blocks.stored import Slot
from tests.benchmarks.table import Row

REPEATS = 7
FEEDS = {"pjm.rt_hrl_lmps": 14_000, "pjm.rt_fivemin_hrl_lmps": 3_500}  # nodes
FIRST = {24: date(2019, 4, 1), 288: date(2019, 6, 1)}  # months that nothing else uses
SERIES = 9_000
TABLES = ("lmp_block", "lmp_block_history", "lmp_energy", "lmp_energy_history")
_WRITTEN = (
    "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint FROM pg_stat_user_tables WHERE schemaname = 'public' AND relname LIKE 'lmp\\_%'"
)


def run() -> list[Row]:
    run = SyncRun.objects.create(feed="benchmark", sandbox=False, trigger=SyncRun.Trigger.FILE, source="benchmark", node_set="benchmark")
    try:
        return [row for name, nodes in FEEDS.items() for row in _of_feed(registry.feed(name), nodes, run)]
    finally:
        Coverage.objects.filter(run=run).delete()
        run.delete()
        for table in TABLES:
            _ask(f"DELETE FROM {table} WHERE series >= {SERIES} RETURNING 1")


def _of_feed(feed: Feed, nodes: int, run: SyncRun) -> list[Row]:
    """Medians over days; the first one warms up."""
    n = timedelta(days=1) // (feed.step or timedelta(0))
    fresh = [_fresh(*_place(feed, n, turn, run), _day(nodes, n, seed=turn), run) for turn in range(REPEATS + 1)]
    copy, store, again, written = (statistics.median(taken) for taken in zip(*fresh[1:], strict=True))
    size = _bytes_a_point(n)
    replaced = statistics.median(_store(*_place(feed, n, turn, run), _day(nodes, n, seed=turn + 1_000), run) for turn in range(REPEATS))
    points, what, limit = nodes * n, f"{n}-slot blocks", f"COPY {_rate(nodes * n, copy)}"
    rows = [
        Row(f"{what}: decide, store, coverage", _rate(points, store), limit, f"{copy / store:.0%}", copy / store >= 0.6),
        Row(f"{what}, the same again", f"{written:.0f} rows written", _rate(points, again), f"{store / again:.1f}×", written == 0),
        Row(
            f"{what}, all replaced: merge, history, upsert",
            _rate(points, replaced),
            limit,
            f"{copy / replaced:.0%}",
            copy / replaced >= 0.1,
        ),
    ]
    on_disk = Row(f"{what} on disk, indexes included", f"{size:.1f} B a point", "32 B a point", f"{size / 32:.0%}", size <= 32)
    return [*rows, on_disk] if n == 288 else rows


def _place(feed: Feed, n: int, turn: int, run: SyncRun) -> tuple[Batch, Slot]:
    window = market_day(FIRST[n] + timedelta(days=turn), feed.zone)
    feed.store.prepare(feed, window)
    batch = Batch(feed, window, Table({}), None, False, run.pk, datetime.now(UTC))
    return batch, Slot(SERIES + n, window.start, window.end, n, 86_400 // n, has_energy=True)


def _fresh(batch: Batch, slot: Slot, day: Day, run: SyncRun) -> tuple[float, float, float, int]:
    """Seconds for the COPY into an empty twin, for the store, and for the store again; rows that the last one wrote."""
    copy, store, before = _copy(batch, slot, day), _store(batch, slot, day, run), _written()
    return copy, store, _store(batch, slot, day, run), _written() - before


def _day(nodes: int, n: int, *, seed: int) -> Day:
    """Plausible prices of 6 decimals."""
    draw = np.random.default_rng(seed)
    market = np.round(30 + 10 * draw.standard_normal(n), 2)
    congestion, loss = np.round(draw.standard_normal((2, nodes, n)) * [[[5.0]], [[1.0]]], 6)
    values = [np.round(market + congestion + loss, 6), congestion, loss, np.broadcast_to(market, congestion.shape)]
    return Day(np.arange(1, nodes + 1, dtype=np.int64) * 1_000, np.stack(values, axis=1), np.ones((nodes, n), np.int16))


def _store(batch: Batch, slot: Slot, day: Day, run: SyncRun) -> float:
    digest = day.digests()  # part of a finished block
    started = time.perf_counter()
    with transaction.atomic(), arrays.cursor() as rows:
        written = Load(batch, slot, rows, 0.0101).store([day], digest)
        coverage.record(feed=batch.feed, run=run, window=batch.window, written=written, now=batch.now)
    return time.perf_counter() - started


def _copy(batch: Batch, slot: Slot, day: Day) -> float:
    """Into an empty twin: the same columns, checks, key, index and partition, the same encoder; nothing is decided."""
    _ask("CREATE TABLE twin (LIKE lmp_block INCLUDING ALL) PARTITION BY RANGE (start)")
    _ask("CREATE TABLE twin_1 PARTITION OF twin DEFAULT WITH (toast_tuple_target = 8160)")
    try:
        with arrays.cursor() as rows:
            finished = Load(batch, slot, rows, 0.0101).finish(day, batch.now)
        finished.own[:] = False
        started = time.perf_counter()
        with transaction.atomic(), arrays.cursor() as rows:
            arrays.copy_in(rows, "twin", stage.TYPES, *stage.columns(slot, finished, 1))
        return time.perf_counter() - started
    finally:
        _ask("DROP TABLE twin")


def _bytes_a_point(n: int) -> float:
    """What the month's blocks take, key and index by day included."""
    month = f"lmp_block_{FIRST[n]:%Y_%m}"
    size, slots = _ask(f"SELECT pg_total_relation_size('{month}'), (SELECT sum(n) FROM {month})")
    return size / slots


def _written() -> int:
    """Rows that this session has inserted, updated or deleted in the price tables."""
    _ask("SELECT pg_stat_force_next_flush()")
    return int(_ask(_WRITTEN)[0])


def _ask(statement: str) -> tuple[int, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return tuple(cursor.fetchone() or ()) if cursor.description else ()


def _rate(points: int, seconds: float) -> str:
    return f"{points / seconds / 1000:,.0f} k points/s"
