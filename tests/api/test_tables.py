"""Tables through the API: layouts, fields, pages, the market's clock, conditional requests, problems."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.tables import HOURS, Rows

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.tables")]
PATH = "/api/v1/probe/table"


def rows(program: Client, **query: Any) -> list[dict[str, Any]]:
    return program.get(PATH, {"limit": 10_000, **query}).json()["results"]


def test_rows_hold_every_value(program: Client) -> None:
    first, second = rows(program, nodes=1)[:2]
    assert first == {
        "node_id": 0,
        "node_name": 'COMMA, "QUOTE"',
        "interval_start": "2024-03-10T00:00:00Z",
        "market_day": "2024-03-10",
        "price": None,
        "version": None,
        "seen_at": first["seen_at"],
        "peak": first["peak"],
        "note": None,
    }
    assert (second["version"], second["note"]) == (1, "0;1")


def test_numbers_keep_their_digits(program: Client) -> None:
    text = program.get(PATH, {"nodes": 1, "fields": "price"}).content
    assert b'{"price":0.00001},{"price":-0.0},{"price":1e+16}' in text.replace(b"10000000000000000.0", b"1e+16")


def test_columns_tell_what_rows_tell(program: Client) -> None:
    told = rows(program, nodes=4, tz="market")
    columns = program.get(PATH, {"nodes": 4, "layout": "columns", "limit": 100_000, "tz": "market"}).json()["columns"]
    assert [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)] == told


def test_the_envelope_tells_where_it_comes_from(program: Client) -> None:
    body = program.get(PATH, {"nodes": 1, "limit": 100}).json()
    assert body["next"] is None
    assert body["meta"] == {
        "source": "tests",
        "licence": "none",
        "sandbox": True,
        "freshness": "2024-03-10T00:00:00Z",
        "complete": False,
        "expected": 30,
    }


def test_nothing_found_is_an_empty_list(program: Client) -> None:
    assert rows(program, nodes=0) == []
    columns = program.get(PATH, {"nodes": 0, "layout": "columns", "fields": "price,note"}).json()
    assert (columns["columns"], columns["next"]) == ({"price": [], "note": []}, None)


def test_fields_come_in_the_order_asked_for(program: Client) -> None:
    assert list(rows(program, fields="price,node_id")[0]) == ["price", "node_id"]


def test_the_markets_clock_goes_forward(program: Client) -> None:
    local = [row["interval_start_local"] for row in rows(program, nodes=1, tz="market")]
    assert local[:2] == ["2024-03-09T19:00:00-05:00", "2024-03-09T20:00:00-05:00"]
    assert local[6:8] == ["2024-03-10T01:00:00-05:00", "2024-03-10T03:00:00-04:00"]


@given(nodes=st.integers(0, 6), limit=st.integers(1, 70), layout=st.sampled_from(["rows", "columns"]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_are_complete_and_repeat_nothing(program: Client, nodes: int, limit: int, layout: str) -> None:
    seen: list[tuple[int, str]] = []
    query: dict[str, Any] = {"nodes": nodes, "limit": limit, "layout": layout, "fields": "node_id,interval_start,note"}
    address = PATH
    while address:
        body = program.get(address, query).json()
        page = body["columns"] if layout == "columns" else None
        keys = (
            zip(page["node_id"], page["interval_start"], strict=True)
            if page
            else ((r["node_id"], r["interval_start"]) for r in body["results"])
        )
        keys = list(keys)
        assert len(keys) <= limit
        seen += keys
        address, query = body["next"], {}
    everything = [(row["node_id"], row["interval_start"]) for row in rows(program, nodes=nodes)]
    assert seen == everything
    assert len(everything) == nodes * HOURS


def test_the_cursor_needs_no_key_among_the_fields(program: Client) -> None:
    first = program.get(PATH, {"nodes": 1, "limit": 7, "fields": "note"}).json()
    assert program.get(first["next"]).json()["results"][0] == {"note": "0;7" if 7 % 5 else None}


def test_an_answer_is_conditional(program: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    first = program.get(PATH, {"nodes": 1})
    assert first["Cache-Control"] == "private, max-age=300"
    assert {"Accept", "Authorization", "Cookie"} <= {name.strip() for name in first["Vary"].split(",")}
    again = program.get(PATH, {"nodes": 1}, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    for other in ({"nodes": 1, "format": "csv"}, {"nodes": 1, "fields": "price"}, {"nodes": 2}):
        assert program.get(PATH, other, headers={"If-None-Match": first["ETag"]}).status_code == 200
    monkeypatch.setattr(Rows, "stamped", "2")
    assert program.get(PATH, {"nodes": 1}, headers={"If-None-Match": first["ETag"]}).status_code == 200


@pytest.mark.parametrize(
    ("query", "field", "code", "words"),
    [
        ({"node": 1}, "node", "unknown-parameter", "known are nodes, stops, since, day, limit"),
        ({"since": "2024-03-10T00:00:00"}, "since", "naive-time", "has no offset"),
        ({"since": "yesterday"}, "since", "invalid-input", "not an ISO-8601 time"),
        ({"since": "0001-01-01T00:00:00+14:00"}, "since", "invalid-input", "between 1990 and 2199"),
        ({"day": "2024-02-30"}, "day", "invalid-input", "write a day"),
        ({"limit": 0}, "limit", "invalid-input", "whole number between 1 and"),
        ({"limit": "1e3"}, "limit", "invalid-input", "whole number"),
        ({"limit": 10_001}, "limit", "invalid-input", "at most 10000 with layout=rows"),
        ({"fields": "prise"}, "fields", "invalid-input", "no field is called prise"),
        ({"layout": "table"}, "layout", "invalid-input", "one of rows, columns"),
        ({"cursor": "bm8"}, "cursor", "bad-cursor", "not one that this endpoint gave"),
        ({"cursor": "\x00"}, "cursor", "invalid-input", "zero byte"),
        ({"format": "xml"}, "format", "invalid-input", "json, csv, parquet, arrow"),
    ],
)
def test_a_bad_parameter_is_named(program: Client, query: dict[str, Any], field: str, code: str, words: str) -> None:
    answer = program.get(PATH, query)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["code"]) == (f"?{field}", code)
    assert words in fault["detail"]


def test_all_faults_are_told_at_once(program: Client) -> None:
    answer = program.get(PATH, {"limit": "x", "day": "x", "unheard": "of"}).json()
    assert [fault["pointer"] for fault in answer["errors"]] == ["?unheard", "?day", "?limit"]


def test_a_parameter_that_stands_twice_is_refused(program: Client) -> None:
    assert program.get(f"{PATH}?nodes=1&nodes=2").json()["errors"][0]["pointer"] == "?nodes"


def test_a_plus_sign_that_was_not_escaped_is_understood(program: Client) -> None:
    assert program.get(f"{PATH}?nodes=1&since=2024-03-10T00:00:00+01:00").status_code == 200


@pytest.mark.parametrize(
    ("accept", "status", "kind"),
    [
        ("*/*", 200, "application/json"),
        ("application/json", 200, "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 200, "application/json"),
        ("text/csv;q=0.1, application/json", 200, "application/json"),
        ("image/png", 406, "application/problem+json"),
        ("text/csv;q=0", 406, "application/problem+json"),
    ],
)
def test_accept_is_minded(program: Client, accept: str, status: int, kind: str) -> None:
    answer = program.get(PATH, {"nodes": 1}, headers={"Accept": accept})
    assert (answer.status_code, answer["Content-Type"]) == (status, kind)


def test_the_next_page_keeps_the_question(program: Client) -> None:
    following = program.get(PATH, {"nodes": 1, "limit": 3, "layout": "columns"}).json()["next"]
    query = parse_qs(urlsplit(following).query)
    assert (query["nodes"], query["limit"], query["layout"]) == (["1"], ["3"], ["columns"])


def test_head_has_the_headers_alone(program: Client) -> None:
    for form in ("json", "csv"):
        answer = program.head(PATH, {"nodes": 1, "format": form})
        assert (answer.status_code, answer.content, bool(answer["ETag"])) == (200, b"", True)


def test_a_stranger_learns_nothing(client: Client) -> None:
    assert client.get(PATH, {"unheard": "of"}).status_code == 401
