"""The feed machine's work for Celery."""

from __future__ import annotations

from celery import shared_task

from energyopti.feeds import registry, upkeep
from energyopti.feeds.runs import now_utc


@shared_task
def sync_scheduled(name: str) -> list[int]:
    return upkeep.pull_due(registry.feed(name), now=now_utc())


@shared_task
def requeue_gaps() -> int:
    return upkeep.fill_gaps(now=now_utc())


@shared_task
def look_for_restatements() -> int:
    return sum(upkeep.look_for_restatements(feed, now=now_utc()) for feed in registry.feeds().values())


@shared_task
def drop_raw() -> int:
    """Also where runs that died long ago are closed."""
    dropped = sum(upkeep.drop_raw(feed, now=now_utc()) for feed in registry.feeds().values())
    upkeep.bury_abandoned(now=now_utc())
    return dropped
