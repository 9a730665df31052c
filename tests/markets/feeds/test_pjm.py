"""What is declared, and how rows become columns."""

from datetime import date, timedelta

import numpy as np
import pytest

from energyopti.feeds.feed import Cut
from energyopti.intervals import market_day
from markets.types import NodeSeen

from .samples import DAY_AHEAD, FEEDS, FIVE_MINUTE, HOURLY, PNODE, UNVERIFIED, day_ahead, hourly, pnode, typed, unverified, utc


def test_the_feeds_carry_the_upstreams_own_short_names():
    assert {name: feed.path for name, feed in FEEDS.items()} == {
        "pjm.pnode": "pnode",
        "pjm.da_hrl_lmps": "da_hrl_lmps",
        "pjm.rt_hrl_lmps": "rt_hrl_lmps",
        "pjm.rt_fivemin_hrl_lmps": "rt_fivemin_hrl_lmps",
        "pjm.rt_unverified_fivemin_lmps": "rt_unverified_fivemin_lmps",
    }


def test_nothing_of_pjm_may_leave_the_house():
    assert not any(feed.licence.display or feed.licence.derive or feed.licence.export for feed in FEEDS.values())


def test_a_day_ahead_window_is_expected_at_half_past_one_of_the_day_before():
    window = market_day(date(2024, 7, 2), DAY_AHEAD.zone)
    assert window.end + DAY_AHEAD.lag == utc("2024-07-01T17:30")


def test_the_pnode_list_is_a_snapshot_and_not_cut_to_followed_nodes():
    assert (PNODE.cut, PNODE.nodes, PNODE.node_column) == (Cut.SNAPSHOT, None, "")


def test_unverified_prices_are_kept_fifteen_days_and_never_for_pnode_3():
    assert (UNVERIFIED.retention, UNVERIFIED.absent_nodes, UNVERIFIED.live) == (timedelta(days=15), frozenset({3}), True)


@pytest.mark.parametrize(("day", "hours"), [(date(2024, 3, 10), 23), (date(2024, 7, 1), 24), (date(2024, 11, 3), 25)])
def test_rows_to_expect_follow_the_clock(day, hours):
    window = market_day(day, HOURLY.zone)
    assert (HOURLY.per_node(window), FIVE_MINUTE.per_node(window)) == (hours, hours * 12)


def test_an_hourly_row_becomes_the_houses_columns():
    table = HOURLY.columns(typed(HOURLY, hourly()))
    assert {name: (str(column.dtype), column.tolist()) for name, column in table.columns.items() if name != "interval_start"} == {
        "pnode_id": ("int64", [900001]),
        "version": ("int16", [1]),
        "total": ("float64", [31.5]),
        "congestion": ("float64", [1.25]),
        "loss": ("float64", [0.25]),
        "energy": ("float64", [30.0]),
    }
    assert table["interval_start"] == np.array(["2024-07-01T04:00:00"], dtype="datetime64[s]")


def test_day_ahead_columns_have_the_same_names():
    assert list(DAY_AHEAD.columns(typed(DAY_AHEAD, day_ahead())).columns) == list(HOURLY.columns(typed(HOURLY, hourly())).columns)


def test_unverified_has_no_energy_and_no_version():
    assert list(UNVERIFIED.columns(typed(UNVERIFIED, unverified())).columns) == [
        "interval_start",
        "pnode_id",
        "total",
        "congestion",
        "loss",
    ]


@pytest.mark.parametrize("feed", FEEDS.values(), ids=lambda feed: feed.name)
def test_no_rows_are_an_empty_table_with_every_column(feed):
    table = feed.columns([])
    assert len(table) == 0
    assert set(feed.key) <= set(table.columns)


def test_a_price_that_was_not_sent_is_nan():
    table = HOURLY.columns(typed(HOURLY, hourly(congestion_price_rt=None)))
    assert np.isnan(table["congestion"]).tolist() == [True]
    assert table.rejects == ()


def test_fractions_of_a_second_are_read():
    table = HOURLY.columns(typed(HOURLY, hourly(datetime_beginning_utc="2024-07-01T04:00:00.0030000")))
    assert str(table["interval_start"][0]) == "2024-07-01T04:00:00"


def test_the_repeated_hour_in_november_is_two_hours():
    first = hourly(datetime_beginning_utc="2024-11-03T05:00:00", datetime_beginning_ept="2024-11-03T01:00:00")
    table = HOURLY.columns(typed(HOURLY, first, first | {"datetime_beginning_utc": "2024-11-03T06:00:00"}))
    assert [str(time) for time in table["interval_start"]] == ["2024-11-03T05:00:00", "2024-11-03T06:00:00"]


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"datetime_beginning_ept": "2024-07-01T01:00:00"}, "times-disagree", "datetime_beginning_ept"),
        (
            {"datetime_beginning_utc": "2024-07-01T04:30:00", "datetime_beginning_ept": "2024-07-01T00:30:00"},
            "off-grid",
            "datetime_beginning_utc",
        ),
        ({"datetime_beginning_utc": "1 July"}, "not-a-time", "datetime_beginning_utc"),
        ({"datetime_beginning_utc": "2024-07-01T04:00:00Z"}, "not-a-time", "datetime_beginning_utc"),
        ({"datetime_beginning_ept": ""}, "not-a-time", "datetime_beginning_ept"),
        ({"total_lmp_rt": float("inf")}, "not-finite", "total_lmp_rt"),
        ({"system_energy_price_rt": float("nan")}, "not-finite", "system_energy_price_rt"),
    ],
)
def test_a_row_that_does_not_fit_is_rejected_and_the_others_stand(changes, code, field):
    table = HOURLY.columns(typed(HOURLY, hourly(), hourly(pnode_id=900002) | changes, hourly(pnode_id=900003)))
    assert table["pnode_id"].tolist() == [900001, 900003]
    assert [(reject.row, reject.code, reject.field) for reject in table.rejects] == [(2, code, field)]
    assert set(table.entities) == {900001, 900003}


def test_a_time_that_disagrees_is_told_with_what_it_should_be():
    [reject] = HOURLY.columns(typed(HOURLY, hourly(datetime_beginning_ept="2024-07-01T01:00:00"))).rejects
    assert reject.reason == "2024-07-01T04:00:00 UTC is 2024-07-01T00:00:00 EPT, and the row says 2024-07-01T01:00:00"


def test_a_five_minute_row_may_begin_at_half_past():
    row = hourly(datetime_beginning_utc="2024-07-01T04:35:00", datetime_beginning_ept="2024-07-01T00:35:00")
    assert FIVE_MINUTE.columns(typed(FIVE_MINUTE, row)).rejects == ()


def test_nodes_are_described_as_they_first_stand():
    rows = typed(HOURLY, hourly(), hourly(pnode_name="LATER"), hourly(pnode_id=900002, zone=None, voltage=None, type="ZONE"))
    assert HOURLY.columns(rows).entities == {
        900001: NodeSeen("TEST  230 KV  T-1", "LOAD", "TESTZONE", "230 KV"),
        900002: NodeSeen("TEST  230 KV  T-1", "ZONE", "", ""),
    }


def test_an_unverified_row_says_nothing_of_zone_and_voltage():
    assert UNVERIFIED.columns(typed(UNVERIFIED, unverified())).entities == {900001: NodeSeen("TEST  230 KV  T-1", "LOAD", "", "")}


def test_a_pnode_keeps_its_blanks_and_its_dates_are_eastern_midnights():
    table = PNODE.columns(typed(PNODE, pnode()))
    assert {name: table[name].tolist() for name in ("pnode_id", "name", "type", "subtype", "zone", "voltage")} == {
        "pnode_id": [900001],
        "name": ["TEST  230 KV  T-1"],
        "type": ["BUS"],
        "subtype": ["LOAD"],
        "zone": [None],
        "voltage": ["230 KV"],
    }
    assert (str(table["effective_from"][0]), str(table["effective_to"][0])) == ("2020-07-01T04:00:00", "NaT")


def test_a_terminated_pnode_ends_at_an_eastern_midnight_in_winter():
    table = PNODE.columns(typed(PNODE, pnode(termination_date="2021-01-15T00:00:00")))
    assert str(table["effective_to"][0]) == "2021-01-15T05:00:00"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"effective_date": "soon"}, "not-a-time"),
        ({"termination_date": "2020-06-30T00:00:00"}, "reversed-span"),
        ({"effective_date": "9999-12-31T00:00:00"}, "reversed-span"),
    ],
)
def test_a_pnode_with_an_impossible_window_is_rejected(changes, code):
    table = PNODE.columns(typed(PNODE, pnode(), pnode(pnode_id=900002) | changes))
    assert (len(table), [(reject.row, reject.code) for reject in table.rejects]) == (1, [(2, code)])
