"""Revisions, latest prices, the most congested nodes and the node list over the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from rest_framework.test import APIClient

from energyopti.intervals import Span
from tests.markets.api.asking import LATEST, NODES, REVISIONS, TOP, answer, hourly, node, problem, queries_sent, rows, window
from tests.markets.prices import DAY_AHEAD, FIVE, FIVE_MINUTES, HOUR, HOURLY, LIVE, at_clock, day, flat, load

pytestmark = pytest.mark.django_db
DAY, NEXT = day("2024-06-03"), day("2024-06-04")
START, END = datetime(2010, 6, 1, 4, tzinfo=UTC), datetime(2020, 6, 1, 4, tzinfo=UTC)


# --- revisions -------------------------------------------------------------------------------------


def test_every_version_comes_the_oldest_first_and_says_whether_it_stood(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    at_clock(monkeypatch, datetime(2024, 6, 4, 16, tzinfo=UTC))
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0, version=2))
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 20.0, version=1, slots=[0]))
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 40.0, version=3, slots=[0]))
    asked = hourly(Span(DAY.start, DAY.start + 2 * HOUR), nodes="1")
    fields = ("lmp_usd_per_mwh", "version", "stood", "revision", "first_seen_at")
    found = [tuple(row[name] for name in fields) for row in rows(api, REVISIONS, asked)]
    assert found == [
        (30.0, 2, True, 0, "2024-06-04T16:01:00Z"),
        (20.0, 1, False, 1, "2024-06-04T16:02:00Z"),
        (40.0, 3, True, 2, "2024-06-04T16:03:00Z"),
        (31.0, 2, True, 0, "2024-06-04T16:01:00Z"),
    ]
    assert rows(api, REVISIONS, asked | {"limit": 1}) == rows(api, REVISIONS, asked)


def test_a_lower_version_changes_the_stamp_of_the_revisions(api: APIClient) -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0, version=2))
    first = api.get(REVISIONS, hourly(DAY, nodes="1"))["ETag"]
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 20.0, version=1, slots=[0]))
    again = api.get(REVISIONS, hourly(DAY, nodes="1"), headers={"If-None-Match": first})
    assert (again.status_code, len(again.json()["results"])) == (200, 25)


def test_revisions_know_no_as_of(api: APIClient) -> None:
    status, code, says = problem(api, REVISIONS, hourly(DAY, as_of="2024-06-04T00:00:00Z"))
    assert (status, code) == (400, "unknown-parameter")
    assert "as_of" in says


# --- latest ----------------------------------------------------------------------------------------


def test_latest_is_one_row_a_node_of_the_newest_interval(api: APIClient) -> None:
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0))
    load(FIVE, DAY, flat(FIVE, DAY, 1, 40.0) + flat(FIVE, DAY, 2, 50.0))
    load(LIVE, NEXT, flat(LIVE, NEXT, 1, 70.0, slots=range(3)), now=NEXT.start + HOUR)
    found = {row["node_id"]: (row["lmp_usd_per_mwh"], row["quality"], row["interval_start"]) for row in rows(api, LATEST, {"limit": 1})}
    assert found == {
        1: (72.0, "unverified", f"{NEXT.start + 2 * FIVE_MINUTES:%Y-%m-%dT%H:%M:%SZ}"),
        2: (337.0, "verified", f"{DAY.end - FIVE_MINUTES:%Y-%m-%dT%H:%M:%SZ}"),
    }
    assert [row["node_id"] for row in rows(api, LATEST, {"nodes": "2"})] == [2]
    with queries_sent() as sent:
        answer(api, LATEST, {})
    assert len(sent) == 6, sent  # series, names, newest instants; live rows and blocks of each series that has some


def test_latest_changes_its_stamp_with_a_correction(api: APIClient) -> None:
    load(LIVE, NEXT, flat(LIVE, NEXT, 1, 70.0, slots=range(3)), now=NEXT.start + HOUR)
    first = api.get(LATEST)["ETag"]
    assert api.get(LATEST, headers={"If-None-Match": first}).status_code == 304
    load(LIVE, NEXT, flat(LIVE, NEXT, 1, 71.0, slots=[2]), now=NEXT.start + HOUR)
    again = api.get(LATEST, headers={"If-None-Match": first})
    assert [row["lmp_usd_per_mwh"] for row in again.json()["results"]] == [73.0]


def test_latest_without_any_price_is_empty(api: APIClient) -> None:
    assert answer(api, LATEST, {})["results"] == []


# --- the most congested ------------------------------------------------------------------------------


def test_the_most_congested_are_ranked_by_size_up_or_down(api: APIClient) -> None:
    node(3, "HUB THREE", "HUB", start=START, zone="PECO")
    for number, value in ((1, 30.0), (2, -90.0), (3, 60.0)):
        load(DAY_AHEAD, DAY, flat(DAY_AHEAD, DAY, number, value, slots=range(20 + number)))
    body = answer(api, TOP, {"date": "2024-06-03", "limit": 2})
    assert [(row["rank"], row["node_id"], row["congestion_usd_per_mwh"], row["missing"]) for row in body["results"]] == [
        (1, 2, -90.0 - 21 + 10.5, 2),
        (2, 3, 60.0 - 21 + 11.0, 1),
    ]
    fields = ("node_name", "node_type", "zone", "intervals", "lmp_usd_per_mwh")
    assert [body["results"][1][name] for name in fields] == ["HUB THREE", "HUB", "PECO", 23, 71.0]
    assert (body["meta"]["complete"], body["meta"]["missing"], body["meta"]["nodes"]) == (False, 6, 3)
    assert [row["node_id"] for row in rows(api, TOP, {"date": "2024-06-03", "limit": 1})] == [2, 3, 1]


def test_each_node_is_ranked_by_its_best_source_and_the_running_day_counts(api: APIClient) -> None:
    load(LIVE, DAY, flat(LIVE, DAY, 1, 500.0) + flat(LIVE, DAY, 2, 50.0))
    load(FIVE, DAY, flat(FIVE, DAY, 1, 30.0))
    found = rows(api, TOP, {"date": "2024-06-03", "market_type": "real_time"})
    assert [(row["node_id"], row["congestion_usd_per_mwh"]) for row in found] == [(2, 29.0 + 143.5), (1, 9.0 + 143.5)]
    load(LIVE, NEXT, flat(LIVE, NEXT, 4, 21.0, slots=range(4)), now=NEXT.start + HOUR)
    load(LIVE, NEXT, flat(LIVE, NEXT, 4, 31.0, slots=[3]), now=NEXT.start + HOUR)
    (row,) = rows(api, TOP, {"date": "2024-06-04", "market_type": "real_time"})
    assert (row["congestion_usd_per_mwh"], row["intervals"], row["missing"]) == ((0 + 1 + 2 + 13) / 4, 4, 284)


def test_a_day_without_prices_has_no_ranking(api: APIClient) -> None:
    body = answer(api, TOP, {"date": "2024-06-03"})
    assert (body["results"], body["meta"]["complete"]) == ([], None)
    assert problem(api, TOP, {})[:2] == (400, "missing-parameter")
    assert problem(api, TOP, {"date": "2024-06-03", "limit": "1001"})[0] == 400


# --- nodes -----------------------------------------------------------------------------------------


@pytest.fixture
def some() -> None:
    node(1, "PJM-RTO", "ZONE", start=START)
    node(51288, "WESTERN  HUB", "HUB", start=START)
    node(7, "A  13 KV   T1", start=START, end=END, zone="PECO")
    node(7, "A  13 KV   T2", start=END, zone="PECO")
    node(9, "51288", start=START)
    node(2, "SANDBOX HUB", "HUB", start=START, sandbox=True)


def test_nodes_come_by_id_and_window_page_by_page(api: APIClient, some: None) -> None:
    found = rows(api, NODES, {"limit": 1})
    assert [(row["node_id"], row["node_name"]) for row in found] == [
        (1, "PJM-RTO"),
        (7, "A  13 KV   T1"),
        (7, "A  13 KV   T2"),
        (9, "51288"),
        (51288, "WESTERN  HUB"),
    ]
    assert found[1] == {
        "node_id": 7,
        "node_name": "A  13 KV   T1",
        "node_type": "LOAD",
        "zone": "PECO",
        "voltage": "",
        "effective_from": "2010-06-01T04:00:00Z",
        "effective_to": "2020-06-01T04:00:00Z",
    }


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "western hub"}, [51288]),
        ({"q": "51288"}, [9, 51288]),
        ({"q": "kv t2"}, [7]),
        ({"type": "zone"}, [1]),
        ({"zone": "peco"}, [7, 7]),
        ({"zone": "peco", "active_on": "2024-06-03"}, [7]),
        ({"q": "100%"}, []),
    ],
)
def test_nodes_are_found_by_name_type_zone_and_day(api: APIClient, some: None, asked: dict[str, str], found: list[int]) -> None:
    with queries_sent() as sent:
        body = answer(api, NODES, asked)
    assert [row["node_id"] for row in body["results"]] == found
    assert len(sent) <= 5, sent
    assert (body["meta"]["sandbox"], body["meta"]["source"]) == (False, "PJM Data Miner 2: pjm.pnode")


def test_a_name_of_digits_is_a_name_where_no_id_is_so(api: APIClient, some: None) -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 51288, 30.0) + flat(HOURLY, DAY, 9, 30.0))
    node(12, "77777", start=START)
    load(HOURLY, DAY, flat(HOURLY, DAY, 12, 30.0))
    path = "/api/v1/pjm/lmp"
    assert {row["node_id"] for row in rows(api, path, hourly(DAY, nodes="51288"))} == {51288}
    assert {row["node_id"] for row in rows(api, path, hourly(DAY, nodes="77777"))} == {12}


def test_the_sandboxs_nodes_answer_while_no_real_one_is_known(api: APIClient) -> None:
    node(2, "SANDBOX HUB", "HUB", start=START, sandbox=True)
    body = answer(api, NODES, {})
    assert ([row["node_id"] for row in body["results"]], body["meta"]["sandbox"]) == ([2], True)
    node(3, "HUB", "HUB", start=START)
    body = answer(api, NODES, {})
    assert ([row["node_id"] for row in body["results"]], body["meta"]["sandbox"]) == ([3], False)


def test_a_changed_node_list_is_another_answer(api: APIClient, some: None) -> None:
    first = api.get(NODES)["ETag"]
    assert api.get(NODES, headers={"If-None-Match": first}).status_code == 304
    node(99, "NEW", start=START)
    assert api.get(NODES, headers={"If-None-Match": first}).status_code == 200


@pytest.mark.parametrize("path", [LATEST, TOP, NODES, REVISIONS])
def test_strangers_are_told_nothing(db, path: str) -> None:
    assert APIClient().get(path, window(Span(DAY.start, DAY.start + timedelta(hours=1)))).status_code == 401
