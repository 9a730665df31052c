"""Recorded answers come out as they went in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from energyopti.sandbox.server import Sandbox, serve
from tests.sandbox.asking import get

ROW = {"datetime_beginning_utc": "2024-02-20T05:00:00", "pnode_id": 1, "total_lmp_da": 17.9}
LATER = {**ROW, "datetime_beginning_utc": "2025-02-20T05:00:00"}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Sandbox]:
    """A folder of our own: two envelopes of one feed, a bare array, recorded headers and errors."""
    contents = {
        "da_hrl_lmps_a.json": {"links": [], "items": [ROW], "searchSpecification": {}, "totalRows": 1},
        "da_hrl_lmps_b.json": {"links": [], "items": [LATER], "searchSpecification": {}, "totalRows": 1},
        "load_frcstd_7_day_c.json": [{"forecast_load_mw": 1}, {"forecast_load_mw": 2}],
        "error_bodies_d.json": [{"http_status": 400, "body": {"errors": [{"field": "Order"}]}}],
        "recorded_http_headers.json": {"da_hrl_lmps_a.json": {"response_headers": {"Cache-Control": "max-age=7", "Date": "then"}}},
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(json.dumps(content, indent=1))
    with serve(folder=tmp_path) as server:
        yield server


def test_every_recorded_answer_is_served_byte_for_byte(recorded: Path) -> None:
    files = sorted(recorded.glob("*.json"))
    assert len(files) == 13
    with serve(folder=recorded) as server:
        for file in files:
            feed = next(name for name in _feeds(file.stem) if get(server, name).content == file.read_bytes())
            assert file.name.startswith(f"{feed}_")


def _feeds(stem: str) -> list[str]:
    """Every beginning of a file's name that could be a feed's."""
    parts = stem.split("_")
    return ["_".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)]


@pytest.mark.parametrize(("year", "row"), [(2024, ROW), (2025, LATER)])
@pytest.mark.parametrize("zone", ["utc", "ept"])
def test_of_several_files_the_dates_choose(small: Sandbox, year: int, row: dict[str, object], zone: str) -> None:
    dates = {f"datetime_beginning_{zone}": f"{year}-02-20T00:00to{year}-02-20T23:00"}
    assert get(small, "da_hrl_lmps", startRow=1, rowCount=5, **dates).json()["items"] == [row]


def test_without_dates_the_first_file_answers(small: Sandbox) -> None:
    assert get(small, "da_hrl_lmps").json()["items"] == [ROW]


def test_recorded_headers_are_sent(small: Sandbox) -> None:
    headers = get(small, "da_hrl_lmps").headers
    assert headers["Cache-Control"] == "max-age=7"
    assert headers["Date"] != "then"
    assert headers["X-EnergyOpti-Sandbox"] == "true"


def test_behind_the_file_a_page_is_empty(small: Sandbox) -> None:
    page = get(small, "da_hrl_lmps", startRow=2, rowCount=5).json()
    assert (page["items"], page["totalRows"]) == ([], 1)
    answer = get(small, "load_frcstd_7_day", startRow=3, rowCount=5)
    assert (answer.json(), answer.headers["X-TotalRows"]) == ([], "2")


def test_a_bare_array_has_its_count_in_a_header(small: Sandbox) -> None:
    answer = get(small, "load_frcstd_7_day", download="true")
    assert (len(answer.json()), answer.headers["X-TotalRows"]) == (2, "2")


def test_a_feed_without_a_file_is_404(small: Sandbox) -> None:
    assert get(small, "rt_hrl_lmps").status_code == 404
    assert get(small, "rt_hrl_lmps/metadata").json()["archiveCutoffDays"] == 731


def test_recorded_errors_are_answered_when_told(small: Sandbox) -> None:
    small.misbehave("recorded_error", feed="da_hrl_lmps", case=0)
    answer = get(small, "da_hrl_lmps")
    assert (answer.status_code, answer.json()) == (400, {"errors": [{"field": "Order"}]})


def test_a_recorded_answer_can_be_spoilt_on_its_way(small: Sandbox) -> None:
    whole = get(small, "da_hrl_lmps").content
    small.misbehave("truncated")
    assert get(small, "da_hrl_lmps").content == whole[: len(whole) // 2]
