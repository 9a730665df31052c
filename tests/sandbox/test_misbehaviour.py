"""Every misbehaviour as a raw client sees it, and that it is over when it is used up."""

from __future__ import annotations

import gzip
import json
import time
from http.client import HTTPConnection, IncompleteRead
from typing import Any

import pytest
import requests

from energyopti.sandbox.misbehaviour import KINDS
from energyopti.sandbox.server import Sandbox
from tests.sandbox.asking import body, by_key, get, items

DAY = {"pnode_id": "1;51288", "datetime_beginning_ept": "2026-11-20"}
FEED = "rt_hrl_lmps"
ROWS = 48


def _page(sandbox: Sandbox, start: int = 1, count: int = 20) -> dict[str, Any]:
    return body(sandbox, FEED, startRow=start, rowCount=count, sort="datetime_beginning_ept", **DAY)


def _raw(sandbox: Sandbox, *, accept: str = "gzip") -> tuple[dict[str, str], bytes]:
    connection = HTTPConnection("127.0.0.1", sandbox.server_address[1], timeout=20)
    connection.request("GET", "/api/v1/pnode?startRow=1&rowCount=500", headers={"Accept-Encoding": accept})
    answer = connection.getresponse()
    return dict(answer.getheaders()), answer.read()


@pytest.mark.parametrize("retry_after", [None, 7])
def test_rate_limited(sandbox: Sandbox, retry_after: int | None) -> None:
    sandbox.misbehave("rate_limited", retry_after=retry_after)
    answer = get(sandbox, "pnode")
    assert (answer.status_code, answer.headers.get("Retry-After")) == (429, retry_after and str(retry_after))
    assert get(sandbox, "pnode").status_code == 200


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_error(sandbox: Sandbox, status: int) -> None:
    sandbox.misbehave("server_error", status=status, times=2)
    assert [get(sandbox, "pnode").status_code for _ in range(3)] == [status, status, 200]


def test_hang(sandbox: Sandbox) -> None:
    sandbox.misbehave("hang", seconds=30)
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{sandbox.url}/api/v1/pnode", timeout=0.3)
    assert get(sandbox, "pnode").status_code == 200


def test_a_short_hang_ends_with_the_answer(sandbox: Sandbox) -> None:
    sandbox.misbehave("hang", seconds=0.2)
    begun = time.monotonic()
    assert get(sandbox, "pnode").status_code == 200
    assert time.monotonic() - begun >= 0.2


def test_cut(sandbox: Sandbox) -> None:
    sandbox.misbehave("cut")
    with pytest.raises(IncompleteRead):
        _raw(sandbox)


def test_truncated_has_the_right_length_and_half_the_json(sandbox: Sandbox) -> None:
    whole = _raw(sandbox, accept="identity")[1]
    sandbox.misbehave("truncated")
    headers, content = _raw(sandbox, accept="identity")
    assert headers["Content-Length"] == str(len(content)) == str(len(whole) // 2)
    with pytest.raises(json.JSONDecodeError):
        json.loads(content)


def test_wrong_total(sandbox: Sandbox) -> None:
    sandbox.misbehave("wrong_total", by=3)
    page = body(sandbox, FEED, **DAY)
    assert (len(page["items"]), page["totalRows"]) == (ROWS, ROWS + 3)


def test_doubled_rows_keep_the_count(sandbox: Sandbox) -> None:
    sandbox.misbehave("doubled_rows", by=2)
    page = _page(sandbox)
    assert page["items"][-2:] == page["items"][:2]
    assert (len(page["items"]), page["totalRows"]) == (20, ROWS)


def test_unordered_rows_are_the_same_rows(sandbox: Sandbox) -> None:
    right = _page(sandbox)["items"]
    sandbox.misbehave("unordered_rows")
    shuffled = _page(sandbox)["items"]
    assert shuffled != right
    assert by_key(shuffled) == by_key(right)


def test_renamed_column(sandbox: Sandbox) -> None:
    sandbox.misbehave("renamed_column", column="total_lmp_rt", name="total_lmp")
    row = _page(sandbox)["items"][0]
    assert "total_lmp" in row
    assert "total_lmp_rt" not in row


def test_extra_column(sandbox: Sandbox) -> None:
    right = _page(sandbox)["items"]
    sandbox.misbehave("extra_column", name="reactive_price")
    assert _page(sandbox)["items"] == [row | {"reactive_price": 1} for row in right]


def test_missing_column(sandbox: Sandbox) -> None:
    sandbox.misbehave("missing_column", column="congestion_price_rt")
    assert "congestion_price_rt" not in _page(sandbox)["items"][0]


@pytest.mark.parametrize(("kind", "total"), [("mixed_snapshot", ROWS + 2), ("shifted_rows", ROWS)])
def test_page_2_of_another_snapshot(sandbox: Sandbox, kind: str, total: int) -> None:
    sandbox.misbehave(kind, feed=FEED, page=2, by=2)
    pages = [_page(sandbox, start) for start in (1, 21, 41)]
    assert [page["totalRows"] for page in pages] == [ROWS, total, ROWS]
    assert pages[1]["items"][:2] == pages[0]["items"][-2:]
    assert sum(len(page["items"]) for page in pages) == ROWS


def test_error_in_200(sandbox: Sandbox) -> None:
    sandbox.misbehave("error_in_200")
    sandbox.misbehave("error_in_200", text="Please wait 30 minutes")
    answers = [get(sandbox, "pnode") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert "errors" in answers[0].json()
    assert answers[1].text == "Please wait 30 minutes"


def test_html_in_200(sandbox: Sandbox) -> None:
    sandbox.misbehave("html_in_200")
    answer = get(sandbox, "pnode")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("status", [0, 403])
def test_echo_key(sandbox: Sandbox, status: int) -> None:
    sandbox.misbehave("echo_key", status=status)
    answer = requests.get(f"{sandbox.url}/api/v1/pnode", headers={"Ocp-Apim-Subscription-Key": "s3cret"}, timeout=20)
    assert answer.status_code == (status or 200)
    assert "s3cret" in answer.text
    assert answer.headers["Ocp-Apim-Subscription-Key"] == "s3cret"


def test_slow_drip(sandbox: Sandbox) -> None:
    right = get(sandbox, "pnode").content
    sandbox.misbehave("slow_drip", seconds=0.4)
    begun = time.monotonic()
    assert get(sandbox, "pnode").content == right
    assert time.monotonic() - begun >= 0.4


def test_gzip_undeclared(sandbox: Sandbox) -> None:
    sandbox.misbehave("gzip_undeclared")
    headers, content = _raw(sandbox, accept="identity")
    assert "Content-Encoding" not in headers
    assert json.loads(gzip.decompress(content))["totalRows"] == 201


def test_gzip_untrue(sandbox: Sandbox) -> None:
    sandbox.misbehave("gzip_untrue")
    headers, content = _raw(sandbox)
    assert headers["Content-Encoding"] == "gzip"
    assert json.loads(content)["totalRows"] == 201


def test_identity(sandbox: Sandbox) -> None:
    sandbox.misbehave("identity")
    headers, content = _raw(sandbox)
    assert "Content-Encoding" not in headers
    assert json.loads(content)["totalRows"] == 201


# --- when ------------------------------------------------------------------------------------------


def test_a_fault_waits_for_its_feed_and_page(sandbox: Sandbox) -> None:
    sandbox.misbehave("server_error", feed=FEED, page=3)
    assert get(sandbox, "pnode").status_code == 200
    paging = [{"startRow": start, "rowCount": 20, **DAY} for start in (1, 21, 41)]
    assert [get(sandbox, FEED, **page).status_code for page in paging] == [200, 200, 500]


def test_rows_misbehave_but_metadata_do_only_by_name(sandbox: Sandbox) -> None:
    sandbox.misbehave("server_error", times=9)
    assert get(sandbox, f"{FEED}/metadata").status_code == 200
    sandbox.behave()
    sandbox.misbehave("server_error", feed=f"{FEED}/metadata")
    assert get(sandbox, f"{FEED}/metadata").status_code == 500


def test_faults_are_told_over_http(sandbox: Sandbox) -> None:
    told = [{"kind": "server_error", "status": 502}, {"kind": "rate_limited", "retry_after": 1}]
    assert requests.post(f"{sandbox.url}/_misbehave", json=told, timeout=20).json() == {"waiting": 2}
    assert [get(sandbox, "pnode").status_code for _ in range(3)] == [502, 429, 200]


def test_faults_are_forgotten_over_http(sandbox: Sandbox) -> None:
    sandbox.misbehave("server_error")
    requests.delete(f"{sandbox.url}/_misbehave", timeout=20)
    assert get(sandbox, "pnode").status_code == 200


@pytest.mark.parametrize("told", [{"kind": "sulk"}, {"kind": "cut", "mood": 1}, {"kind": "cut", "times": "often"}, {}, 7, [7]])
def test_what_it_cannot_do_it_says(sandbox: Sandbox, told: object) -> None:
    answer = requests.post(f"{sandbox.url}/_misbehave", json=told, timeout=20)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_misbehaving_answers_are_marked_too(sandbox: Sandbox) -> None:
    for kind in sorted(KINDS.keys() - {"cut", "hang", "recorded_error", "gzip_untrue", "slow_drip"}):
        sandbox.misbehave(kind)
        assert get(sandbox, "pnode").headers["X-EnergyOpti-Sandbox"] == "true"


def test_after_all_of_it_the_rows_are_right(sandbox: Sandbox) -> None:
    right = items(sandbox, FEED, **DAY)
    for kind in ("doubled_rows", "shifted_rows", "renamed_column"):
        sandbox.misbehave(kind)
        body(sandbox, FEED, **DAY)
    assert items(sandbox, FEED, **DAY) == right
