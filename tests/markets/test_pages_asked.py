"""What the address of the markets page says, and how its hours are labelled."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from energyopti.intervals import market_day
from markets.feeds.pjm import EASTERN
from markets.pages import asked as asking
from markets.pages.clock import HOUR, label, slots


@given(day=st.dates(date(1998, 4, 1), date(2037, 12, 31)))
def test_every_hour_of_a_day_has_its_own_label(day: date) -> None:
    window = market_day(day, EASTERN)
    labels = [label(time) for time in slots(window, HOUR)]
    assert len(labels) == len(set(labels)) == window.slots(HOUR)
    assert all(" " not in text for text in labels) == (len(labels) != 25)


@given(
    first=st.dates(date(1998, 4, 1), date(2100, 1, 1)),
    days=st.integers(1, 366),
    show=st.sets(st.sampled_from(asking.COMPONENTS), min_size=1),
)
def test_an_address_says_the_whole_state(first: date, days: int, show: set[str]) -> None:
    node = world_node()
    chosen = tuple(name for name in asking.COMPONENTS if name in show)
    asked = asking.Asked(
        node=node, first=first, last=first + timedelta(days=days - 1), show=chosen, draw="real_time", markets=("day_ahead",)
    )
    again = asking.read(QueryDict(asked.link().removeprefix("?")), node=node, newest=date(2024, 1, 1))
    assert again == asked


def world_node() -> asking.NodeRow:
    return asking.NodeRow(1, "PJM-RTO", "ZONE", "", "", "", datetime(2000, 1, 1, tzinfo=UTC), None, "pnode", None, False)
