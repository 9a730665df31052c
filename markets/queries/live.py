"""What lies in the live table and waits for its seal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from energyopti.feeds import registry
from energyopti.feeds.feed import Feed
from energyopti.intervals import Span

_LYING = (
    "SELECT s.feed, s.sandbox, min(l.interval_start), max(l.run_id) FROM lmp_live l JOIN markets_series s ON s.id = l.series"
    " WHERE s.feed = %(feed)s AND l.interval_start < %(before)s AND NOT EXISTS (SELECT FROM lmp_block b"
    "  WHERE b.series = l.series AND b.pnode_id = l.pnode_id"
    "  AND b.start <= l.interval_start AND b.start > l.interval_start - interval '26 h'"
    "  AND (b.start AT TIME ZONE %(zone)s)::date = (l.interval_start AT TIME ZONE %(zone)s)::date)"
    " GROUP BY s.feed, s.sandbox, (l.interval_start AT TIME ZONE %(zone)s)::date ORDER BY 3"
)


@dataclass(frozen=True, slots=True)
class Lying:
    """Live rows of one series and market day: an instant of that day, and the last run that brought some."""

    feed: str
    sandbox: bool
    moment: datetime
    run_id: int

    def window(self, feed: Feed) -> Span:
        """The market day they belong to."""
        return feed.windows(Span(self.moment, self.moment + timedelta(seconds=1)))[0]


def lying_live(*, before: datetime) -> list[Lying]:
    """Days with live rows from before an instant and no block yet, oldest first: what a sealed day left behind is history."""
    found: list[Lying] = []
    with connection.cursor() as cursor:
        for feed in registry.feeds().values():
            if feed.live:
                cursor.execute(_LYING, {"before": before, "feed": feed.name, "zone": feed.zone.key})
                found += [Lying(*row) for row in cursor.fetchall()]
    return found
