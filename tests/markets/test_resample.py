"""Resampling and on-peak hours in arrays, against plain Python."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from energyopti.calendars import EASTERN, has_peak
from energyopti.intervals import market_day
from markets.queries.resample import Aggregate, Bucket, Peak, of_peak, resample
from markets.types import PriceFrame, SeriesSeen

SOURCES = {4: SeriesSeen(4, "good", False, "real_time", 5, "verified"), 2: SeriesSeen(2, "bad", False, "real_time", 5, "unverified")}
BEGINNINGS = [datetime(2024, 3, 9, 20, tzinfo=UTC), datetime(2024, 11, 2, 20, tzinfo=UTC), datetime(2024, 7, 3, 1, tzinfo=UTC)]
PRICE = st.one_of(st.just(math.nan), st.floats(-500, 5000).map(lambda value: round(value, 6)))
ROW = st.tuples(st.integers(1, 3), st.integers(0, 2 * 288), st.tuples(PRICE, PRICE, PRICE), st.sampled_from([2, 4]), st.integers(0, 3))


def frame(start: datetime, rows: list[tuple]) -> PriceFrame:
    kept = sorted({(node, slot): (node, slot, *rest) for node, slot, *rest in rows}.values())
    at = np.array([(start + slot * timedelta(minutes=5)).replace(tzinfo=None) for _, slot, *_ in kept], "datetime64[s]")
    return PriceFrame(
        node_id=np.array([row[0] for row in kept], np.int64),
        interval_start=at,
        total=np.array([float(row[1]) for row in kept]),
        energy=np.array([row[2][0] for row in kept], float),
        congestion=np.array([row[2][1] for row in kept], float),
        loss=np.array([row[2][2] for row in kept], float),
        version=np.array([row[4] for row in kept], np.int16),
        series=np.array([row[3] for row in kept], np.int16),
        run_id=np.arange(len(kept)),
        first_seen_at=at.astype("datetime64[us]") + np.timedelta64(7, "s"),
        sources=SOURCES,
        sandbox=False,
    )


def slow(found: PriceFrame, bucket: Bucket, aggregate: Aggregate) -> list[tuple]:
    groups = defaultdict(list)
    for place, (node, at) in enumerate(zip(found.node_id.tolist(), found.interval_start.tolist(), strict=True)):
        local = at.replace(tzinfo=UTC).astimezone(EASTERN)
        edge = at.replace(minute=0) if bucket is Bucket.HOUR else market_day(local.date(), EASTERN).start.replace(tzinfo=None)
        groups[node, edge].append(place)
    return [
        (*key, len(places), *(one(getattr(found, name)[places].tolist(), aggregate) for name in ("total", "energy", "congestion", "loss")))
        for key, places in sorted(groups.items())
    ]


def one(values: list[float], aggregate: Aggregate) -> float:
    there = [value for value in values if not math.isnan(value)]
    if not there:
        return math.nan
    return {"mean": lambda: math.fsum(there) / len(there), "min": lambda: min(there), "max": lambda: max(there)}[aggregate]()


@given(st.sampled_from(BEGINNINGS), st.lists(ROW, max_size=60), st.sampled_from(Bucket), st.sampled_from(Aggregate))
def test_a_bucket_is_what_plain_python_makes_of_it(start: datetime, rows: list, bucket: Bucket, aggregate: Aggregate) -> None:
    found = frame(start, rows)
    made, expected = resample(found, bucket, aggregate), slow(found, bucket, aggregate)
    assert [
        (*key, count) for *key, count in zip(made.node_id.tolist(), made.interval_start.tolist(), made.intervals.tolist(), strict=True)
    ] == [row[:3] for row in expected]
    for place, name in enumerate(("total", "energy", "congestion", "loss"), 3):
        assert getattr(made, name).tolist() == pytest.approx([row[place] for row in expected], rel=1e-12, abs=1e-9, nan_ok=True)
    assert made.intervals.sum() == len(found)


@given(st.sampled_from(BEGINNINGS), st.lists(ROW, max_size=40))
def test_every_row_is_on_peak_or_off_and_by_the_clock_of_the_market(start: datetime, rows: list) -> None:
    found = frame(start, rows)
    on, off = of_peak(found, Peak.ON), of_peak(found, Peak.OFF)
    local = [at.replace(tzinfo=UTC).astimezone(EASTERN) for at in found.interval_start.tolist()]
    expected = [has_peak(at.date()) and 7 <= at.hour < 23 for at in local]
    assert on.run_id.tolist() == [place for place, peak in enumerate(expected) if peak]
    assert len(on) + len(off) == len(found)


def test_a_bucket_says_the_highest_version_the_latest_sight_and_the_least_quality() -> None:
    start = datetime(2024, 6, 3, 4, tzinfo=UTC)
    rows = [(1, 0, (1.0, 1.0, 1.0), 4, 1), (1, 1, (1.0, 1.0, 1.0), 2, 0), (1, 12, (1.0, 1.0, 1.0), 4, 3)]
    made = resample(frame(start, rows), Bucket.HOUR, Aggregate.MEAN)
    assert (made.version.tolist(), made.quality.tolist(), made.intervals.tolist()) == ([1, 3], ["unverified", "verified"], [2, 1])
    assert made.first_seen_at[0] == np.datetime64("2024-06-03T04:05:07")


def test_the_days_of_clock_changes_end_at_local_midnight() -> None:
    start = datetime(2024, 11, 3, 4, tzinfo=UTC)
    made = resample(frame(start, [(1, slot, (1.0, 1.0, 1.0), 4, 1) for slot in range(25 * 12)]), Bucket.DAY, Aggregate.MEAN)
    assert (made.intervals.tolist(), made.interval_end.tolist()) == ([300], [datetime(2024, 11, 4, 5)])


def test_nothing_is_nothing() -> None:
    empty = frame(BEGINNINGS[0], [])
    assert len(resample(empty, Bucket.DAY, Aggregate.MAX)) == len(of_peak(empty, Peak.ON)) == len(of_peak(empty, Peak.OFF)) == 0
