"""Regressions found by the review of the price store."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.db import connection, transaction
from django.utils import timezone

from energyopti.feeds import registry
from energyopti.feeds.feed import Batch
from energyopti.feeds.models import SyncRun
from energyopti.feeds.table import Table
from energyopti.intervals import Span
from markets import queries
from markets.models import LmpLive, Node
from markets.nodes import NODE_STORE, PjmNodes
from tests.markets.prices import HOURLY, LATER, LIVE, at_clock, day, flat, load
from tests.markets.test_nodes import node

pytestmark = pytest.mark.django_db
DAY = day("2024-06-03")


def store_list(*rows: tuple[int, str, str, str]) -> None:
    """Node list rows: id, name, effective_from, effective_to; the overlap check of COMMIT included."""
    texts = {"subtype": "LOAD", "type": "BUS", "zone": "", "voltage": ""}
    columns = {name: np.array([text] * len(rows), object) for name, text in texts.items()}
    columns |= {"pnode_id": np.array([row[0] for row in rows], np.int64), "name": np.array([row[1] for row in rows], object)}
    columns |= {name: np.array([row[at] for row in rows], "datetime64[s]") for at, name in ((2, "effective_from"), (3, "effective_to"))}
    SyncRun.objects.get_or_create(pk=1, defaults={"feed": "pjm.pnode", "sandbox": False, "trigger": "person"})
    with transaction.atomic(), connection.cursor() as cursor:
        NODE_STORE.write(Batch(registry.feed("pjm.pnode"), DAY, Table(columns), None, False, 1, LATER))
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


@pytest.mark.parametrize(("before", "after"), [("2010", "2012"), ("2012", "2010")])
def test_a_node_list_that_moves_the_start_of_a_window_is_stored(before: str, after: str) -> None:
    store_list((2, "GONE", "2001-06-01T04", "2009-06-01T04"), (1, "A", f"{before}-06-01T04", "NaT"))
    store_list((1, "A", f"{after}-06-01T04", "NaT"))
    found = [(one.pnode_id, one.effective_from.year) for one in Node.objects.order_by("pnode_id")]
    assert found == [(1, int(after)), (2, 2001)]


def test_a_name_is_that_of_the_node_in_force_today_not_of_its_successor() -> None:
    change = timezone.now() + timedelta(days=30)
    node(1, "X", end=change)
    node(2, "X", start=change)
    assert PjmNodes().resolve(["x"], sandbox=False) == (1,)


def test_a_node_that_ends_later_is_no_namesake_of_a_retired_one() -> None:
    node(1, "X", end=timezone.now() + timedelta(days=30))
    node(2, "X", end=timezone.now() - timedelta(days=3_000))
    assert PjmNodes().resolve(["x"], sandbox=False) == (1,)


def test_gaps_of_a_span_that_begins_within_an_interval_are_those_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0, slots=[slot for slot in range(24) if slot != 3]))
    monkeypatch.setattr(registry, "feed", lambda name: HOURLY)
    span = Span(DAY.start + timedelta(minutes=30), DAY.start + timedelta(hours=8, minutes=30))
    gaps = queries.gaps(feed=HOURLY.name, nodes=[1], span=span)
    assert [gap.span for gap in gaps] == [Span(DAY.start + timedelta(hours=3), DAY.start + timedelta(hours=4))]


def test_sealing_a_day_changes_no_answer_about_an_instant_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = at_clock(monkeypatch, DAY.start + timedelta(hours=1, milliseconds=300))
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0, slots=range(10)), now=DAY.start + timedelta(hours=1))
    instants = [clock.now + timedelta(milliseconds=step) for step in (-1, 0, 500, 700, 1_000)]

    def known() -> list[tuple[list[float], list[object]]]:
        frames = [queries.prices(feed=LIVE.name, nodes=[1], span=DAY, as_of=instant) for instant in instants]
        return [(frame.total.tolist(), frame.first_seen_at.tolist()) for frame in frames]

    before, clock.now = known(), DAY.end
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0))
    assert known() == before
    assert len(before[-1][0]) == 10


def test_what_arrives_last_stands_even_if_the_clock_went_back(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = at_clock(monkeypatch, DAY.start + timedelta(hours=1))
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0, slots=range(3)), now=DAY.start + timedelta(hours=1))
    clock.now -= timedelta(minutes=30)
    corrected = flat(LIVE, DAY, 1, 50.0, slots=range(3))
    load(LIVE, DAY, corrected, now=DAY.start + timedelta(hours=1))
    assert queries.prices(feed=LIVE.name, nodes=[1], span=DAY).total.tolist() == [50.0, 51.0, 52.0]
    assert load(LIVE, DAY, corrected, now=DAY.start + timedelta(hours=1)).touched == 0
    assert LmpLive.objects.count() == 6


def test_a_slot_without_a_version_beside_versioned_ones_keeps_none() -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0, version=0, slots=[0]) + flat(HOURLY, DAY, 1, 30.0, slots=[1]))
    assert queries.prices(feed=HOURLY.name, nodes=[1], span=DAY).version.tolist() == [0, 1]


def test_a_sealed_price_names_the_run_that_brought_it_not_the_one_that_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = at_clock(monkeypatch, DAY.start + timedelta(hours=1))
    first = load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0, slots=range(10)), now=clock.now, run=11).new
    clock.now = DAY.end
    second = load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0), now=DAY.end, run=12).new
    frame = queries.prices(feed=LIVE.name, nodes=[1], span=DAY)
    assert (first, second, LmpLive.objects.count()) == (10, 1, 0)
    assert frame.run_id.tolist() == [11] * 10 + [12] * 278
    assert queries.revisions(feed=LIVE.name, nodes=[1], span=DAY).run_id.tolist() == frame.run_id.tolist()
