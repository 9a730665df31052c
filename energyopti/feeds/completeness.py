"""How complete the windows of market days are: reads for the API and the pages, in sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from energyopti.feeds import queries, registry
from energyopti.feeds.feed import Feed
from energyopti.feeds.models import SyncRun
from energyopti.intervals import local_midnight

EARLIEST, LATEST = date(1990, 1, 1), date(2199, 12, 31)  # of a question that is open on one side
Place = tuple[str, datetime, str]  # feed, window_start, node_set: they order the windows, and come once in one data set

# Each feed's share is read in the order of the index coverage_by_feed_and_time, and cut before they are put together
_WINDOWS = """
SELECT w.* FROM unnest(%(feeds)s::text[], %(sandbox)s::bool[], %(since)s::timestamptz[], %(till)s::timestamptz[])
  AS asked (feed, sandbox, since, till)
CROSS JOIN LATERAL (
  SELECT c.feed, c.sandbox, c.node_set, c.window_start, c.window_end, c.expected, c.stored, c.missing, c.status, c.reason,
    c.checked_at, c.changed_at
  FROM feeds_coverage c
  WHERE c.feed = asked.feed AND c.sandbox = asked.sandbox AND c.window_start >= asked.since AND c.window_start < asked.till
    AND c.status = ANY(coalesce(%(statuses)s, ARRAY[c.status]))
    AND (%(after_feed)s::text IS NULL
      OR (c.feed, c.window_start, c.node_set) > (%(after_feed)s, %(after_start)s::timestamptz, %(after_set)s))
  ORDER BY c.window_start, c.node_set LIMIT %(limit)s
) w
ORDER BY w.feed, w.window_start, w.node_set LIMIT %(limit)s
"""
# A row that changes gets another xmin, later than the one it had: the sum tells, also of transactions that end out of turn
_TALLY = """
SELECT count(*), coalesce(sum(c.xmin::text::bigint), 0), coalesce(sum(c.expected), 0), coalesce(sum(c.stored), 0),
  bool_and(c.status = 'complete'), max(c.checked_at)
FROM unnest(%(feeds)s::text[], %(sandbox)s::bool[], %(since)s::timestamptz[], %(till)s::timestamptz[]) AS asked (feed, sandbox, since, till)
JOIN feeds_coverage c ON c.feed = asked.feed AND c.sandbox = asked.sandbox AND c.window_start >= asked.since AND c.window_start < asked.till
"""


class Window(NamedTuple):
    """One window of one feed, for one node set."""

    feed: str
    sandbox: bool
    node_set: str
    window_start: datetime
    window_end: datetime
    expected: int
    stored: int
    missing: int
    status: str
    reason: str
    checked_at: datetime
    changed_at: datetime

    @property
    def market_day(self) -> date:
        return self.window_start.astimezone(registry.feed(self.feed).zone).date()


@dataclass(frozen=True, slots=True)
class Tally:
    """All windows of a question together, whatever their status. `complete` None: there are none."""

    windows: int
    changes: int  # differs as soon as any of them was written
    expected: int
    stored: int
    complete: bool | None
    checked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Question:
    """Which windows. Days are market days, `last` included; a feed is real or sandbox, never both."""

    feeds: tuple[tuple[Feed, bool], ...]
    first: date
    last: date

    @property
    def arguments(self) -> dict[str, Any]:
        return {
            "feeds": [feed.name for feed, _ in self.feeds],
            "sandbox": [sandbox for _, sandbox in self.feeds],
            "since": [local_midnight(self.first, feed.zone) for feed, _ in self.feeds],
            "till": [local_midnight(self.last + timedelta(days=1), feed.zone) for feed, _ in self.feeds],
        }

    @property
    def sandbox(self) -> bool:
        return any(sandbox for _, sandbox in self.feeds)


def question(*, feed: str | None = None, first: date | None = None, last: date | None = None) -> Question:
    """Every declared feed unless one is named. Raises UnknownFeed."""
    chosen = [registry.feed(feed)] if feed else list(registry.feeds().values())
    return Question(tuple(shown(chosen)), first or EARLIEST, last or LATEST)


def shown(feeds: Iterable[Feed]) -> list[tuple[Feed, bool]]:
    """Each feed with whether its sandbox data are shown: as long as the sandbox answers and nothing real was ever loaded."""
    real = set(SyncRun.objects.filter(sandbox=False).values_list("feed", flat=True).distinct())
    return [(feed, feed.name not in real and queries.answered_by_sandbox(feed)[0]) for feed in feeds]


def windows(asked: Question, *, statuses: Sequence[str] | None = None, after: Place | None = None, limit: int) -> list[Window]:
    """By feed, window_start and node_set, behind `after`; at most `limit`."""
    feed, start, node_set = after or (None, None, None)
    place = {"after_feed": feed, "after_start": start, "after_set": node_set}
    chosen = list(statuses) if statuses else None
    with connection.cursor() as cursor:
        cursor.execute(_WINDOWS, {**asked.arguments, **place, "statuses": chosen, "limit": limit})
        return [Window(*row) for row in cursor.fetchall()]


def tally(asked: Question) -> Tally:
    with connection.cursor() as cursor:
        cursor.execute(_TALLY, asked.arguments)
        count, changes, expected, stored, complete, checked_at = cursor.fetchone()
    return Tally(count, int(changes), int(expected), int(stored), complete, checked_at)
