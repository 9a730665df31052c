"""Blocks read as one array are the blocks read one by one, and copied out they are what was copied in."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from energyopti.intervals import Span
from markets import arrays, queries
from markets.queries import Asked, sealed
from markets.queries.frames import ALL_COLUMNS, UNREAD
from markets.queries.prices import read
from markets.types import PriceFrame
from tests.markets.prices import DAY_AHEAD, HOUR, Clock, at_clock, day, flat, load
from tests.markets.random_store import DAYS, LOADS, QUESTION, SMALL, SPANS, Loaded, stored
from tests.markets.test_windows import same

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return at_clock(monkeypatch, DAYS[0].start)


def both_ways(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> tuple[PriceFrame, PriceFrame]:
    """Sorted by source too: with several, neither way promises their order within an instant."""
    found = []
    for many in (0, 1 << 60):
        monkeypatch.setattr(sealed, "MANY", many)
        frame = sealed.sealed(asked)
        found.append(frame.take(np.lexsort((frame.series, frame.interval_start, frame.node_id))))
    return found[0], found[1]


@SMALL
@given(LOADS, SPANS)
def test_in_bulk_as_one_by_one(clock: Clock, monkeypatch: pytest.MonkeyPatch, loads: list[Loaded], span: Span) -> None:
    with stored(loads, clock):
        series = tuple(queries.choose(**QUESTION))
        if series:
            bulk, slow = both_ways(Asked(series, [1, 2, 3, 4], span), monkeypatch)
            assert same(bulk, slow)
            assert [getattr(bulk, name).dtype for name in ("version", "run_id", "series")] == [
                getattr(slow, name).dtype for name in ("version", "run_id", "series")
            ]


@SMALL
@given(LOADS, SPANS, st.sets(st.sampled_from(sorted(UNREAD))), st.booleans())
def test_a_column_that_nobody_looks_at_changes_no_other(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, loads: list[Loaded], span: Span, unread: set[str], many: bool
) -> None:
    monkeypatch.setattr(sealed, "MANY", 0 if many else 1 << 60)
    monkeypatch.setattr(sys.modules["markets.queries.latest"], "FEW", 1 if many else 500)
    with stored(loads, clock):
        whole = Asked(tuple(queries.choose(**QUESTION)), [1, 2, 3, 4], span)
        seen = queries.stamp(whole)
        if seen.answered:
            there = replace(whole, series=seen.answered, live=seen.live)
            part = replace(there, columns=ALL_COLUMNS - unread)
            assert equal(read(part), read(whole), part.columns)
            assert equal(queries.read_latest(part), queries.read_latest(there), part.columns)


def equal(one: PriceFrame, other: PriceFrame, columns: frozenset[str]) -> bool:
    """In these columns, and as long."""
    real = ("total", "energy", "congestion", "loss")
    return len(one) == len(other) and all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=name in real) for name in columns
    )


@pytest.mark.parametrize("date", ["2024-03-10", "2024-06-03", "2024-11-03"])
def test_day_ahead_days_of_23_24_and_25_hours(clock: Clock, monkeypatch: pytest.MonkeyPatch, date: str) -> None:
    window = day(date)
    load(DAY_AHEAD, window, flat(DAY_AHEAD, window, 1, 30.0) + flat(DAY_AHEAD, window, 2, 31.0))
    series = tuple(queries.choose(market="day_ahead", resolution=HOUR))
    bulk, slow = both_ways(Asked(series, [1, 2], window), monkeypatch)
    assert same(bulk, slow)
    assert len(bulk) == 2 * window.slots(HOUR)


def test_rows_of_several_shapes_come_out_in_groups() -> None:
    types = {"key": "int8", "small": "int2", "prices": "float8[]"}
    query = (
        "SELECT key::int8, CASE WHEN mod(key, 3) > 0 THEN key::int2 END,"
        " CASE WHEN mod(key, 2) = 0 THEN ARRAY[key, 'NaN'::float8] ELSE ARRAY[key::float8] END"
        " FROM generate_series(1, %(last)s) key"
    )
    with arrays.cursor() as rows:
        groups = arrays.copy_out(rows, query, {"last": 12}, types)
        assert arrays.copy_out(rows, query, {"last": 0}, types) == []
    told = {}
    for group in groups:
        for place, key in enumerate(group["key"].tolist()):
            told[key] = group["small"][place] if "small" in group else None, group["prices"][place].tolist()[0], group["prices"].shape[1]
    assert told == {key: (key if key % 3 else None, float(key), 2 - key % 2) for key in range(1, 13)}
