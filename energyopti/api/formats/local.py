"""Instants as a market's clocks show them, in arrays."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from energyopti.feeds.table import Array


def offsets(instants: Array, zone: ZoneInfo) -> Array:
    """Minutes east of UTC at each instant (datetime64, none of them NaT): int64 (k,)."""
    if not len(instants):
        return np.empty(0, np.int64)
    quarters = instants.astype("datetime64[s]").astype(np.int64) // 900  # clocks change at quarters of an hour at most
    first, last = int(quarters.min()), int(quarters.max())
    marks, told = _steps(first, last, zone)
    return told[np.searchsorted(marks, quarters, side="right") - 1]


def _steps(first: int, last: int, zone: ZoneInfo) -> tuple[Array, Array]:
    """Where the offset changes between two quarter hours: the quarters from which on it holds, and the minutes."""
    marks, told = [first], [_minutes(first, zone)]
    at = first
    while at < last:
        then = min(at + 30 * 96, last)  # no zone changes twice within a month
        if (minutes := _minutes(then, zone)) != told[-1]:
            marks.append(_first_with(at, then, zone))
            told.append(minutes)
        at = then
    return np.array(marks), np.array(told)


def _first_with(low: int, high: int, zone: ZoneInfo) -> int:
    """The first quarter of (low, high] with the offset of `high`."""
    wanted = _minutes(high, zone)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _minutes(middle, zone) == wanted else (middle, high)
    return high


def _minutes(quarter: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(quarter * 900, UTC).astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds() // 60)
