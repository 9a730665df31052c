"""A pull that somebody asks for, to be done by a worker soon."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import redis
from django.db import transaction

from energyopti import heartbeat
from energyopti.errors import InvalidInput, NotConfigured
from energyopti.feeds import registry, tasks
from energyopti.feeds.feed import Cut, Feed
from energyopti.feeds.runner import choose_nodes
from energyopti.intervals import Span

if TYPE_CHECKING:
    from energyopti.organisations.models import User

MOST_WINDOWS = 3_660  # ten years of market days
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class AskedPull:
    """What was put into the queue. `id` is the task's: logs name it. `nodes` None: the feed has none."""

    id: str
    feed: str
    sandbox: bool
    start: datetime  # of whole windows
    end: datetime
    first_day: date
    last_day: date
    windows: int
    nodes: int | None
    reason: str


def ask_pull(*, feed: Feed, span: Span, nodes: Sequence[str] | None, user: User, reason: str, now: datetime) -> AskedPull:
    """Queue a pull of the windows that `span` touches, as soon as the transaction commits. `nodes` None: those that are followed.

    Raises InvalidInput, and NotConfigured where the upstream cannot be asked or no queue is there.
    """
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise InvalidInput(f"say why, in at most {LONGEST_REASON} characters", field="reason")
    windows = _windows(feed, span, now=now)
    sandbox = registry.upstream(feed.upstream).endpoint().sandbox
    followed = nodes is None and feed.nodes is not None
    chosen = choose_nodes(feed, nodes, followed=followed, sandbox=sandbox)
    _check_queue()
    asked = AskedPull(
        id=str(uuid.uuid4()),
        feed=feed.name,
        sandbox=sandbox,
        start=windows[0].start,
        end=windows[-1].end,
        first_day=feed.window_day(windows[0]),
        last_day=feed.window_day(windows[-1]),
        windows=len(windows),
        nodes=None if feed.nodes is None else len(chosen.ids or ()),
        reason=reason,
    )
    ids = None if followed or chosen.ids is None else list(chosen.ids)  # what is followed is looked up when its turn comes
    words = {"nodes": ids, "followed": followed, "user_id": user.pk, "reason": reason}
    span_told = (asked.start.isoformat(), asked.end.isoformat())
    transaction.on_commit(lambda: tasks.sync_asked.apply_async((feed.name, *span_told), words, task_id=asked.id))
    return asked


def _windows(feed: Feed, span: Span, *, now: datetime) -> list[Span]:
    if span.length.days > MOST_WINDOWS:
        raise InvalidInput(f"a pull is for at most {MOST_WINDOWS} market days", field="end")
    windows = feed.windows(span)
    begun = (window.start <= now or window.end + feed.lag <= now for window in windows)
    if feed.cut is Cut.MARKET_DAY and not any(begun):
        raise InvalidInput(f"nothing of this span is published yet; it begins on {feed.window_day(windows[0])}", field="start")
    return windows


def _check_queue() -> None:
    """Asked before anything is promised: a task that cannot be sent once all is committed would be lost."""
    try:
        heartbeat.alive()
    except (redis.RedisError, ValueError):
        raise NotConfigured("the queue (Redis) does not answer; start it, or correct REDIS_URL") from None
