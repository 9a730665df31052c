"""manage.py feeds: every feed at a glance."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from energyopti.feeds.queries import FeedOverview, feed_overview

HEADINGS = ("feed", "upstream", "cadence (market time)", "last run", "complete", "licence")


class Command(BaseCommand):
    help = "List every feed: name, upstream, cadence, licence, last run, completeness."

    def handle(self, *args: Any, **options: Any) -> None:
        rows = [HEADINGS, *map(_row, feed_overview())]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
        for row in rows:
            self.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _row(feed: FeedOverview) -> tuple[str, ...]:
    upstream = f"{feed.upstream} [sandbox]" if feed.sandbox else feed.upstream
    last = f"{feed.last_run_at:%Y-%m-%d %H:%MZ} {feed.last_run_status}" if feed.last_run_at else "never"
    complete = f"{feed.complete}/{feed.total} windows" if feed.total else "-"
    return feed.name, upstream, feed.cadence, f"{last}; {feed.problem}" if feed.problem else last, complete, feed.licence.text.split(".")[0]
