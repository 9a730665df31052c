from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from energyopti.errors import InvalidInput, NaiveTime
from energyopti.feeds import registry
from energyopti.intervals import Span
from markets import queries
from markets.types import Gap
from tests.markets.prices import DAY_AHEAD, FIVE, HOUR, HOURLY, LIVE, day, feed, flat, load

pytestmark = pytest.mark.django_db
DAY, NEXT = day("2024-06-03"), day("2024-06-04")


@pytest.fixture
def known_feed(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(registry, "feed", {HOURLY.name: HOURLY, LIVE.name: LIVE, "test.list": feed("test.list", step=None)}.__getitem__)
    return HOURLY.name


def test_a_span_may_begin_and_end_inside_a_day() -> None:
    for window in (DAY, NEXT):
        load(HOURLY, window, flat(HOURLY, window, 1, 30.0))
    span = Span(DAY.start + 20 * HOUR, NEXT.start + 2 * HOUR)
    frame = queries.prices(feed=HOURLY.name, nodes=[1], span=span)
    assert frame.total.tolist() == [50.0, 51.0, 52.0, 53.0, 30.0, 31.0]


def test_a_long_autumn_day_is_found_by_its_last_hour() -> None:
    autumn = day("2024-11-03")
    load(HOURLY, autumn, flat(HOURLY, autumn, 1, 30.0))
    frame = queries.prices(feed=HOURLY.name, nodes=[1], span=Span(autumn.end - HOUR, autumn.end))
    assert frame.total.tolist() == [54.0]


def test_rows_come_by_node_then_time() -> None:
    for window in (NEXT, DAY):
        load(HOURLY, window, flat(HOURLY, window, 2, 30.0) + flat(HOURLY, window, 1, 60.0))
    frame = queries.prices(feed=HOURLY.name, nodes=[2, 1], span=Span(DAY.start, NEXT.end))
    assert frame.node_id.tolist() == [1] * 48 + [2] * 48
    assert (np.diff(frame.interval_start[:48]) == np.timedelta64(1, "h")).all()


def test_an_instant_without_an_offset_is_refused() -> None:
    with pytest.raises(NaiveTime, match="as_of"):
        queries.prices(feed=HOURLY.name, nodes=[1], span=DAY, as_of=datetime(2024, 6, 4))


def test_a_question_names_a_feed_or_a_market_with_its_resolution() -> None:
    with pytest.raises(InvalidInput, match="a market and a resolution"):
        queries.prices(market="real_time", nodes=[1], span=DAY)


def test_no_prices_at_all_is_an_empty_answer() -> None:
    assert len(queries.prices(feed="test.unheard", nodes=[1], span=DAY)) == 0
    assert len(queries.revisions(feed="test.unheard", nodes=[1], span=DAY)) == 0
    assert len(queries.latest(feed="test.unheard")) == 0


def test_markets_do_not_mix() -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0))
    load(DAY_AHEAD, DAY, flat(DAY_AHEAD, DAY, 1, 70.0))
    frame = queries.prices(market="day_ahead", resolution=HOUR, nodes=[1], span=DAY)
    assert frame.total[0] == 70.0
    assert [one.feed for one in frame.sources.values()] == [DAY_AHEAD.name]


def test_revisions_of_several_sources_come_the_best_source_first() -> None:
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0))
    load(FIVE, DAY, flat(FIVE, DAY, 1, 40.0))
    load(FIVE, DAY, flat(FIVE, DAY, 1, 41.0, version=2, slots=[0]))
    frame = queries.revisions(
        market="real_time", resolution=timedelta(minutes=5), nodes=[1], span=Span(DAY.start, DAY.start + timedelta(minutes=5))
    )
    assert (frame.total.tolist(), frame.quality.tolist()) == ([40.0, 41.0, 30.0], ["verified", "verified", "unverified"])


# --- gaps ------------------------------------------------------------------------------------------


def test_gaps_are_missing_slots_joined_to_spans(known_feed: str) -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0, slots=[*range(5), *range(7, 23)]))
    load(HOURLY, NEXT, flat(HOURLY, NEXT, 1, 30.0))
    load(HOURLY, NEXT, flat(HOURLY, NEXT, 2, 30.0))
    assert queries.gaps(feed=known_feed, nodes=[1, 2], span=Span(DAY.start, NEXT.end)) == [
        Gap(1, Span(DAY.start + 5 * HOUR, DAY.start + 7 * HOUR)),
        Gap(1, Span(DAY.start + 23 * HOUR, NEXT.start)),
        Gap(2, DAY),
    ]


def test_what_was_never_loaded_is_one_gap(known_feed: str) -> None:
    assert queries.gaps(feed=known_feed, nodes=[1], span=DAY) == [Gap(1, DAY)]


def test_live_prices_are_no_gap(known_feed: str) -> None:
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0, slots=range(6)), now=DAY.start + HOUR)
    hour = Span(DAY.start, DAY.start + HOUR)
    assert queries.gaps(feed=LIVE.name, nodes=[1], span=hour) == [Gap(1, Span(DAY.start + HOUR / 2, hour.end))]


def test_a_feed_without_intervals_has_no_gaps_to_ask_for(known_feed: str) -> None:
    with pytest.raises(InvalidInput, match="no intervals"):
        queries.gaps(feed="test.list", nodes=[1], span=DAY)


# --- latest ----------------------------------------------------------------------------------------


def test_latest_is_the_newest_price_live_or_stored() -> None:
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0) + flat(LIVE, DAY, 2, 30.0, slots=range(100)))
    load(LIVE, NEXT, flat(LIVE, NEXT, 1, 70.0, slots=range(3)), now=NEXT.start + HOUR)
    load(LIVE, NEXT, flat(LIVE, NEXT, 1, 80.0, slots=[2]), now=NEXT.start + HOUR)
    frame = queries.latest(feed=LIVE.name)
    assert (frame.node_id.tolist(), frame.total.tolist()) == ([1, 2], [82.0, 129.0])
    assert frame.interval_start[0] == np.datetime64((NEXT.start + timedelta(minutes=10)).replace(tzinfo=None), "s")


def test_latest_of_one_interval_takes_the_better_source() -> None:
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0))
    load(FIVE, DAY, flat(FIVE, DAY, 1, 40.0))
    frame = queries.latest(market="real_time", resolution=timedelta(minutes=5), nodes=[1])
    assert (frame.total.tolist(), frame.quality.tolist()) == ([327.0], ["verified"])


def test_as_of_may_be_said_in_any_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0))
    eastern = datetime.now(UTC).astimezone(HOURLY.zone) + timedelta(hours=1)
    assert len(queries.prices(feed=HOURLY.name, nodes=[1], span=DAY, as_of=eastern)) == 24
