"""How the feeds stand: what /status/ shows, and the completeness that the overview shows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import redis
from django.conf import settings

from energyopti import heartbeat
from energyopti.feeds import queries, registry
from energyopti.feeds.queries import DayCoverage, FeedOverview
from energyopti.organisations.models import User

DAYS = 60  # of the heat-map
RUNS, GAPS, EXAMPLES = 15, 20, 8
LETTERS = {"complete": "", "running": "r", "pending": "p", "incomplete": "i", "failed": "f", "lost": "l", "none": ""}  # not by colour alone
WORDS = {
    "complete": "complete",
    "running": "the day runs",
    "pending": "waits for a pull",
    "incomplete": "incomplete",
    "failed": "failed",
    "lost": "lost: the source no longer keeps it",
    "none": "never pulled",
}


@dataclass(frozen=True, slots=True)
class Day:
    """One feed's market day in the heat-map."""

    status: str
    letter: str
    title: str


@dataclass(frozen=True, slots=True)
class FeedLine:
    """A feed, and how much of the days shown is stored; `share` None: nothing was expected."""

    overview: FeedOverview
    days: list[Day]
    share: float | None


@dataclass(frozen=True, slots=True)
class Worker:
    """`problem`: what keeps a worker from being seen, "" where one lives."""

    alive: bool
    problem: str


def context(user: User, *, now: datetime) -> dict[str, Any]:
    """Feeds belong to the installation: whoever may log in sees how they stand; refused rows word for word are for staff."""
    days = shown_days(now)
    feeds = lines(queries.feed_overview(), queries.coverage_by_window(since=_since(days)), days)
    return {
        "days": days,
        "months": _months(days),
        "feeds": feeds,
        "key": [(status, LETTERS[status], words) for status, words in WORDS.items()],
        "worker": worker(),
        "attention": queries.attention(since=now - timedelta(days=1)),
        "runs": queries.last_runs(limit=RUNS),
        "refused": queries.refused_rows(),
        "examples": queries.newest_refused(limit=EXAMPLES, raw=user.is_staff),
        "gaps": [(gap, _day_of(gap.feed, gap.window_start)) for gap in queries.gaps_waiting(limit=GAPS)],
        "unreached": [line.overview for line in feeds if line.overview.problem],
        "sandboxed": [line.overview for line in feeds if line.overview.sandbox],
        "sandbox_setting": settings.SANDBOX,
    }


def shown_days(now: datetime) -> list[date]:
    """The last 60 market days up to tomorrow, whose day-ahead prices are published today."""
    today = max((now.astimezone(feed.zone).date() for feed in registry.feeds().values()), default=now.date())
    last = today + timedelta(days=1)
    return [last - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]


def _since(days: Sequence[date]) -> datetime:
    """Before the first of the days begins anywhere."""
    return datetime(days[0].year, days[0].month, days[0].day, tzinfo=UTC) - timedelta(days=1)


def lines(feeds: Sequence[FeedOverview], windows: Sequence[DayCoverage], days: Sequence[date]) -> list[FeedLine]:
    """Each feed with its days, real or sandbox as the feed is shown."""
    held = {(one.feed, one.sandbox, _day_of(one.feed, one.window_start)): one for one in windows}
    return [_line(feed, [held.get((feed.name, feed.sandbox, day)) for day in days], days) for feed in feeds]


def _line(feed: FeedOverview, held: Sequence[DayCoverage | None], days: Sequence[date]) -> FeedLine:
    known = [one for one in held if one]
    expected = sum(one.expected for one in known)
    share = sum(one.stored for one in known) / expected if expected else None
    return FeedLine(feed, [_day(one, day) for one, day in zip(held, days, strict=True)], share)


def _day(one: DayCoverage | None, day: date) -> Day:
    if one is None:
        return Day("none", LETTERS["none"], f"{day}: {WORDS['none']}")
    counted = f"{one.stored:,} of {one.expected:,}" if one.expected else "nothing to expect"
    return Day(one.status, LETTERS[one.status], f"{day}: {WORDS[one.status]}, {counted}")


def _day_of(feed: str, start: datetime) -> date:
    declared = registry.feeds().get(feed)  # a feed that was withdrawn leaves its windows behind
    return start.astimezone(declared.zone if declared else UTC).date()


def _months(days: Sequence[date]) -> list[tuple[str, int]]:
    """The heat-map's upper heading: month and how many of its days are shown."""
    names = [f"{day:%Y-%m}" for day in days]
    return [(name, names.count(name)) for name in dict.fromkeys(names)]


def worker() -> Worker:
    try:
        return Worker(True, "") if heartbeat.alive() else Worker(False, "no worker was heard of in the last 20 seconds: nothing is pulled")
    except redis.RedisError:
        return Worker(False, "Redis does not answer: no task can be handed to a worker")
