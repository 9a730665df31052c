"""Pages are complete and repeat nothing, whatever lands between them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from energyopti.intervals import Span
from tests.markets.api.asking import LMP, REVISIONS, answer, rows, window
from tests.markets.prices import Clock, at_clock
from tests.markets.random_store import DAYS, LOADS, SMALL, SPANS, Loaded, put, stored

pytestmark = pytest.mark.django_db
KEYS = {LMP: ("node_id", "interval_start"), REVISIONS: ("node_id", "interval_start", "quality", "revision")}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return at_clock(monkeypatch, DAYS[0].start)


def keys(path: str, found: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in KEYS[path]) for row in found]


@SMALL
@given(LOADS.filter(bool), LOADS, SPANS, st.sampled_from([LMP, REVISIONS]), st.sampled_from([37, 288, 1000]), st.sampled_from(["", "1,3"]))
def test_what_stood_at_the_first_page_comes_once_though_prices_land_meanwhile(
    clock: Clock, api: APIClient, before: list[Loaded], landing: list[Loaded], span: Span, path: str, limit: int, nodes: str
) -> None:
    asked = window(span, limit=limit, fields=",".join(KEYS[path]), **({"nodes": nodes} if nodes else {}))
    known = {node for one in before for node in one.nodes}
    if nodes and not {1, 3} <= known:
        asked.pop("nodes")
    with stored(before, clock):
        there = keys(path, rows(api, path, asked | {"limit": 10_000}))
        body = answer(api, path, asked)
        found = body["results"]
        waiting = iter(landing)
        while body["next"]:
            if one := next(waiting, None):
                put(one, clock)
            body = api.get(body["next"]).json()
            assert len(body["results"]) <= limit
            found += body["results"]
    paged = keys(path, found)
    assert len(set(paged)) == len(paged)
    assert set(there) <= set(paged)
    assert [key[:2] for key in paged] == sorted(key[:2] for key in paged)


@SMALL
@given(LOADS.filter(bool), SPANS, st.sampled_from(["1h", "1d"]), st.sampled_from([1, 5, 24]))
def test_pages_of_resampled_rows_are_the_whole_cut(
    clock: Clock, api: APIClient, loads: list[Loaded], span: Span, resample: str, limit: int
) -> None:
    asked = window(span, resample=resample, fields="node_id,interval_start,interval_end,lmp_usd_per_mwh,intervals")
    with stored(loads, clock):
        whole = answer(api, LMP, asked | {"limit": 10_000})["results"]
        assert rows(api, LMP, asked | {"limit": limit}) == whole
        single = answer(api, LMP, window(span, limit=10_000, fields="node_id"))["results"]
    assert sum(row["intervals"] for row in whole) == len(single)
