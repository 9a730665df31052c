"""Half-open UTC intervals and market-local days.

Everything inside is aware UTC; a market's own zone appears only where a day begins and ends.
A day in US/Eastern has 23 hours in March and 25 in November: never multiply days by 24.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from energyopti.errors import InvalidInput, NaiveTime, ReversedSpan


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """[start, end) in UTC. Raises NaiveTime, ReversedSpan."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for field in ("start", "end"):
            if getattr(self, field).tzinfo is None:
                raise NaiveTime(f"{field} has no offset from UTC", field=field)
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))
        if self.end <= self.start:
            raise ReversedSpan(f"end {self.end:%Y-%m-%dT%H:%MZ} is not after start {self.start:%Y-%m-%dT%H:%MZ}", field="end")

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%dT%H:%MZ}/{self.end:%Y-%m-%dT%H:%MZ}"

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def slots(self, step: timedelta) -> int:
        """How many intervals of `step` fit: 24 hours as a rule, 23 or 25 on the days when clocks change."""
        return int(self.length / step)


def local_midnight(day: date, zone: ZoneInfo) -> datetime:
    """The UTC instant at which the market's `day` begins."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def market_day(day: date, zone: ZoneInfo) -> Span:
    """The whole of one market-local day: 23, 24 or 25 hours."""
    return Span(local_midnight(day, zone), local_midnight(day + timedelta(days=1), zone))


def market_days(span: Span, zone: ZoneInfo) -> Iterator[Span]:
    """Every whole market-local day that `span` touches, in order."""
    day = span.start.astimezone(zone).date()
    while (window := market_day(day, zone)).start < span.end:
        yield window
        day += timedelta(days=1)


def parse_instant(text: str, *, field: str, zone: ZoneInfo | None = None) -> datetime:
    """An ISO-8601 date or time as aware UTC.

    A date, or a time without an offset, is read in `zone` when one is given; else it raises NaiveTime.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is not an ISO-8601 time", field=field) from None
    if instant.tzinfo is None:
        if zone is None:
            raise NaiveTime(f"{text!r} has no offset from UTC; write for example {instant.isoformat()}Z", field=field)
        instant = instant.replace(tzinfo=zone)
    return instant.astimezone(UTC)
