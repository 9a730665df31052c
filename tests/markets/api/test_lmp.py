"""/pjm/lmp: what a program reads, and what it is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from rest_framework.test import APIClient

from energyopti.api.cursor import encode
from energyopti.intervals import Span
from tests.markets.api.asking import LATEST, LMP, answer, hourly, node, problem, queries_sent, rows, window
from tests.markets.prices import DAY_AHEAD, FIVE, FIVE_MINUTES, HOUR, HOURLY, LIVE, at_clock, day, flat, load

pytestmark = pytest.mark.django_db
DAY, NEXT = day("2024-06-03"), day("2024-06-04")
START = datetime(2010, 6, 1, 4, tzinfo=UTC)


def test_a_row_says_where_its_price_comes_from(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    at_clock(monkeypatch, datetime(2024, 6, 4, 16, tzinfo=UTC))
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0))
    body = answer(api, LMP, hourly(DAY, nodes="1", limit=1, tz="market"))
    assert body["results"] == [
        {
            "node_id": 1,
            "node_name": "NODE  1",
            "market_type": "real_time",
            "resolution": "1h",
            "interval_start": "2024-06-03T04:00:00Z",
            "interval_start_local": "2024-06-03T00:00:00-04:00",
            "interval_end": "2024-06-03T05:00:00Z",
            "lmp_usd_per_mwh": 30.0,
            "energy_usd_per_mwh": 20.0,
            "congestion_usd_per_mwh": 9.0,
            "loss_usd_per_mwh": 1.0,
            "quality": "verified",
            "version": 1,
            "first_seen_at": "2024-06-04T16:01:00Z",
        }
    ]
    assert body["meta"] == {
        "source": "PJM Data Miner 2: test.rt_hrl",
        "licence": None,
        "sandbox": False,
        "freshness": "2024-06-04T16:01:00Z",
        "complete": True,
        "expected": 24,
        "stored": 24,
        "missing": 0,
    }


def test_a_source_without_energy_and_versions_says_null(api: APIClient) -> None:
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0))
    (row,) = answer(api, LMP, window(DAY, nodes="1", limit=1))["results"]
    assert (row["energy_usd_per_mwh"], row["version"], row["quality"], row["resolution"]) == (None, None, "unverified", "5min")


def test_columns_hold_the_same_as_rows(api: APIClient) -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0) + flat(HOURLY, DAY, 2, 60.0))
    listed = answer(api, LMP, hourly(DAY))["results"]
    columns = answer(api, LMP, hourly(DAY, layout="columns"))["columns"]
    assert [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)] == listed
    assert len(listed) == 48


@pytest.mark.parametrize("path", [LMP, LATEST])
def test_a_field_says_the_same_alone(api: APIClient, path: str) -> None:
    for window_ in (DAY, NEXT):
        load(FIVE, window_, flat(FIVE, window_, 1, 30.0, version=2))
        load(LIVE, window_, flat(LIVE, window_, 2, 31.0))
    question = window(Span(DAY.start, NEXT.end), nodes="1,2", limit=10_000) if path == LMP else {}
    whole = answer(api, path, question)
    assert len(whole["results"]) == (4 * 288 if path == LMP else 2)
    for field in whole["results"][0]:
        alone = answer(api, path, {**question, "fields": field})
        assert alone["results"] == [{field: row[field]} for row in whole["results"]]
        assert alone["meta"] == whole["meta"]


def test_without_nodes_every_node_with_prices_answers(api: APIClient) -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 7, 30.0) + flat(HOURLY, DAY, 3, 60.0))
    load(HOURLY, NEXT, flat(HOURLY, NEXT, 9, 30.0))
    found = rows(api, LMP, hourly(DAY, limit=5))
    assert [row["node_id"] for row in found] == [3] * 24 + [7] * 24


def test_the_name_is_the_one_in_force_when_the_window_ends(api: APIClient) -> None:
    node(1, "OLD NAME", start=START, end=NEXT.start)
    node(1, "NEW NAME", start=NEXT.start)
    for span in (DAY, NEXT):
        load(HOURLY, span, flat(HOURLY, span, 1, 30.0))
    names = [{row["node_name"] for row in rows(api, LMP, hourly(span, nodes="1"))} for span in (DAY, NEXT, Span(DAY.start, NEXT.end))]
    assert names == [{"OLD NAME"}, {"NEW NAME"}, {"NEW NAME"}]


def test_the_best_quality_answers_interval_by_interval(api: APIClient) -> None:
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0))
    load(FIVE, DAY, flat(FIVE, DAY, 1, 40.0, slots=range(2)))
    found = answer(api, LMP, window(Span(DAY.start, DAY.start + 3 * FIVE_MINUTES), nodes="1"))
    assert [(row["lmp_usd_per_mwh"], row["quality"]) for row in found["results"]] == [
        (40.0, "verified"),
        (41.0, "verified"),
        (32.0, "unverified"),
    ]
    assert found["meta"]["source"] == "PJM Data Miner 2: test.rt_fivemin, test.rt_unverified"
    only = rows(api, LMP, window(Span(DAY.start, DAY.start + FIVE_MINUTES), nodes="1", quality="unverified"))
    assert [row["lmp_usd_per_mwh"] for row in only] == [30.0]


def test_as_of_answers_what_was_known_then(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = at_clock(monkeypatch, datetime(2024, 6, 4, 16, tzinfo=UTC))
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0, slots=range(20)))
    before = clock.now + timedelta(seconds=30)
    clock.now += timedelta(days=4)
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 90.0, version=2))
    then, now = (answer(api, LMP, hourly(DAY, nodes="1", **more)) for more in ({"as_of": before.isoformat()}, {}))
    assert [row["lmp_usd_per_mwh"] for row in then["results"]] == [30.0 + slot for slot in range(20)]
    assert (then["meta"]["missing"], then["meta"]["freshness"]) == (4, "2024-06-04T16:01:00Z")
    assert [row["version"] for row in now["results"]] == [2] * 24
    assert (now["meta"]["complete"], now["meta"]["freshness"]) == (True, "2024-06-08T16:02:00Z")


@pytest.mark.parametrize(("name", "hours"), [("2024-03-10", 23), ("2024-11-03", 25)])
def test_days_when_clocks_change_have_their_hours(api: APIClient, name: str, hours: int) -> None:
    span = day(name)
    load(HOURLY, span, flat(HOURLY, span, 1, 30.0))
    body = answer(api, LMP, hourly(span, nodes="1", tz="market", resample="1d"))
    (row,) = body["results"]
    assert (row["intervals"], row["resolution"], body["meta"]["expected"]) == (hours, "1d", hours)
    assert row["interval_start_local"][:19] == f"{name}T00:00:00"
    assert row["interval_end"] == f"{span.end:%Y-%m-%dT%H:%M:%SZ}"
    local = [row["interval_start_local"] for row in rows(api, LMP, hourly(span, nodes="1", tz="market"))]
    assert len(set(local)) == hours


def test_resampled_rows_are_cut_to_pages_without_splitting_a_bucket(api: APIClient) -> None:
    for span in (DAY, NEXT):
        load(FIVE, span, flat(FIVE, span, 1, 30.0) + flat(FIVE, span, 2, 60.0))
    asked = window(Span(DAY.start, NEXT.end), resample="1h", agg="max")
    paged, whole = rows(api, LMP, asked | {"limit": 7}), rows(api, LMP, asked)
    assert paged == whole
    assert [row["lmp_usd_per_mwh"] for row in whole[:3]] == [41.0, 53.0, 65.0]
    assert {row["intervals"] for row in whole} == {12}
    days = rows(api, LMP, window(Span(DAY.start + HOUR, NEXT.end), resample="1d", limit=1, nodes="1,2"))
    assert [(row["node_id"], row["intervals"]) for row in days] == [(1, 276), (1, 288), (2, 276), (2, 288)]


def test_peak_hours_are_nercs(api: APIClient) -> None:
    friday = day("2024-07-05")
    for span in (day("2024-07-04"), friday):
        load(HOURLY, span, flat(HOURLY, span, 1, 30.0))
    both = Span(day("2024-07-04").start, friday.end)
    on = rows(api, LMP, hourly(both, nodes="1", peak="on", tz="market"))
    assert [row["interval_start_local"][:13] for row in on] == [f"2024-07-05T{hour:02}" for hour in range(7, 23)]
    assert len(rows(api, LMP, hourly(both, nodes="1", peak="off", limit=5))) == 32


def test_sandbox_prices_never_stand_beside_real_ones(api: APIClient) -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0), sandbox=True, run=1)
    body = answer(api, LMP, hourly(DAY))
    assert (body["meta"]["sandbox"], len(body["results"])) == (True, 24)
    load(HOURLY, NEXT, flat(HOURLY, NEXT, 1, 30.0), run=2)
    body = answer(api, LMP, hourly(Span(DAY.start, NEXT.end)))
    assert (body["meta"]["sandbox"], [row["interval_start"] for row in body["results"]][:1]) == (False, ["2024-06-04T04:00:00Z"])
    assert len(body["results"]) == 24


def test_no_prices_is_an_empty_answer_that_says_so(api: APIClient) -> None:
    node(1, "A", start=START)
    body = answer(api, LMP, hourly(DAY, nodes="1"))
    assert (body["results"], body["next"], body["meta"]["complete"], body["meta"]["source"]) == ([], None, None, "PJM Data Miner 2")
    load(HOURLY, NEXT, flat(HOURLY, NEXT, 1, 30.0))
    body = answer(api, LMP, hourly(DAY, nodes="1"))
    assert (body["results"], body["meta"]["complete"], body["meta"]["missing"]) == ([], False, 24)


def test_the_answer_is_kept_as_long_as_the_settings_say_and_no_longer_than_it_stands(api: APIClient, settings) -> None:
    settings.PJM_CACHE_DURATION = 77
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0))
    first = api.get(LMP, hourly(DAY, nodes="1"))
    assert "max-age=77" in first["Cache-Control"]
    assert api.get(LMP, hourly(DAY, nodes="1"), headers={"If-None-Match": first["ETag"]}).status_code == 304
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 31.0, version=2))
    again = api.get(LMP, hourly(DAY, nodes="1"), headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again["ETag"] == first["ETag"]) == (200, False)


# --- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"start_time": "2024-06-03T00:00:00"}, "naive-time", "no offset"),
        ({"end_time": DAY.start.isoformat()}, "reversed-span", "not after start_time"),
        ({"nodes": "NOWHERE,1,999"}, "unknown-node", "no node is called NOWHERE, 999"),
        ({"market_type": "day_ahead", "resolution": "5min"}, "invalid-input", "day-ahead market has hours"),
        ({"nodes": "", "end_time": (DAY.start + timedelta(days=40)).isoformat()}, "too-large", "at most 32 while no nodes are named"),
        ({"start_time": "1991-01-01T00:00:00Z"}, "too-large", "at most 10980"),
        ({"resample": "2h"}, "invalid-input", "1h, 1d"),
        ({"cursor": "bm9uc2Vuc2U"}, "bad-cursor", "cursor"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_name(api: APIClient, change: dict[str, str], code: str, says: str) -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0))
    asked = {name: value for name, value in (hourly(DAY, nodes="1") | change).items() if value}
    status, found, detail = problem(api, LMP, asked)
    assert (status, found) == (400, code)
    assert says in detail


@pytest.mark.parametrize("instant", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC)])
@pytest.mark.parametrize("node_id", [-(1 << 62), 1, (1 << 63) - 1])
@pytest.mark.parametrize("more", [{}, {"resample": "1d"}, {"nodes": "1"}])
def test_a_cursor_from_anywhere_goes_on_from_there(api: APIClient, instant: datetime, node_id: int, more: dict[str, str]) -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0))
    whole = answer(api, LMP, hourly(DAY, **more))["results"]
    found = answer(api, LMP, hourly(DAY, cursor=encode((node_id, instant)), **more))["results"]
    assert found == (whole if (node_id, instant.year) < (1, 2024) else [])


def test_a_stranger_is_told_nothing(db) -> None:
    assert APIClient().get(LMP, hourly(DAY)).status_code == 401


# --- queries ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("nodes", ["1", "1,2", ""])
def test_a_window_takes_few_queries_however_much_it_holds(api: APIClient, nodes: str) -> None:
    for number in range(1, 4):
        span = day(f"2024-06-{number:02}")
        load(DAY_AHEAD, span, flat(DAY_AHEAD, span, 1, 30.0) + flat(DAY_AHEAD, span, 2, 30.0))
    asked = hourly(Span(day("2024-06-01").start, day("2024-06-03").end), market_type="day_ahead", **({"nodes": nodes} if nodes else {}))
    with queries_sent() as sent:
        assert len(answer(api, LMP, asked)["results"]) == (72 if nodes == "1" else 144)
    # series, nodes, stamp (which counts no live row: none is looked for), names, blocks; while no nodes are named:
    # completeness, the node list's stamp, which nodes there are, and whether there are more
    assert len(sent) == (5 if nodes else 8), sent
