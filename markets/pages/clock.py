"""Market-local labels: an hour that a clock shows twice says which of the two it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from energyopti.feeds.table import Array
from energyopti.intervals import Span
from markets.feeds.pjm import EASTERN

HOUR = timedelta(hours=1)


def slots(span: Span, step: timedelta) -> list[datetime]:
    """Every interval's start in `span`, market-local: 23, 24 or 25 hours a day."""
    return [(span.start + number * step).astimezone(EASTERN) for number in range(span.slots(step))]


def comes_twice(local: datetime) -> bool:
    """Whether the wall clock shows this time twice, as in the night of November when clocks go back."""
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def label(local: datetime) -> str:
    """'14:00', and in the repeated hour '01:00 EDT' or '01:00 EST'."""
    return f"{local:%H:%M %Z}" if comes_twice(local) else f"{local:%H:%M}"


def places(span: Span, step: timedelta, instants: Array) -> Array:
    """In which of the span's slots each of `instants` (datetime64) lies: int64."""
    start = np.datetime64(span.start.astimezone(UTC).replace(tzinfo=None), "s")
    found: Array = (instants.astype("datetime64[s]") - start).astype(np.int64) // int(step.total_seconds())
    return found
