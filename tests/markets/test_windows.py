"""Chunks, completeness, stamps and latest prices of random stores, against the slow definitions."""

from __future__ import annotations

import sys
from datetime import UTC, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from energyopti.intervals import Span
from markets import queries
from markets.queries import Asked
from markets.queries.chunks import pieces
from markets.queries.frames import COLUMNS, together
from markets.types import PriceFrame
from tests.markets.prices import DAY_AHEAD, FIVE, HOUR, LIVE, Clock, at_clock, day, flat, load
from tests.markets.random_store import DAYS, LOADS, QUESTION, SMALL, SPANS, WHOLE, Loaded, put, stored

pytestmark = pytest.mark.django_db
NODES = [1, 2, 3, 4]
DAY = day("2024-06-03")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return at_clock(monkeypatch, DAYS[0].start)


def asked(span: Span, nodes: list[int] | None = None, **more: object) -> Asked:
    return Asked(tuple(queries.choose(**QUESTION)), nodes, span, **more)  # type: ignore[arg-type]


def same(one: PriceFrame, other: PriceFrame) -> bool:
    return len(one) == len(other) and all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=name in ("total", "energy", "congestion", "loss"))
        for name in COLUMNS
    )


@SMALL
@given(LOADS, SPANS, st.sampled_from([None, [1, 3], NODES]), st.sampled_from([1, 100, 700, 100_000]), st.integers(0, 3000))
def test_chunks_together_are_the_window_from_any_position_on(
    clock: Clock, loads: list[Loaded], span: Span, nodes: list[int] | None, points: int, place: int
) -> None:
    with stored(loads, clock):
        whole = queries.prices(nodes=nodes or NODES, span=span, **QUESTION)
        found = list(queries.chunks(asked(span, nodes), points=points))
        assert same(together([whole.take(slice(0, 0)), *found]), whole)
        assert all(len(one) for one in found)
        if len(whole):
            place %= len(whole)
            position = int(whole.node_id[place]), whole.interval_start[place].item().replace(tzinfo=UTC)
            rest = list(queries.chunks(asked(span, nodes), position=position, points=points))
            assert same(together(rest), whole.take(slice(place, None)))


@SMALL
@given(LOADS, SPANS, st.sampled_from([None, [1, 3], NODES]), st.integers(0, 5))
def test_completeness_is_what_counting_the_prices_gives(
    clock: Clock, loads: list[Loaded], span: Span, nodes: list[int] | None, knew: int
) -> None:
    with stored(loads, clock) as instants:
        for as_of in (None, *instants[knew : knew + 1]):
            frame = queries.prices(nodes=nodes or NODES, span=span, as_of=as_of, **QUESTION)
            question = asked(span, nodes, as_of=as_of)
            counted = queries.completeness(question)
            there = len(nodes) if nodes else len(np.unique(frame.node_id))
            if question.series:
                assert (counted.expected, counted.stored) == (there * question.slots, len(frame))
                assert counted.complete == (len(frame) == there * question.slots if there * question.slots else None)
            else:
                assert counted.complete is None


@SMALL
@given(
    LOADS,
    st.builds(
        Loaded,
        st.sampled_from([LIVE, FIVE]),
        st.sampled_from(DAYS),
        st.just(frozenset([1, 2])),
        st.just(range(7)),
        st.integers(60, 90),
        st.just(3),
        st.booleans(),
    ),
    SPANS,
)
def test_a_stamp_changes_with_the_answer(clock: Clock, loads: list[Loaded], last: Loaded, span: Span) -> None:
    with stored(loads, clock) as instants:
        before, stamps = (
            queries.prices(nodes=NODES, span=span, **QUESTION),
            [queries.stamp(asked(span, nodes)).text for nodes in (None, NODES)],
        )
        put(last, clock)
        after = queries.prices(nodes=NODES, span=span, **QUESTION)
        again = [queries.stamp(asked(span, nodes)).text for nodes in (None, NODES)]
        if not same(before, after):
            assert [one != two for one, two in zip(stamps, again, strict=True)] == [True, True]
        for as_of in instants[-1:]:
            then = queries.stamp(asked(span, NODES, as_of=as_of))
            assert then.freshness is None or then.freshness <= as_of


@SMALL
@given(LOADS, st.sampled_from([None, [1, 3], [2, 99]]), st.booleans())
def test_latest_is_the_last_price_of_the_slow_definition(clock: Clock, loads: list[Loaded], nodes: list[int] | None, many: bool) -> None:
    with pytest.MonkeyPatch.context() as patch, stored(loads, clock):
        if many:  # as for thousands of nodes
            patch.setattr(sys.modules["markets.queries.latest"], "FEW", 1)
        whole = queries.prices(nodes=nodes or NODES, span=WHOLE, **QUESTION)
        last = np.append(whole.node_id[1:] != whole.node_id[:-1], True)[: len(whole)]
        assert same(queries.latest(nodes=nodes, **QUESTION), whole.take(last))


# --- named cases -----------------------------------------------------------------------------------


def test_a_replaced_block_says_in_latest_since_when_its_last_price_has_stood(clock: Clock) -> None:
    load(FIVE, DAY, flat(FIVE, DAY, 1, 30.0))
    first = clock.now
    load(FIVE, DAY, flat(FIVE, DAY, 1, 50.0, version=2, slots=[0]))
    frame = queries.latest(feed=FIVE.name)
    assert frame.first_seen_at.tolist() == [first.replace(tzinfo=None)]


def test_a_node_that_a_feed_never_publishes_is_not_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("energyopti.feeds.registry.feeds", lambda: {LIVE.name: LIVE, FIVE.name: FIVE})
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0))
    assert queries.completeness(asked(DAY, [1, 3])).expected == 288
    load(FIVE, DAY, flat(FIVE, DAY, 1, 30.0))
    assert queries.completeness(asked(DAY, [1, 3])).expected == 576


def test_freshness_of_a_sealed_day_is_when_its_last_price_came(clock: Clock) -> None:
    clock.now = DAY.start
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0, slots=range(144)), now=DAY.start + HOUR)
    clock.now = DAY.end
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0))
    assert queries.stamp(asked(DAY, [1])).freshness == clock.now
    assert queries.stamp(asked(DAY, [1], as_of=DAY.start + HOUR)).freshness == DAY.start + timedelta(minutes=1)


def test_a_page_reads_no_more_days_than_it_needs() -> None:
    load(DAY_AHEAD, DAY, flat(DAY_AHEAD, DAY, 1, 30.0))
    year = Asked(tuple(queries.choose(feed=DAY_AHEAD.name)), [1], Span(day("2024-01-01").start, day("2024-12-31").end))
    found = list(pieces(year, (1, DAY.start + 5 * HOUR), 60))
    assert found[0].span == Span(DAY.start + 5 * HOUR, day("2024-06-04").end)
    assert all(one.slots <= 60 for one in found)
    assert [one.span.end for one in found[:-1]] == [one.span.start for one in found[1:]]
    assert found[-1].span.end == year.span.end


def test_many_nodes_come_several_to_a_chunk() -> None:
    load(DAY_AHEAD, DAY, [row for node in range(1, 8) for row in flat(DAY_AHEAD, DAY, node, 30.0)])
    question = Asked(tuple(queries.choose(feed=DAY_AHEAD.name)), None, DAY)
    assert [list(one.nodes or ()) for one in pieces(question, None, 72)] == [[1, 2, 3], [4, 5, 6], [7]]
    assert [list(one.nodes or ()) for one in pieces(question, (2, DAY.end), 72)] == [[3, 4, 5], [6, 7]]
    assert [list(one.nodes or ()) for one in pieces(question, None, 72, 24)] == [[1], [2, 3, 4], [5, 6, 7]]  # for the first somebody waits
