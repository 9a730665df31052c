"""The feed machine's work for Celery."""

from __future__ import annotations

from datetime import datetime

from celery import shared_task
from django.contrib.auth import get_user_model

from energyopti.feeds import registry, upkeep, uploads
from energyopti.feeds.imports import replay
from energyopti.feeds.runner import sync
from energyopti.feeds.runs import now_utc
from energyopti.intervals import Span


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
    """Also where runs that died long ago are closed and files that nobody confirmed are let go."""
    dropped = sum(upkeep.drop_raw(feed, now=now_utc()) for feed in registry.feeds().values())
    upkeep.bury_abandoned(now=now_utc())
    uploads.clean_up(now=now_utc())
    return dropped


@shared_task
def sync_asked(name: str, start: str, end: str, *, nodes: list[int] | None, followed: bool, user_id: int, reason: str) -> int:
    """What a person asked for in the back office; the run's id."""
    user = get_user_model().objects.get(pk=user_id)
    span = Span(datetime.fromisoformat(start), datetime.fromisoformat(end))
    return sync(registry.feed(name), span, nodes=nodes, followed=followed, user=user, reason=reason).run_id


@shared_task
def replay_asked(name: str, run_id: int, *, user_id: int, reason: str) -> int:
    user = get_user_model().objects.get(pk=user_id)
    return replay(registry.feed(name), run_id, user=user, reason=reason).run_id


@shared_task
def import_upload(upload_id: int) -> None:
    uploads.work(upload_id)
