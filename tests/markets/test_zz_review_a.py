from __future__ import annotations
from datetime import datetime, timedelta, UTC
import numpy as np
import pytest
from django.db import connection, transaction, IntegrityError
from energyopti.feeds.feed import Batch
from energyopti.feeds.table import Table
from energyopti.intervals import Span
from markets import queries
from markets.blocks import seal
from markets.models import *
from tests.markets.prices import *

pytestmark = pytest.mark.django_db
DAY = day("2024-06-03")

def at(m): return DAY.start + timedelta(minutes=m)

def test_run_id_after_seal(monkeypatch):
    clock = at_clock(monkeypatch, at(60))
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0, slots=range(10)), now=at(60), run=11)
    assert set(queries.prices(feed=LIVE.name, nodes=[1], span=DAY).run_id.tolist()) == {11}
    clock.now = DAY.end
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0), run=12)
    f = queries.prices(feed=LIVE.name, nodes=[1], span=DAY)
    print(f.run_id.tolist()[:12], f.first_seen_at[:11])
    assert f.run_id.tolist()[:10] == [11] * 10

def test_subsecond(monkeypatch):
    clock = at_clock(monkeypatch, at(60) + timedelta(milliseconds=300))
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0, slots=range(10)), now=at(60))
    known = clock.now
    before = queries.prices(feed=LIVE.name, nodes=[1], span=DAY, as_of=known).total.tolist()
    clock.now = DAY.end
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0), run=12)
    assert queries.prices(feed=LIVE.name, nodes=[1], span=DAY, as_of=known).total.tolist() == before

def test_subsecond_seal(monkeypatch):
    clock = at_clock(monkeypatch, at(60) + timedelta(milliseconds=300))
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0, slots=range(10)), now=at(60))
    clock.now = DAY.end + timedelta(milliseconds=300)
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0), run=12)
    known = clock.now
    assert len(queries.prices(feed=LIVE.name, nodes=[1], span=DAY, as_of=known).total.tolist()) == 288

def test_gaps_unaligned():
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0, slots=[s for s in range(24) if s != 3]))
    g = queries.gaps(feed="pjm.rt_hrl_lmps", nodes=[1], span=Span(DAY.start, DAY.end)) if False else None
    import energyopti.feeds.registry as registry
    import markets.queries.gaps as gg
    class R:
        @staticmethod
        def feed(name): return HOURLY
    gg_reg = gg.registry
    gg.registry = R
    try:
        out = queries.gaps(feed=HOURLY.name, nodes=[1], span=Span(DAY.start + timedelta(minutes=30), DAY.start + timedelta(hours=8, minutes=30)))
    finally:
        gg.registry = gg_reg
    print(out)
    assert [(g.span.start - DAY.start, g.span.end - DAY.start) for g in out] == [(timedelta(hours=3), timedelta(hours=4))]

def test_mixed_zero():
    rows = flat(HOURLY, DAY, 1, 30.0, version=0, slots=[0]) + flat(HOURLY, DAY, 1, 30.0, version=1, slots=[1])
    load(HOURLY, DAY, rows)
    assert queries.prices(feed=HOURLY.name, nodes=[1], span=DAY).version.tolist() == [0, 1]

def test_negnan():
    nn = np.copysign(np.nan, -1.0)
    t = table([(a, n, v, (tt, c, l, float("nan"))) for a, n, v, (tt, c, l, e) in flat(HOURLY, DAY, 1, 30.0)])
    load(HOURLY, DAY, t)
    t2 = table([(a, n, v, (tt, c, l, nn)) for a, n, v, (tt, c, l, e) in flat(HOURLY, DAY, 1, 30.0)])
    assert load(HOURLY, DAY, t2).touched == 0

def test_running_partial_then_pull_of_one_node(monkeypatch):
    clock = at_clock(monkeypatch, at(60))
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0, slots=range(10)) + flat(LIVE, DAY, 2, 30.0, slots=range(10)), now=at(60), nodes=(1, 2))
    clock.now = DAY.end
    w = load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0), nodes=(1,))
    assert w.stored == 288 and w.expected == 288
    w = load(LIVE, DAY, flat(LIVE, DAY, 2, 30.0), nodes=(1, 2))
    assert w.stored == 576
    f = queries.prices(feed=LIVE.name, nodes=[2], span=DAY)
    assert len(f) == 288
    for one in queries.lying_live(before=LATER): print(one)

def test_two_equal_versions_in_one_load(monkeypatch):
    rows = flat(HOURLY, DAY, 1, 30.0) + flat(HOURLY, DAY, 1, 31.0)
    load(HOURLY, DAY, rows)
    a = queries.prices(feed=HOURLY.name, nodes=[1], span=DAY).total[0]
    w = load(HOURLY, DAY, rows[::-1])
    w2 = load(HOURLY, DAY, rows)
    print(a, w, w2, queries.prices(feed=HOURLY.name, nodes=[1], span=DAY).total[0])
    assert w2.touched == 0

def test_version_and_live_lower(monkeypatch):
    f = feed("test.rv")
    clock = at_clock(monkeypatch, at(60))
    load(f, DAY, flat(f, DAY, 1, 30.0, version=2, slots=range(5)), now=at(60))
    load(f, DAY, flat(f, DAY, 1, 40.0, version=1, slots=range(8)), now=at(60))
    clock.now = DAY.end
    load(f, DAY, flat(f, DAY, 1, 40.0, version=1))
    fr = queries.prices(feed=f.name, nodes=[1], span=DAY)
    assert fr.total.tolist()[:8] == [30., 31., 32., 33., 34., 45., 46., 47.]
    r = queries.revisions(feed=f.name, nodes=[1], span=DAY)
    assert len(r) == 24 + 5
