"""Random contents of the price store, for properties: loads of several feeds, days and versions, live and sealed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from energyopti.feeds.feed import Feed
from energyopti.intervals import Span
from tests.markets.prices import FIVE, FIVE_MINUTES, LATER, LIVE, Clock, day, flat, load

DAYS = (day("2024-11-02"), day("2024-11-03"), day("2024-11-04"))  # the middle one has 25 hours
WHOLE = Span(DAYS[0].start, DAYS[-1].end)
QUESTION = {"market": "real_time", "resolution": FIVE_MINUTES}
SMALL = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


class Loaded(NamedTuple):
    """One load: `slots` of a day at some nodes, while the day runs or when it is over."""

    feed: Feed
    window: Span
    nodes: frozenset[int]
    slots: range
    value: int
    version: int
    running: bool


LOADS = st.lists(
    st.builds(
        Loaded,
        st.sampled_from([LIVE, FIVE]),
        st.sampled_from(DAYS),
        st.frozensets(st.integers(1, 4), min_size=1),
        st.builds(
            lambda first, size, step: range(first, min(first + size, 276), step),
            st.integers(0, 275),
            st.integers(1, 276),
            st.integers(1, 3),
        )
        | st.just(range(300)),
        st.integers(-50, 50),
        st.integers(1, 3),
        st.booleans(),
    ),
    max_size=6,
)
SPANS = st.tuples(st.integers(-20, 876), st.integers(1, 896)).map(
    lambda edges: Span(
        WHOLE.start + edges[0] * FIVE_MINUTES, WHOLE.start + (edges[0] + edges[1]) * FIVE_MINUTES - timedelta(seconds=edges[1] % 2)
    )
)


@contextmanager
def stored(loads: list[Loaded], clock: Clock) -> Iterator[list[datetime]]:
    """The store after these loads, gone at the end; the instants half a minute behind each."""
    with transaction.atomic():
        yield [put(one, clock) for one in loads]
        transaction.set_rollback(True)


def put(one: Loaded, clock: Clock) -> datetime:
    slots = range(one.window.slots(FIVE_MINUTES)) if len(one.slots) == 300 else one.slots
    rows: list[Any] = [
        row for node in sorted(one.nodes) for row in flat(one.feed, one.window, node, float(one.value), version=one.version, slots=slots)
    ]
    load(one.feed, one.window, rows, now=one.window.start + timedelta(hours=1) if one.running else LATER)
    return clock.now + timedelta(seconds=30)
