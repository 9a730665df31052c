"""JSON from arrays against Python's own words, and cursors there and back."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from energyopti.api import cursor
from energyopti.api.columns import Coded, Column, Kind, Nullable
from energyopti.api.formats import text
from energyopti.api.formats.local import offsets

ZONES = [ZoneInfo(name) for name in ("US/Eastern", "America/Chicago", "America/St_Johns", "Australia/Lord_Howe", "UTC")]
instants = st.integers(631_152_000, 4_102_444_800)  # 1990 to 2100


def read(kind: Kind, values: Any, zone: ZoneInfo | None = None) -> list[Any]:
    """What a program reads of one column, which must be the same in both layouts."""
    column = Column("it", kind, "")
    as_columns = json.loads(text.dumps(text.columns_body([column], [{"it": values}], zone)))["it"]
    assert json.loads(text.dumps(text.rows_body([column], [{"it": values}], zone))) == [{"it": value} for value in as_columns]
    return as_columns


@given(arrays.arrays(np.float64, st.integers(0, 40), elements=st.floats(allow_infinity=False, width=64)))
@example(np.zeros(40))
@example(np.full(40, np.nan))
def test_numbers_come_back_bit_for_bit(values: Any) -> None:
    told = [np.nan if value is None else value for value in read(Kind.NUMBER, values)]
    assert np.array_equal(np.array(told, np.float64), values, equal_nan=True)


@given(st.lists(st.one_of(st.none(), st.sampled_from(['a "b", c', "Ü\n", "", '","', '"', "\\", '\\","', "\u2028"])), max_size=40))
@example(['","', '"', "\\", '\\","', '",', ',"', '\\"', ""])
def test_texts_come_back(values: list[str | None]) -> None:
    known = list(dict.fromkeys(values))
    plain = np.empty(len(values), object)
    plain[:] = values
    assert read(Kind.TEXT, plain) == values
    assert read(Kind.TEXT, Coded(np.array([known.index(value) for value in values], np.int16), known)) == values


@given(st.lists(st.one_of(st.none(), st.integers(-(1 << 62), 1 << 62)), max_size=40))
def test_integers_come_back_or_are_null(values: list[int | None]) -> None:
    plain = np.array([value or 0 for value in values], np.int64)
    assert read(Kind.INTEGER, Nullable(plain, np.array([value is None for value in values], bool))) == values


@given(st.lists(st.one_of(st.none(), instants), max_size=40))
def test_instants_are_utc_or_null(seconds: list[int | None]) -> None:
    values = np.array([np.datetime64("NaT") if one is None else np.datetime64(one, "s") for one in seconds], "datetime64[us]")
    expected = [None if one is None else f"{datetime.fromtimestamp(one, UTC):%Y-%m-%dT%H:%M:%SZ}" for one in seconds]
    assert read(Kind.INSTANT, values) == expected


@given(st.lists(st.dates(date(1990, 1, 1), date(2199, 12, 31)), max_size=20))
def test_days_have_no_time(days: list[date]) -> None:
    assert read(Kind.DAY, np.array(days, "datetime64[D]")) == [day.isoformat() for day in days]


@given(st.lists(instants, max_size=40), st.sampled_from(ZONES))
def test_local_times_are_the_zones(seconds: list[int], zone: ZoneInfo) -> None:
    values = np.array(seconds, "datetime64[s]")
    expected = [datetime.fromtimestamp(one, zone) for one in seconds]
    assert read(Kind.LOCAL, values, zone) == [moment.isoformat() for moment in expected]
    minutes = [moment.utcoffset() // timedelta(minutes=1) for moment in expected]
    assert offsets(values, zone).tolist() == minutes


def test_both_hours_at_one_are_told_apart() -> None:
    start = datetime(2024, 11, 3, 4, tzinfo=UTC)
    hours = np.array([(start + timedelta(hours=hour)).replace(tzinfo=None) for hour in range(4)], "datetime64[s]")
    told = read(Kind.LOCAL, hours, ZoneInfo("America/New_York"))
    assert told == ["2024-11-03T00:00:00-04:00", "2024-11-03T01:00:00-04:00", "2024-11-03T01:00:00-05:00", "2024-11-03T02:00:00-05:00"]


KEY = [Column("node", Kind.INTEGER, ""), Column("name", Kind.TEXT, ""), Column("at", Kind.INSTANT, ""), Column("day", Kind.DAY, "")]


@given(st.integers(0, 1 << 62), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), instants, st.dates())
def test_a_cursor_comes_back(node: int, name: str, second: int, day: date) -> None:
    key = (node, name, datetime.fromtimestamp(second, UTC), day)
    assert cursor.decode(KEY, cursor.encode(key)) == key


@pytest.mark.parametrize(
    "text", ["", "%", "bm9uZQ", "W10", cursor.encode((1,)), cursor.encode(("1", "a", datetime(2024, 1, 1, tzinfo=UTC), date(2024, 1, 1)))]
)
def test_a_foreign_cursor_is_refused(text: str) -> None:
    with pytest.raises(cursor.BadCursor, match="not one that this endpoint gave"):
        cursor.decode(KEY, text)


def test_a_cursor_without_an_offset_is_refused() -> None:
    with pytest.raises(cursor.BadCursor):
        cursor.decode([KEY[2]], cursor.encode((datetime(2024, 1, 1),)))


@pytest.mark.parametrize("kind", [Kind.DAY, Kind.INSTANT])
def test_times_beyond_the_encoders_calendar_are_told_all_the_same(kind: Kind) -> None:
    days = np.array(["2024-03-10", "9999-12-31", None, "10000-01-01", "0001-01-01"], "datetime64[D]")
    if kind is Kind.DAY:
        assert read(kind, days) == ["2024-03-10", "9999-12-31", None, "10000-01-01", "0001-01-01"]
    else:
        midnights = [f"{day}T00:00:00Z" for day in ("2024-03-10", "9999-12-31")]
        assert read(kind, days.astype("datetime64[s]")) == [*midnights, None, "10000-01-01T00:00:00Z", "0001-01-01T00:00:00Z"]
