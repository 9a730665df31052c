"""Sample prices for a first look: the sandbox's, brought in through the real pipeline."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils import timezone

from energyopti.feeds import registry
from energyopti.feeds.feed import Cut, Feed
from energyopti.feeds.queries import answered_by_sandbox
from energyopti.feeds.runner import Trigger, sync
from energyopti.intervals import Span

# How much of each feed a first look needs; nodes first, because the prices are for the nodes that are followed by default.
DAYS = {
    "pjm.pnode": 1,
    "pjm.da_hrl_lmps": 14,
    "pjm.rt_hrl_lmps": 14,
    "pjm.rt_fivemin_hrl_lmps": 2,
    "pjm.rt_unverified_fivemin_lmps": 1,
}


def load(*, say: Callable[[str], object]) -> None:
    """Pull the last days of every PJM feed that the sandbox answers; a feed with a key of its own is left to its schedule."""
    now = timezone.now()
    for name, days in DAYS.items():
        feed = registry.feed(name)
        sandbox, _ = answered_by_sandbox(feed)
        if sandbox:
            summary = sync(feed, _span(feed, now, days), followed=feed.nodes is not None, trigger=Trigger.BACKFILL, reason="sample data")
            say(f"  {summary}")


def _span(feed: Feed, now: datetime, days: int) -> Span:
    """The last `days` windows that are published by `now`; of a live feed the running one."""
    if feed.cut is Cut.SNAPSHOT:
        return Span(now, now + timedelta(seconds=1))
    newest = now if feed.live else now - feed.lag - timedelta(days=1)
    return Span(newest - timedelta(days=days - 1), newest + timedelta(seconds=1))
