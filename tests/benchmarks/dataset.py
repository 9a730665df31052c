"""Prices as the product would hold them, made instead of pulled, and stored by the price store's own path.

5-minute real-time prices of one month at as many nodes as the points ask for, day-ahead prices of its first week and a
running day's newest intervals at all 14,000. Synthetic, in PJM's shape: one energy curve for the market, congestion from
40 binding constraints by each node's shift factors, none at a fifth of the nodes, losses that follow energy; 6 decimals.
"""

from __future__ import annotations

import functools
import time
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np
from django.db import connection, transaction

from energyopti.feeds import coverage, registry
from energyopti.feeds.feed import Batch, Feed
from energyopti.feeds.models import SyncRun
from energyopti.feeds.table import Array, Table
from energyopti.intervals import Span, local_midnight, market_day
from markets import arrays
from markets.blocks.day import Day
from markets.blocks.load import Load
from markets.blocks.stored import Slot
from markets.models import LmpBlock, LmpLive, Series

NODES = 14_000
FIRST_NODE = 1_000_000
MONTH, DAYS = date(2026, 7, 1), 31  # no clock changes in it
SLOTS = 288
DAY_AHEAD_DAYS = 7
LIVE = 24  # intervals of the running day: two hours
KINDS = ("LOAD", "LOAD", "LOAD", "LOAD", "GEN", "LOAD", "LOAD", "GEN")  # near PJM's shares (markets/feeds/pjm.py)
ZONES = ("AECO", "AEP", "APS", "BGE", "COMED", "DOM", "DPL", "DUQ", "JCPL", "METED", "PECO", "PENELEC", "PEPCO", "PPL", "PSEG")
CONSTRAINTS = 40


class Filled(NamedTuple):
    """What a fill made: 5-minute points stored, how many nodes have them, and the seconds in the store alone."""

    points: int
    nodes: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.points:,} 5-minute points of {self.nodes:,} nodes, {self.rate}"

    @property
    def rate(self) -> str:
        return f"{self.points / self.seconds / 1000:,.0f} k points/s" if self.seconds else "there already"


def fill(*, points: int) -> Filled:
    """At least `points` 5-minute points, at most those of 14,000 nodes (125 million), and what stands around them."""
    nodes = min(NODES, -(-points // (SLOTS * DAYS)))
    _directory()
    seconds = sum(_day("pjm.rt_fivemin_hrl_lmps", MONTH + timedelta(days=n), nodes) for n in range(DAYS))
    for n in range(DAY_AHEAD_DAYS):
        _day("pjm.da_hrl_lmps", MONTH + timedelta(days=n), NODES)
    _running_day()
    if seconds:
        _settle()
    return Filled(nodes * SLOTS * DAYS, nodes, seconds)


def month() -> Span:
    """The whole of the month, by market days."""
    zone = registry.feed("pjm.rt_fivemin_hrl_lmps").zone
    return Span(local_midnight(MONTH, zone), local_midnight(MONTH + timedelta(days=DAYS), zone))


def ids(nodes: int) -> Array:
    return FIRST_NODE + np.arange(nodes, dtype=np.int64)


def _directory() -> None:
    """The node list, as pjm.pnode brings it."""
    node = ids(NODES)
    kind = [KINDS[n % len(KINDS)] for n in range(NODES)]
    kind[: len(ZONES)] = ["ZONE"] * len(ZONES)
    zone = [ZONES[n % len(ZONES)] for n in range(NODES)]
    name = zone[: len(ZONES)] + [f"NODE{n}  138 KV" for n in node[len(ZONES) :]]
    columns = {"name": name, "type": ["BUS"] * NODES, "subtype": kind, "zone": zone, "voltage": ["138 KV"] * NODES}
    feed = registry.feed("pjm.pnode")
    table = Table(
        {"pnode_id": node, "effective_from": np.full(NODES, np.datetime64("2010-01-01T05:00:00"))}
        | {"effective_to": np.full(NODES, np.datetime64("NaT"), "datetime64[s]")}
        | {name: np.array(values, object) for name, values in columns.items()}
    )
    window = feed.windows(Span(now := datetime.now(UTC), now + timedelta(microseconds=1)))[0]
    with transaction.atomic():
        feed.store.write(Batch(feed, window, table, None, False, _run(feed.name).pk, now))


def _day(name: str, day: date, nodes: int) -> float:
    """One sealed market day: seconds in the store, none where it lies there already."""
    feed = registry.feed(name)
    window = market_day(day, feed.zone)
    assert feed.step is not None
    if LmpBlock.objects.filter(series=_series(feed.name), start=window.start).count() >= nodes:
        return 0.0
    feed.store.prepare(feed, window)
    return _store(feed, window, ids(nodes), prices(window, nodes, window.slots(feed.step)))


def _running_day() -> None:
    """The newest intervals of the day that is not over, one load each, as they come."""
    feed, now = registry.feed("pjm.rt_unverified_fivemin_lmps"), datetime.now(UTC)
    window = market_day(now.astimezone(feed.zone).date(), feed.zone)
    feed.store.prepare(feed, window)
    assert feed.step is not None
    values, last = np.round(prices(window, NODES, window.slots(feed.step))[:, :3], 2), max(LIVE, (now - window.start) // feed.step)
    if LmpLive.objects.filter(series=_series(feed.name)).exists():
        return
    for slot in range(last - LIVE, last):
        interval = np.full_like(values, np.nan)
        interval[:, :, slot] = values[:, :, slot]
        _store(feed, window, ids(NODES), interval)


def _store(feed: Feed, window: Span, nodes: Array, values: Array) -> float:
    """Values (nodes, components, slots) through the store, coverage included, in one transaction; its seconds."""
    assert feed.step is not None
    n, run = values.shape[2], _run(feed.name)
    versions = np.where(np.isnan(values[:, 0]) | (values.shape[1] == 3), 0, 1).astype(np.int16)
    batch = Batch(feed, window, Table({}), None, False, run.pk, datetime.now(UTC))
    slot = Slot(_series(feed.name), window.start, window.end, n, int(feed.step.total_seconds()), values.shape[1] == 4)
    started, day = time.perf_counter(), Day(nodes, values, versions)
    digest = day.digests()
    with transaction.atomic(), arrays.cursor() as rows:
        written = Load(batch, slot, rows, feed.store.tolerance).store([day], digest)
        coverage.record(feed=feed, run=run, window=window, written=written, now=batch.now)
    return time.perf_counter() - started


@functools.cache
def _run(feed: str) -> SyncRun:
    """One complete, real run a feed: from then on its answers are real."""
    mine = {"feed": feed, "sandbox": False, "source": "benchmark", "node_set": coverage.ALL}
    made = {"trigger": SyncRun.Trigger.FILE, "status": SyncRun.Status.COMPLETE, "finished_at": datetime.now(UTC)}
    return SyncRun.objects.get_or_create(**mine, defaults=made)[0]


@functools.cache
def _series(name: str) -> int:
    feed = registry.feed(name)
    assert feed.step is not None
    made = {"market": feed.store.market, "quality": feed.store.quality, "minutes": feed.step // timedelta(minutes=1)}
    made["has_energy"] = feed.store.quality != "unverified"  # which has no energy column
    return Series.objects.get_or_create(feed=feed.name, sandbox=False, defaults=made)[0].pk


def prices(window: Span, nodes: int, n: int) -> Array:
    """Total, congestion, loss, energy: float64 (nodes, 4, n), USD/MWh. The same for the same day, whatever `nodes`."""
    draw = np.random.default_rng(int(window.start.timestamp()) // 3600)
    hours = np.arange(n) * 24 / n
    energy = np.round(28 + 12 * np.sin((hours - 9) * np.pi / 12) + np.cumsum(draw.standard_normal(n)) * 0.4, 2)
    shadow = draw.gamma(1.5, 12, (CONSTRAINTS, n)) * (draw.random((CONSTRAINTS, n)) < 0.15)
    factors, losses, quiet = _network()
    congestion = np.round(factors[:nodes] @ -shadow, 6) + 0.0  # no -0.0
    congestion[quiet[:nodes]] = 0
    loss = np.round(losses[:nodes, None] * energy, 6)
    values = np.empty((nodes, 4, n))
    values[:, 1], values[:, 2], values[:, 3] = congestion, loss, energy
    values[:, 0] = np.round(congestion + loss + energy, 6)
    return values


@functools.cache
def _network() -> tuple[Array, Array, Array]:
    """Each node's shift factors and loss factor, and which nodes (mask) no constraint touches."""
    draw = np.random.default_rng(5)
    return draw.normal(0, 0.15, (NODES, CONSTRAINTS)), draw.normal(0, 0.025, NODES), np.arange(NODES) % 5 == 4


def _settle() -> None:
    """What autovacuum and the checkpointer would have done by the time somebody reads."""
    with connection.cursor() as cursor:
        for table in ("lmp_block", "lmp_energy", "lmp_live", "markets_node", "feeds_coverage"):
            cursor.execute(f"VACUUM (ANALYZE) {table}")
        cursor.execute("CHECKPOINT")
