from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from energyopti.calendars import has_peak, nerc_holidays, on_peak
from energyopti.intervals import Span

# 2010 as NERC's list of additional off-peak days has it, the others reckoned by hand from its method
DAYS = {
    2010: "01-01 05-31 07-05 09-06 11-25 12-25",
    2011: "01-01 05-30 07-04 09-05 11-24 12-26",
    2021: "01-01 05-31 07-05 09-06 11-25 12-25",
    2022: "01-01 05-30 07-04 09-05 11-24 12-26",
    2023: "01-02 05-29 07-04 09-04 11-23 12-25",
    2024: "01-01 05-27 07-04 09-02 11-28 12-25",
    2026: "01-01 05-25 07-04 09-07 11-26 12-25",
}


@pytest.mark.parametrize("year", DAYS)
def test_the_six_days_of_a_year(year: int) -> None:
    assert sorted(nerc_holidays(year)) == [date.fromisoformat(f"{year}-{day}") for day in DAYS[year].split()]


@pytest.mark.parametrize(
    ("day", "peak"),
    [
        ("2021-07-05", False),  # Monday behind a Sunday
        ("2021-07-02", True),
        ("2022-12-26", False),
        ("2023-01-02", False),
        ("2021-12-24", True),  # a Saturday's holiday stays on Saturday
        ("2021-12-25", False),
        ("2026-07-03", True),
        ("2024-11-29", True),  # the Friday behind Thanksgiving
        ("2024-06-08", False),
        ("2024-06-09", False),
    ],
)
def test_a_day_has_peak_hours_from_monday_to_friday_but_on_holidays(day: str, peak: bool) -> None:
    assert has_peak(date.fromisoformat(day)) is peak


def test_peak_hours_end_at_0800_to_2300_on_the_clock_of_summer_and_winter() -> None:
    week = Span(datetime(2024, 11, 1, 4, tzinfo=UTC), datetime(2024, 11, 5, 5, tzinfo=UTC))
    assert list(on_peak(week))[:2] == [
        Span(datetime(2024, 11, 1, 11, tzinfo=UTC), datetime(2024, 11, 2, 3, tzinfo=UTC)),
        Span(datetime(2024, 11, 4, 12, tzinfo=UTC), datetime(2024, 11, 5, 4, tzinfo=UTC)),
    ]
