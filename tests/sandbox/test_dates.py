"""Date filters: forms, key words, inclusive ends, the longest span, and the days when clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from energyopti.sandbox.dates import parse
from energyopti.sandbox.refusals import Refused
from energyopti.sandbox.server import Sandbox
from tests.sandbox.asking import error, items

WALL = datetime(2026, 11, 23, 15, 7, 30)
FORMS = [
    "11/05/2026 00:00to11/05/2026 23:00",
    "11/5/2026 00:00 to 11/5/2026 23:00",
    "11-5-2026 00:00 to 11-5-2026 23:00",
    "2026-11-05T00:00to2026-11-05T23:00",
    "2026-11-05T00:00:00to2026-11-05T23:00:00",
    "2026-11-05 00:00:00to2026-11-05 23:00:00",
    "2026-11-05",
    "11/5/2026",
]
KEY_WORDS = {
    "Today": ("2026-11-23T00:00:00", "2026-11-23T23:59:59"),
    "Yesterday": ("2026-11-22T00:00:00", "2026-11-22T23:59:59"),
    "Tomorrow": ("2026-11-24T00:00:00", "2026-11-24T23:59:59"),
    "CurrentHour": ("2026-11-23T15:00:00", "2026-11-23T15:59:59"),
    "LastHour": ("2026-11-23T14:00:00", "2026-11-23T14:59:59"),
    "CurrentWeek": ("2026-11-22T00:00:00", "2026-11-28T23:59:59"),
    "LastWeek": ("2026-11-15T00:00:00", "2026-11-21T23:59:59"),
    "NextWeek": ("2026-11-29T00:00:00", "2026-12-05T23:59:59"),
    "CurrentMonth": ("2026-11-01T00:00:00", "2026-11-30T23:59:59"),
    "LastMonth": ("2026-10-01T00:00:00", "2026-10-31T23:59:59"),
    "NextMonth": ("2026-12-01T00:00:00", "2026-12-31T23:59:59"),
    "CurrentYear": ("2026-01-01T00:00:00", "2026-12-31T23:59:59"),
    "LastYear": ("2025-01-01T00:00:00", "2025-12-31T23:59:59"),
    "NextYear": ("2027-01-01T00:00:00", "2027-12-31T23:59:59"),
    "15SecondsAgo": ("2026-11-23T15:07:15", "2026-11-23T15:07:30"),
    "5MinutesAgo": ("2026-11-23T15:02:30", "2026-11-23T15:07:30"),
    "1MonthAgo": ("2026-10-23T00:00:00", "2026-11-23T15:07:30"),
    "4MonthsAgo": ("2026-07-23T00:00:00", "2026-11-23T15:07:30"),
    "6MonthsAgo": ("2026-05-23T00:00:00", "2026-11-23T15:07:30"),
}


@pytest.mark.parametrize("text", FORMS)
def test_every_form_of_a_day_gives_its_24_hours(sandbox: Sandbox, text: str) -> None:
    assert len(items(sandbox, "rt_hrl_lmps", pnode_id=1, row_is_current="TRUE", datetime_beginning_ept=text)) == 24


@pytest.mark.parametrize("word", KEY_WORDS)
def test_key_words(word: str) -> None:
    found = parse(word, field="datetime_beginning_ept", now=WALL)
    assert (found.first.isoformat(), found.last.isoformat()) == KEY_WORDS[word]


def test_yesterday_is_the_easts_yesterday(sandbox: Sandbox) -> None:
    sandbox.clock = lambda: datetime(2026, 11, 23, 3, 0, tzinfo=UTC)  # 22 November, 22:00 in the East
    days = {row["datetime_beginning_ept"][:10] for row in items(sandbox, "rt_hrl_lmps", pnode_id=1, datetime_beginning_ept="Yesterday")}
    assert days == {"2026-11-21"}


def test_both_ends_are_in_the_range(sandbox: Sandbox) -> None:
    found = items(sandbox, "rt_hrl_lmps", pnode_id=1, datetime_beginning_utc="2026-11-05T06:00to2026-11-05T08:00")
    hours = sorted(row["datetime_beginning_utc"] for row in found)
    assert hours == ["2026-11-05T06:00:00", "2026-11-05T07:00:00", "2026-11-05T08:00:00"]


def test_a_day_asked_to_the_next_midnight_has_one_row_more(sandbox: Sandbox) -> None:
    found = items(sandbox, "rt_hrl_lmps", pnode_id=1, datetime_beginning_ept="11/5/2026 00:00 to 11/6/2026 00:00")
    assert len(found) == 25


@pytest.mark.parametrize(("days", "refused"), [(366, False), (367, True)])
def test_the_longest_range_is_366_days(days: int, refused: bool) -> None:
    text = f"2025-01-01T00:00to{(datetime(2025, 1, 1) + timedelta(days=days)).isoformat()}"
    if refused:
        with pytest.raises(Refused) as caught:
            parse(text, field="datetime_beginning_utc", now=WALL)
        assert caught.value.body["errors"][0]["message"] == "Error: Date range cannot exceed 366 days"
    else:
        assert parse(text, field="datetime_beginning_utc", now=WALL).last.year == 2026


@pytest.mark.parametrize("text", ["soon", "2026-11-05Tto", "13/13/2026", "2026-11-06 to 2026-11-05", "12/31/9999"])
def test_what_is_no_range_is_refused(sandbox: Sandbox, text: str) -> None:
    assert error(sandbox, "rt_hrl_lmps", datetime_beginning_ept=text)["detail"] == ["datetime_beginning_ept"]


@pytest.mark.parametrize(
    ("feed", "day", "rows"),
    [
        ("rt_hrl_lmps", "2026-03-08", 23),
        ("rt_hrl_lmps", "2026-11-01", 25),
        ("da_hrl_lmps", "2026-03-08", 23),
        ("da_hrl_lmps", "2026-11-01", 25),
        ("rt_fivemin_hrl_lmps", "2026-11-01", 300),
        ("rt_fivemin_hrl_lmps", "2026-10-31", 288),
    ],
)
def test_days_are_as_long_as_the_clocks_make_them(sandbox: Sandbox, feed: str, day: str, rows: int) -> None:
    found = items(sandbox, feed, pnode_id=1, row_is_current="TRUE", datetime_beginning_ept=day)
    assert len(found) == rows
    assert len({row["datetime_beginning_utc"] for row in found}) == rows


def test_the_short_day_has_276_five_minute_intervals(sandbox: Sandbox) -> None:
    sandbox.clock = lambda: datetime(2026, 4, 1, tzinfo=UTC)
    found = items(sandbox, "rt_fivemin_hrl_lmps", pnode_id=1, row_is_current="TRUE", datetime_beginning_ept="2026-03-08")
    assert len(found) == 276
    assert not [row for row in found if row["datetime_beginning_ept"].startswith("2026-03-08T02")]


def test_the_hour_that_comes_twice_comes_twice(sandbox: Sandbox) -> None:
    found = items(sandbox, "rt_hrl_lmps", pnode_id=1, row_is_current="TRUE", datetime_beginning_ept="11/01/2026 01:00to11/01/2026 01:00")
    assert {row["datetime_beginning_ept"] for row in found} == {"2026-11-01T01:00:00"}
    assert sorted(row["datetime_beginning_utc"] for row in found) == ["2026-11-01T05:00:00", "2026-11-01T06:00:00"]
