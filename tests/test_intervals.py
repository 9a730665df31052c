"""Spans and market days, the days when clocks change above all."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energyopti.errors import InvalidInput, NaiveTime, ReversedSpan
from energyopti.intervals import Span, local_midnight, market_day, market_days, parse_instant

EASTERN = ZoneInfo("America/New_York")
HOUR, FIVE = timedelta(hours=1), timedelta(minutes=5)


@pytest.mark.parametrize(
    ("day", "hours", "start"),
    [
        (date(2024, 3, 9), 24, datetime(2024, 3, 9, 5, tzinfo=UTC)),
        (date(2024, 3, 10), 23, datetime(2024, 3, 10, 5, tzinfo=UTC)),
        (date(2024, 3, 11), 24, datetime(2024, 3, 11, 4, tzinfo=UTC)),
        (date(2024, 11, 3), 25, datetime(2024, 11, 3, 4, tzinfo=UTC)),
        (date(2024, 11, 4), 24, datetime(2024, 11, 4, 5, tzinfo=UTC)),
    ],
)
def test_a_market_day_has_as_many_hours_as_the_clock_says(day: date, hours: int, start: datetime) -> None:
    window = market_day(day, EASTERN)
    assert (window.start, window.slots(HOUR), window.slots(FIVE)) == (start, hours, hours * 12)


def test_a_year_of_days_fits_without_gap_or_overlap() -> None:
    days = list(market_days(Span(local_midnight(date(2024, 1, 1), EASTERN), local_midnight(date(2025, 1, 1), EASTERN)), EASTERN))
    assert (len(days), sum(day.slots(HOUR) for day in days)) == (366, 8784)
    assert all(before.end == after.start for before, after in itertools.pairwise(days))


@given(st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1)), st.timedeltas(timedelta(seconds=1), timedelta(days=20)))
def test_days_cover_the_span_and_every_one_touches_it(start: datetime, length: timedelta) -> None:
    span = Span(start.replace(tzinfo=UTC), (start + length).replace(tzinfo=UTC))
    days = list(market_days(span, EASTERN))
    assert days[0].start <= span.start < days[0].end
    assert days[-1].start < span.end <= days[-1].end


def test_the_end_is_not_inside() -> None:
    span = Span(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC))
    assert span.start in span
    assert span.end not in span


def test_a_span_is_kept_in_utc() -> None:
    span = Span(datetime(2024, 7, 1, tzinfo=EASTERN), datetime(2024, 7, 2, tzinfo=EASTERN))
    assert str(span) == "2024-07-01T04:00Z/2024-07-02T04:00Z"


def test_a_naive_time_is_refused_by_field() -> None:
    with pytest.raises(NaiveTime) as refusal:
        Span(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2))
    assert refusal.value.field == "end"


def test_a_reversed_span_is_refused() -> None:
    with pytest.raises(ReversedSpan, match="end 2024-01-01T00:00Z is not after start 2024-01-02T00:00Z"):
        Span(datetime(2024, 1, 2, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "zone", "instant"),
    [
        ("2024-07-01T00:00Z", None, datetime(2024, 7, 1, tzinfo=UTC)),
        ("2024-07-01T00:00-04:00", None, datetime(2024, 7, 1, 4, tzinfo=UTC)),
        ("2024-07-01", EASTERN, datetime(2024, 7, 1, 4, tzinfo=UTC)),
        ("2024-01-01T12:00", EASTERN, datetime(2024, 1, 1, 17, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_with_its_offset_or_in_the_zone(text: str, zone: ZoneInfo | None, instant: datetime) -> None:
    assert parse_instant(text, field="start", zone=zone) == instant


@pytest.mark.parametrize(("text", "error"), [("2024-07-01T00:00", NaiveTime), ("7/1/2024", InvalidInput), ("", InvalidInput)])
def test_what_cannot_be_understood_is_refused_by_field(text: str, error: type[InvalidInput]) -> None:
    with pytest.raises(error) as refusal:
        parse_instant(text, field="start")
    assert refusal.value.field == "start"
