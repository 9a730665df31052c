"""Prices of longer intervals out of shorter ones, and the hours of the on-peak block. Pure functions on arrays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum

import numpy as np

from energyopti.calendars import EASTERN, on_peak
from energyopti.feeds.table import Array
from energyopti.intervals import Span, market_days
from markets.types import PriceFrame, ResampledFrame

HOUR = np.timedelta64(3600, "s")


class Bucket(StrEnum):
    HOUR = "1h"
    DAY = "1d"  # the market's: 23, 24 or 25 hours


class Aggregate(StrEnum):
    MEAN = "mean"
    MIN = "min"
    MAX = "max"


class Peak(StrEnum):
    ON = "on"
    OFF = "off"


def of_peak(frame: PriceFrame, peak: Peak) -> PriceFrame:
    """The rows that begin in on-peak hours, or in the others."""
    if not len(frame):
        return frame
    spans = list(on_peak(_span(frame)))
    starts, ends = (
        np.array([_naive(edge) for edge in edges], "datetime64[s]") for edges in ([s.start for s in spans], [s.end for s in spans])
    )
    within = np.searchsorted(starts, frame.interval_start, side="right") > np.searchsorted(ends, frame.interval_start, side="right")
    return frame.take(within if peak is Peak.ON else ~within)


def resample(frame: PriceFrame, bucket: Bucket, aggregate: Aggregate) -> ResampledFrame:
    """One row a node and bucket that has a price, by node and time; `frame` is by node and time.

    Minimum and maximum are taken for each component on its own: they need not add up. A component that the source did not
    send is left out of its aggregate, NaN where it never came. `version` and `first_seen_at` are the highest and the
    latest of the intervals, `series` the one of the least quality among them.
    """
    edges = _edges(frame, bucket)
    place = np.searchsorted(edges, frame.interval_start, side="right") - 1
    new = np.ones(len(frame), bool)
    new[1:] = (frame.node_id[1:] != frame.node_id[:-1]) | (place[1:] != place[:-1])
    first = np.flatnonzero(new)
    return ResampledFrame(
        node_id=frame.node_id[first],
        interval_start=edges[place[first]],
        interval_end=edges[place[first] + 1],
        intervals=np.diff(np.append(first, len(frame))),
        **{name: _aggregate(getattr(frame, name), first, aggregate) for name in ("total", "energy", "congestion", "loss")},
        version=_reduce(np.maximum, frame.version, first),
        first_seen_at=_reduce(np.maximum, frame.first_seen_at, first),
        run_id=_reduce(np.maximum, frame.run_id, first),
        series=_worst(frame, first),
        sources=frame.sources,
        sandbox=frame.sandbox,
    )


def _edges(frame: PriceFrame, bucket: Bucket) -> Array:
    """Where the buckets around the rows begin, and where the last ends."""
    if not len(frame):
        return np.empty(0, "datetime64[s]")
    if bucket is Bucket.HOUR:  # Eastern time is whole hours from UTC
        low, high = (edge.astype("datetime64[h]") for edge in (frame.interval_start.min(), frame.interval_start.max()))
        return np.arange(low, high + 2).astype("datetime64[s]")
    days = list(market_days(_span(frame), EASTERN))
    return np.array([*(_naive(day.start) for day in days), _naive(days[-1].end)], "datetime64[s]")


def _aggregate(values: Array, first: Array, aggregate: Aggregate) -> Array:
    if aggregate is Aggregate.MIN:
        return _reduce(np.fmin, values, first)
    if aggregate is Aggregate.MAX:
        return _reduce(np.fmax, values, first)
    there = ~np.isnan(values)
    counts = _reduce(np.add, there.astype(np.int64), first)
    sums = _reduce(np.add, np.where(there, values, 0.0), first)
    means: Array = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
    return means


def _reduce(function: np.ufunc, values: Array, first: Array) -> Array:
    reduced: Array = function.reduceat(values, first) if len(first) else values[:0]
    return reduced


def _worst(frame: PriceFrame, first: Array) -> Array:
    """`sources` come the best first."""
    keys = np.array(list(frame.sources), np.int16)
    order = np.zeros(int(keys.max(initial=0)) + 1, np.int16)
    order[keys] = np.arange(len(keys))
    return keys[_reduce(np.maximum, order[frame.series], first)]


def _span(frame: PriceFrame) -> Span:
    low, high = (edge.item().replace(tzinfo=UTC) for edge in (frame.interval_start.min(), frame.interval_start.max()))
    return Span(low, high + timedelta(seconds=1))


def _naive(instant: datetime) -> datetime:
    return instant.replace(tzinfo=None)
