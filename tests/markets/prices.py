"""Feeds, tables and loads for the tests of the price store: the real store, small prices."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest
from django.db import transaction

from energyopti.feeds.feed import Batch, Feed, Licence, NodeDirectory, Written
from energyopti.feeds.models import SyncRun
from energyopti.feeds.table import Table
from energyopti.intervals import Span, market_day
from markets.blocks import PriceStore
from markets.types import NodeSeen

EASTERN = ZoneInfo("America/New_York")
HOUR, FIVE_MINUTES = timedelta(hours=1), timedelta(minutes=5)
SHARED = Path(os.environ.get("ENERGYOPTI_SHARED") or Path(__file__).resolve().parents[3] / "shared") / "data" / "pjm"
LATER = datetime(2030, 1, 1, tzinfo=UTC)  # when every window is over

Price = tuple[float, ...]  # total, congestion, loss and, where the feed has it, energy
Row = tuple[datetime, int, int, Price]  # interval_start, node, version (0: none), price


class _Row(msgspec.Struct):
    pass


def feed(
    name: str = "test.rt_hrl", *, step: timedelta = HOUR, market: str = "real_time", quality: str = "verified", **options: object
) -> Feed:
    tolerance = 1e-6 if market == "day_ahead" else 0.0101
    declared = {
        "title": name,
        "upstream": "test",
        "path": name,
        "licence": Licence("", "", False, False, False),
        "row": _Row,
        "columns": lambda rows: Table({}),
        "key": ("interval_start", "pnode_id", "version"),
        "store": PriceStore(market=market, quality=quality, tolerance=tolerance),
        "zone": EASTERN,
        "cadence": "0 12 * * *",
        "lag": timedelta(0),
        "node_column": "pnode_id",
    }
    return Feed(name=name, step=step, **(declared | options))  # type: ignore[arg-type]


HOURLY = feed()
LIVE = feed("test.rt_unverified", step=FIVE_MINUTES, quality="unverified", live=True, absent_nodes=frozenset({3}))
FIVE = feed("test.rt_fivemin", step=FIVE_MINUTES)
DAY_AHEAD = feed("test.da_hrl", market="day_ahead", lag=timedelta(hours=-34.5))


def day(text: str) -> Span:
    return market_day(date.fromisoformat(text), EASTERN)


def table(rows: Iterable[Row], *, energy: bool = True, versions: bool = True) -> Table:
    listed = list(rows)
    columns = {
        "interval_start": np.array([row[0].replace(tzinfo=None) for row in listed], "datetime64[s]"),
        "pnode_id": np.array([row[1] for row in listed], np.int64),
    }
    if versions:
        columns["version"] = np.array([row[2] for row in listed], np.int16)
    for place, name in enumerate(("total", "congestion", "loss", "energy")[: 4 if energy else 3]):
        columns[name] = np.array([row[3][place] for row in listed], np.float64)
    nodes = {row[1]: NodeSeen(f"NODE  {row[1]}", "LOAD", "PECO", "13 KV") for row in listed}
    return Table(columns, entities=nodes)


def load(
    feed: Feed,
    window: Span,
    rows: Table | Iterable[Row],
    *,
    nodes: tuple[int, ...] | None = None,
    now: datetime = LATER,
    run: int = 1,
    sandbox: bool = False,
) -> Written:
    """A load as the runner makes it: room first, then a transaction."""
    unversioned = "unverified" in feed.name
    filled = rows if isinstance(rows, Table) else table(rows, energy=not unversioned, versions=not unversioned)
    SyncRun.objects.get_or_create(pk=run, defaults={"feed": feed.name, "sandbox": sandbox, "trigger": "person"})
    feed.store.prepare(feed, window)
    with transaction.atomic():
        return feed.store.write(Batch(feed, window, filled, nodes, sandbox, run, now))


def flat(feed: Feed, window: Span, node: int, value: float, *, version: int = 1, slots: Iterable[int] | None = None) -> list[Row]:
    """A node's day: `value` plus the slot's number; energy 20, loss 1, the rest is congestion."""
    assert feed.step is not None
    chosen = range(window.slots(feed.step)) if slots is None else slots
    return [(window.start + slot * feed.step, node, version, (value + slot, value + slot - 21, 1.0, 20.0)) for slot in chosen]


def real(name: str) -> Iterator[Mapping[str, str]]:
    """The rows of a recorded Data Miner export."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"no recorded data at ENERGYOPTI_SHARED: {name}")
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode("utf-8-sig")
    yield from csv.DictReader(text.splitlines())


def real_table(rows: Iterable[Mapping[str, str]]) -> Table:
    """Recorded rt_hrl_lmps rows under the house's names."""
    return table(
        (
            datetime.strptime(row["datetime_beginning_utc"], "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC),
            int(row["pnode_id"]),
            int(row["version_nbr"]),
            tuple(float(row[f"{name}_rt"]) for name in ("total_lmp", "congestion_price", "marginal_loss_price", "system_energy_price")),
        )
        for row in rows
    )


class Clock:
    """The server's clock in a test's hand: whole minutes, one later at each load."""

    def __init__(self, start: datetime) -> None:
        self.now = start

    def __call__(self, rows: object) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


def at_clock(monkeypatch: pytest.MonkeyPatch, start: datetime) -> Clock:
    clock = Clock(start)
    monkeypatch.setattr("markets.blocks.load.clock", clock)
    return clock


def replace_nodes(feed: Feed, nodes: NodeDirectory) -> Feed:
    return replace(feed, nodes=nodes)
