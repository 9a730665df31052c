"""The recorded files of PJM: stored values equal the recorded ones to the last digit."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import numpy as np
import pytest

from energyopti.feeds.table import Table
from markets import queries
from markets.models import LmpBlock
from tests.markets.prices import HOURLY, LATER, at_clock, day, load, real, real_table

pytestmark = pytest.mark.django_db
YEAR = "rt_hrl_lmps_pjm_rto_2024.csv"
RESTATED = day("2024-03-05")


def cut(table: Table, window, version: int | None = None) -> Table:
    inside = (table["interval_start"] >= np.datetime64(window.start.replace(tzinfo=None))) & (
        table["interval_start"] < np.datetime64(window.end.replace(tzinfo=None))
    )
    return table.take(inside if version is None else inside & (table["version"] == version))


@pytest.fixture
def year() -> Table:
    return real_table(real(YEAR))


def test_a_whole_year_with_both_clock_changes_equals_the_file(year: Table) -> None:
    windows = HOURLY.windows(type(RESTATED)(day("2024-01-01").start, day("2024-12-31").end))
    written = [load(HOURLY, window, cut(year, window)) for window in windows]
    assert Counter(one.stored for one in written) == {24: 364, 23: 1, 25: 1}
    assert (sum(one.new for one in written), sum(one.revisions for one in written), sum(one.flagged for one in written)) == (366, 1, 0)
    frame = queries.prices(feed=HOURLY.name, nodes=[1], span=type(RESTATED)(windows[0].start, windows[-1].end))
    order = np.lexsort((-year["version"], year["interval_start"]))
    newest = year.take(order).take(np.unique(year["interval_start"][order], return_index=True)[1])
    for name in ("interval_start", "total", "congestion", "loss", "energy", "version"):
        assert (getattr(frame, name) == newest[name]).all(), name
    assert sum(load(HOURLY, window, cut(year, window)).touched for window in windows[60:70]) == 0


def test_the_restated_day_as_it_came_first_and_as_it_was_restated(year: Table, monkeypatch) -> None:
    clock = at_clock(monkeypatch, LATER)
    load(HOURLY, RESTATED, cut(year, RESTATED, 1))
    first = clock.now
    assert load(HOURLY, RESTATED, cut(year, RESTATED, 2)).changed == 1
    between, after = (queries.prices(feed=HOURLY.name, nodes=[1], span=RESTATED, as_of=at) for at in (first, clock.now))
    assert (set(between.version.tolist()), set(after.version.tolist())) == ({1}, {2})
    change = np.abs(after.total - between.total)
    assert ((change > 0).sum(), round(change.max(), 2)) == (2, 11.82)
    first_version = cut(year, RESTATED, 1)
    assert between.total.tolist() == first_version["total"][np.argsort(first_version["interval_start"])].tolist()
    assert len(queries.revisions(feed=HOURLY.name, nodes=[1], span=RESTATED)) == 48


def test_the_restated_day_in_one_load(year: Table, monkeypatch) -> None:
    clock = at_clock(monkeypatch, LATER)
    written = load(HOURLY, RESTATED, cut(year, RESTATED))
    assert (written.new, written.revisions) == (1, 1)
    assert set(queries.prices(feed=HOURLY.name, nodes=[1], span=RESTATED, as_of=clock.now + timedelta(days=1)).version.tolist()) == {2}
    frame = queries.revisions(feed=HOURLY.name, nodes=[1], span=RESTATED)
    assert Counter(zip(frame.version.tolist(), frame.stood.tolist(), strict=True)) == {(1, False): 24, (2, True): 24}
    assert load(HOURLY, RESTATED, cut(year, RESTATED)).touched == 0


def test_the_heat_dome_of_twelve_hubs_keeps_its_extremes() -> None:
    table = real_table(real("rt_hrl_lmps_12hubs_2025-05_06.csv.gz"))
    window = day("2025-06-24")
    written = load(HOURLY, window, cut(table, window))
    assert (written.nodes, written.stored, written.flagged) == (12, 288, 0)
    assert LmpBlock.objects.filter(energy=None).count() == 12  # energy is the same at all hubs, to the digit
    frame = queries.prices(feed=HOURLY.name, nodes=np.unique(table["pnode_id"]).tolist(), span=window)
    assert frame.total.max() == cut(table, window)["total"].max()
    assert sorted(frame.total.tolist()) == sorted(cut(table, window)["total"].tolist())
