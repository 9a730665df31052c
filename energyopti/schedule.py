"""What runs when: defaults in code, one entry a feed, and what a person changed in the back office stays changed.

Beat reads its entries from the database. A missing entry is made from its default. One that still stands as its default
left it follows the default of a newer version; one that a person changed, or switched off, is left alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from celery.schedules import crontab
from django.db import transaction
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from energyopti.feeds import registry
from energyopti.feeds.feed import Feed

TASKS = "energyopti.feeds.tasks"
DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Entry:
    """`cadence` is a crontab line in `zone`; `expires` seconds end a task's wait before the next one comes."""

    name: str
    task: str
    cadence: str
    zone: str = "UTC"
    args: tuple[str, ...] = ()

    @property
    def expires(self) -> int:
        return _shortest_pause_minutes(self.cadence) * 60 - 10

    @property
    def mark(self) -> str:
        return f"Default: {self.cadence} ({self.zone})"


def entries() -> Iterator[Entry]:
    """Every default: one a declared feed, the feed machine's own, and what apps add by `schedule = "markets.schedule:ENTRIES"`."""
    yield from map(_of_feed, registry.feeds().values())
    yield Entry("feeds: pull missing windows again", f"{TASKS}.requeue_gaps", "*/5 * * * *")
    yield Entry("feeds: look for restatements", f"{TASKS}.look_for_restatements", "30 9 * * *")
    yield Entry("feeds: let go of old raw answers", f"{TASKS}.drop_raw", "15 4 * * *")
    yield from registry.contributed("schedule")


def _of_feed(feed: Feed) -> Entry:
    return Entry(f"sync {feed.name}", f"{TASKS}.sync_scheduled", feed.cadence, feed.zone.key, (feed.name,))


def _shortest_pause_minutes(cadence: str) -> int:
    """Between two beats of one day, or over midnight."""
    times: Any = crontab.from_string(cadence)
    beats = sorted(60 * hour + minute for hour in times.hour for minute in times.minute)
    return min((after - before) % DAY_MINUTES or DAY_MINUTES for before, after in zip(beats, beats[1:] + beats[:1], strict=True))


@transaction.atomic
def ensure() -> int:
    """Make what is missing and renew what nobody has touched; how many entries were written."""
    standing = {row.name: row for row in PeriodicTask.objects.select_for_update(of=["self"]).select_related("crontab")}
    stale = [entry for entry in entries() if entry.name not in standing or _is_outdated_default(standing[entry.name], entry)]
    for entry in stale:
        PeriodicTask.objects.update_or_create(name=entry.name, defaults=_fields(entry), create_defaults=_fields(entry))
    return len(stale)


def _is_outdated_default(row: PeriodicTask, entry: Entry) -> bool:
    untouched = row.crontab is not None and row.description == f"Default: {_line(row.crontab)} ({row.crontab.timezone})"
    return untouched and row.description != entry.mark


def _line(row: CrontabSchedule) -> str:
    return f"{row.minute} {row.hour} {row.day_of_month} {row.month_of_year} {row.day_of_week}"


def _fields(entry: Entry) -> dict[str, object]:
    minute, hour, day, month, weekday = entry.cadence.split()
    when, _ = CrontabSchedule.objects.get_or_create(
        minute=minute, hour=hour, day_of_month=day, month_of_year=month, day_of_week=weekday, timezone=entry.zone
    )
    return {
        "task": entry.task,
        "crontab": when,
        "args": json.dumps(entry.args),
        "expire_seconds": entry.expires,
        "description": entry.mark,
    }
