"""What a pull will cost, against what the pull then asks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from energyopti.errors import NotConfigured
from energyopti.feeds import estimate, registry
from energyopti.feeds.feed import NodeSet, Pull
from energyopti.intervals import Span
from energyopti.sandbox.server import Sandbox
from markets.feeds import dataminer
from tests.feeds.sandboxed import FEED, NOW, days, pull

pytestmark = pytest.mark.django_db(transaction=True)


def pulls_of(*spans: Span) -> Pull:
    feed = registry.feed(FEED)
    return Pull(feed, spans, spans, (1, 2, 3), {}, 50_000)


def test_what_was_estimated_is_what_is_asked(upstream: Sandbox) -> None:
    pull(days(date(2026, 6, 20)), feed="pjm.pnode")
    feed, span = registry.feed(FEED), days(date(2026, 6, 1), date(2026, 6, 10))
    nodes = NodeSet("list:x", feed.nodes.followed(sandbox=True))
    told = estimate.cost(feed, feed.windows(span), nodes, sandbox=True, now=NOW)
    assert (told.windows, told.rows) == (10, 10 * 24 * len(nodes.ids))
    done = pull(span, nodes=nodes.ids)
    assert told.requests == done.requests - 1  # once a day the upstream is asked where its archive begins
    assert done.rows_read == told.rows


def test_minutes_are_requests_at_the_upstreams_rate(upstream: Sandbox, settings) -> None:
    settings.PJM_RATE_LIMIT_DELAY = 10
    feed = registry.feed("pjm.rt_fivemin_hrl_lmps")
    told = estimate.cost(feed, feed.windows(days(date(2026, 6, 1), date(2026, 6, 3))), NodeSet("x", (1,)), sandbox=True, now=NOW)
    assert (told.requests, told.delay) == (1, 10)
    assert told.minutes == pytest.approx(1 / 6)


def test_an_estimate_asks_nothing_and_leaves_nothing_behind(upstream: Sandbox) -> None:
    feed = registry.feed(FEED)
    estimate.cost(feed, feed.windows(days(date(2026, 6, 1))), NodeSet("x", (1,)), sandbox=True, now=NOW)
    assert upstream.requests == []
    assert dataminer.UPSTREAMS[0]._cutoffs == {}


def test_pages_follow_the_rows_of_each_span() -> None:
    day = Span(datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 2, tzinfo=UTC))
    hours = Span(day.end, day.end + timedelta(hours=12))
    assert estimate._pages(pulls_of(day), 0) == 1
    assert estimate._pages(pulls_of(day), 50_000) == 1
    assert estimate._pages(pulls_of(day), 50_001) == 2
    assert estimate._pages(pulls_of(day, hours), 150_000) == 3  # 100,000 rows in two pages, 50,000 in one


def test_nothing_to_pull_costs_nothing(upstream: Sandbox) -> None:
    told = estimate.cost(registry.feed(FEED), [], NodeSet("x", (1,)), sandbox=True, now=NOW)
    assert (told.requests, told.rows, told.minutes) == (0, 0, 0)


def test_a_feed_that_cannot_be_reached_has_no_cost(settings) -> None:
    settings.SANDBOX, settings.PJM_API_KEY = "off", ""
    with pytest.raises(NotConfigured):
        estimate.cost(registry.feed(FEED), [], NodeSet("x", (1,)), sandbox=False, now=NOW)
