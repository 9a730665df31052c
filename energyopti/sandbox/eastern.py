"""Eastern Prevailing Time for whole arrays of instants.

An instant is whole seconds since 1970 in UTC; a wall time is the same count as the clocks in the East show it; a day is a
whole number of wall days since 1970. Between 01:00 and 02:00 on the November day two instants share one wall time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
EASTERN = ZoneInfo("America/New_York")
DAY = 86_400
YEARS = range(1990, 2101)


def _offset(instant: datetime) -> int:
    offset = instant.astimezone(EASTERN).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _changes(year: int) -> list[tuple[int, int]]:
    """The instants of a year at which the clocks change, each with the offset that holds from then on."""
    days = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(366)]
    changes = []
    for day in days:
        if _offset(day) != _offset(day + timedelta(days=1)):
            hours = [day + timedelta(hours=hour) for hour in range(1, 25)]
            change = next(hour for hour in hours if _offset(hour) != _offset(day))
            changes.append((int(change.timestamp()), _offset(change)))
    return changes


@lru_cache(maxsize=1)
def _table() -> tuple[Ints, Ints]:
    changes = [change for year in YEARS for change in _changes(year)]
    instants, offsets = zip(*dict(changes).items(), strict=True)
    return np.array(instants, np.int64), np.array((_offset(datetime(YEARS[0], 1, 1, tzinfo=UTC)), *offsets), np.int64)


def wall(instants: Ints) -> Ints:
    """What the clocks in the East show at each instant."""
    changes, offsets = _table()
    return np.asarray(instants + offsets[np.searchsorted(changes, instants, side="right")], np.int64)


def day_of(instants: Ints) -> Ints:
    """The market day each instant lies in."""
    return np.asarray(wall(instants) // DAY, np.int64)


def day_start(days: Any) -> Ints:
    """The instant at which each market day begins.

    Clocks change at 06:00 and 07:00 UTC, after midnight in the East: 05:00 UTC has the offset that midnight had.
    """
    midnight = np.asarray(days, np.int64) * DAY
    shown = wall(midnight + 5 * 3600)
    return np.asarray(2 * midnight + 5 * 3600 - shown, np.int64)


def text(seconds: Ints) -> list[str]:
    """Zoneless ISO times, as the upstream writes both UTC and Eastern."""
    return np.datetime_as_string(np.asarray(seconds).astype("datetime64[s]"), unit="s").tolist()  # type: ignore[no-any-return]
