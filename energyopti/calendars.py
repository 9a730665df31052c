"""On-peak hours of the Eastern power markets.

On-peak: hours ending 0800 to 2300 Eastern prevailing time, Monday to Friday, NERC holidays left out (PJM's glossary,
"On-Peak Energy"; the hours are NAESB's). Holidays: NERC's list "Additional Off-peak Days", approved for 2010-2015 with its
method: New Year's Day, Memorial Day, Independence Day, Labor Day, Thanksgiving and Christmas; one that falls on a Sunday is
kept on the Monday behind it, one on a Saturday stays there. QuantLib's calendar UnitedStates::NERC counts the same.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from energyopti.intervals import Span

EASTERN = ZoneInfo("America/New_York")  # Eastern prevailing time
ON_PEAK = time(7), time(23)  # the first on-peak hour ends at 08:00, the last at 23:00
MONDAY, THURSDAY, SATURDAY, SUNDAY = 0, 3, 5, 6


@functools.cache
def nerc_holidays(year: int) -> frozenset[date]:
    """The six days of a year that are off-peak besides the weekends."""
    fixed = (date(year, month, day) for month, day in ((1, 1), (7, 4), (12, 25)))
    observed = (day + timedelta(days=day.weekday() == SUNDAY) for day in fixed)
    memorial = _weekday(date(year, 5, 25), MONDAY)  # the last Monday in May
    return frozenset([*observed, memorial, _weekday(date(year, 9, 1), MONDAY), _weekday(date(year, 11, 22), THURSDAY)])


def _weekday(first: date, weekday: int) -> date:
    """The first such weekday from `first` on."""
    return first + timedelta(days=(weekday - first.weekday()) % 7)


def has_peak(day: date) -> bool:
    """Whether a market day has on-peak hours at all."""
    return day.weekday() < SATURDAY and day not in nerc_holidays(day.year)


def on_peak(span: Span) -> Iterator[Span]:
    """The on-peak hours of every market day that `span` touches, in order: one span a day, not cut to `span`."""
    day, last = (edge.astimezone(EASTERN).date() for edge in (span.start, span.end))
    while day <= last:
        if has_peak(day):
            start, end = (datetime.combine(day, hour, tzinfo=EASTERN).astimezone(UTC) for hour in ON_PEAK)
            yield Span(start, end)
        day += timedelta(days=1)
