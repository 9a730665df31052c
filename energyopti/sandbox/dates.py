"""Date filters: `A to B` with both ends in it, one date, one moment, or one of the upstream's key words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from energyopti.sandbox.refusals import Refused, invalid, too_long

LONGEST = timedelta(days=366)
MOMENTS = ("%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m-%d-%Y %H:%M", "%m-%d-%Y %H:%M:%S")
DATES = ("%m/%d/%Y", "%m-%d-%Y")
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Range:
    """Wall times without a zone, both in it."""

    first: datetime
    last: datetime

    def instants(self, zone: tzinfo) -> tuple[datetime, datetime]:
        """The same in UTC; of an hour that comes twice the first begins the range and the second ends it."""
        return (
            self.first.replace(tzinfo=zone, fold=0).astimezone(UTC),
            self.last.replace(tzinfo=zone, fold=1).astimezone(UTC),
        )


def _moment(text: str) -> tuple[datetime, bool] | None:
    """A wall time, and whether it is a date alone."""
    try:
        return datetime.fromisoformat(text), len(text) == len("2024-01-01")
    except ValueError:
        pass
    for form in (*MOMENTS, *DATES):
        try:
            return datetime.strptime(text, form), form in DATES  # noqa: DTZ007 - wall time, as the upstream means it
        except ValueError:
            continue
    return None


def _month(moment: datetime, months: int) -> datetime:
    number = moment.year * 12 + moment.month - 1 + months
    return moment.replace(year=number // 12, month=number % 12 + 1, day=1)


def _key_word(word: str, now: datetime) -> Range | None:
    """`now` is the wall time in the filter's zone. A week begins on Sunday."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    hour = now.replace(minute=0, second=0, microsecond=0)
    week = today - (today.weekday() + 1) % 7 * DAY
    month, year = today.replace(day=1), today.replace(month=1, day=1)
    ago = {"15secondsago": timedelta(seconds=15), "5minutesago": timedelta(minutes=5)}
    months = {"1monthago": 1, "4monthsago": 4, "6monthsago": 6}
    periods = {
        "yesterday": (today - DAY, today), "today": (today, today + DAY), "tomorrow": (today + DAY, today + 2 * DAY),
        "lasthour": (hour - timedelta(hours=1), hour), "currenthour": (hour, hour + timedelta(hours=1)),
        "lastweek": (week - 7 * DAY, week), "currentweek": (week, week + 7 * DAY), "nextweek": (week + 7 * DAY, week + 14 * DAY),
        "lastmonth": (_month(month, -1), month), "currentmonth": (month, _month(month, 1)),
        "nextmonth": (_month(month, 1), _month(month, 2)),
        "lastyear": (_month(year, -12), year), "currentyear": (year, _month(year, 12)), "nextyear": (_month(year, 12), _month(year, 24)),
    }  # fmt: skip
    if word in ago:
        return Range(now - ago[word], now)
    if word in months:
        return Range(_month(today, -months[word]).replace(day=min(today.day, 28)), now)
    return Range(periods[word][0], periods[word][1] - SECOND) if word in periods else None


def _unreadable(field: str, text: str) -> Refused:
    return invalid("Filters", f"The value {text!r} is not a valid date range", field)


def parse(text: str, *, field: str, now: datetime) -> Range:
    """Raises Refused for what cannot be read and for more than 366 days."""
    if found := _key_word(text.strip().lower(), now):
        return found
    ends = [_moment(part.strip()) for part in re.split(r"to", text.strip(), flags=re.IGNORECASE)]
    if len(ends) > 2 or None in ends:
        raise _unreadable(field, text)
    (first, _), (last, is_date) = ends[0], ends[-1]  # type: ignore[misc]
    if len(ends) == 1 and is_date:
        last = first + (DAY - SECOND)
    if first.tzinfo or last.tzinfo or last < first:
        raise _unreadable(field, text)
    if last - first > LONGEST:
        raise too_long()
    return Range(first, last)
