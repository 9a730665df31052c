"""How complete each window is: the one writer of Coverage."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet

from energyopti.feeds.feed import Feed, NodeSet, Written
from energyopti.feeds.models import Coverage, SyncRun
from energyopti.intervals import Span

FIRST_PAUSE = timedelta(minutes=15)
LONGEST_PAUSE = timedelta(days=1)
TIRED_AFTER, TIRED_PAUSE = 36, timedelta(days=7)  # a month of daily attempts: a price that never came will hardly come
FOLLOWED, ALL = "followed", "all"
FROM_FILE = "file:"  # such a node set is never pulled again: its source is a file
ASKED = "asked again by "  # begins the reason of a gap that a person put back into the queue


def node_set(nodes: Sequence[int] | None, *, label: str = "") -> NodeSet:
    """The set under its name: `label`, "all" for None, else a digest of the ids."""
    if nodes is None:
        return NodeSet(label or ALL)
    ids = tuple(sorted(set(nodes)))
    return NodeSet(label or f"list:{digest(ids)}", ids)


def digest(ids: Iterable[int]) -> str:
    return hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()[:12]


def record(*, feed: Feed, run: SyncRun, window: Span, written: Written, now: datetime) -> str:
    """Say what the store holds of `window` after a load; the status it comes to. Runs in the load's transaction."""
    stored = min(written.stored, written.expected)
    status = _status(feed, window, written)
    values = {
        "window_end": window.end,
        "expected": written.expected,
        "stored": stored,
        "missing_nodes": list(written.missing_nodes),
        "status": status,
        "reason": "" if status == Coverage.Status.COMPLETE else _missing(written, stored),
        "run": run,
        "checked_at": now,
    }
    if written.touched:
        values["changed_at"] = now
    return _save(feed=feed, run=run, window=window, values=values, now=now)


def record_failure(*, feed: Feed, run: SyncRun, windows: Sequence[Span], reason: str, now: datetime) -> None:
    """These windows could not be pulled or stored: gaps with a reason. A window that was whole before stays whole."""
    starts = [window.start for window in windows]
    whole = set(
        Coverage.objects.filter(
            feed=feed.name,
            sandbox=run.sandbox,
            node_set=run.node_set,
            status=Coverage.Status.COMPLETE,
            window_start__in=starts,
        ).values_list("window_start", flat=True)
    )
    for window in windows:
        values = {"window_end": window.end, "reason": reason}
        if window.start not in whole:
            values |= {"status": Coverage.Status.FAILED, "run": run, "checked_at": now}
        _save(feed=feed, run=run, window=window, values=values, now=now)


def record_untouched(*, feed: Feed, run: SyncRun, windows: Sequence[Span], reason: str, now: datetime) -> None:
    """Windows that a run was for and did not reach: those that nobody has counted yet are gaps, too."""
    rows = [
        Coverage(
            feed=feed.name,
            sandbox=run.sandbox,
            node_set=run.node_set,
            window_start=window.start,
            window_end=window.end,
            status=Coverage.Status.PENDING,
            reason=reason,
            run=run,
            checked_at=now,
            changed_at=now,
            next_attempt_at=next_attempt(feed, window, attempts=1, now=now),
        )
        for window in windows
    ]
    Coverage.objects.bulk_create(rows, ignore_conflicts=True)


def _save(*, feed: Feed, run: SyncRun, window: Span, values: dict[str, object], now: datetime) -> str:
    key = {"feed": feed.name, "sandbox": run.sandbox, "node_set": run.node_set, "window_start": window.start}
    row, _ = Coverage.objects.update_or_create(**key, defaults=values, create_defaults={"changed_at": now, **values})
    settled = row.status in (Coverage.Status.COMPLETE, Coverage.Status.RUNNING)
    row.attempts = 0 if settled else row.attempts + 1
    row.next_attempt_at = None
    if not settled and feed.retention and window.end < now - feed.retention:
        row.status = Coverage.Status.LOST
    elif row.status != Coverage.Status.COMPLETE and not run.node_set.startswith(FROM_FILE):
        row.next_attempt_at = next_attempt(feed, window, attempts=row.attempts, now=now)
    row.save(update_fields=["attempts", "next_attempt_at", "status"])
    return row.status


def _status(feed: Feed, window: Span, written: Written) -> str:
    if not written.expected or written.stored < written.expected:
        return Coverage.Status.INCOMPLETE
    whole = written.expected >= written.nodes * feed.per_node(window)
    return Coverage.Status.COMPLETE if whole else Coverage.Status.RUNNING


def _missing(written: Written, stored: int) -> str:
    if not written.expected:
        return "the source has no rows for this window"
    return f"{written.expected - stored} of {written.expected} rows are missing" if stored < written.expected else ""


def next_attempt(feed: Feed, window: Span, *, attempts: int, now: datetime) -> datetime:
    """A growing pause: 15 minutes, doubled each time to a day, a week after a month; never before the feed publishes the window."""
    pause = min(FIRST_PAUSE * float(1 << min(max(attempts - 1, 0), 10)), LONGEST_PAUSE) if attempts <= TIRED_AFTER else TIRED_PAUSE
    return max(now + pause, window.end + feed.lag)


def postpone(ids: Sequence[int], *, now: datetime) -> None:
    """These gaps cannot be asked for now: not before tomorrow."""
    Coverage.objects.filter(pk__in=ids, next_attempt_at__lte=now).update(next_attempt_at=now + LONGEST_PAUSE)


def requeue(ids: Sequence[int], *, who: str, reason: str, now: datetime) -> int:
    """Put these gaps at the head of the queue, also those given up as lost; how many were gaps that a pull can fill."""
    waiting = {"status": Coverage.Status.PENDING, "reason": f"{ASKED}{who}: {reason}", "attempts": 0, "next_attempt_at": now}
    return pullable(Coverage.objects.filter(pk__in=ids)).update(**waiting)


def pullable(rows: QuerySet[Coverage]) -> QuerySet[Coverage]:
    """Of these windows those that miss something which is over, and whose source can be asked."""
    settled = [Coverage.Status.COMPLETE, Coverage.Status.RUNNING]
    return rows.exclude(status__in=settled).exclude(node_set__startswith=FROM_FILE)


def published(feed: Feed, span: Span, *, now: datetime) -> list[Span]:
    """The windows of `span` that the source has whole by now."""
    return [window for window in feed.windows(span) if window.end + feed.lag <= now]


def reopen(*, feed: Feed, sandbox: bool, node_set: str, span: Span, now: datetime) -> int:
    """The windows of `span` that are published by now are to be pulled soon, also those never pulled before; how many.

    What is stored stays counted until then.
    """
    rows = [
        Coverage(
            feed=feed.name,
            sandbox=sandbox,
            node_set=node_set,
            window_start=window.start,
            window_end=window.end,
            status=Coverage.Status.PENDING,
            reason="opened for a pull",
            next_attempt_at=now,
            checked_at=now,
            changed_at=now,
        )
        for window in published(feed, span, now=now)
    ]
    Coverage.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["feed", "sandbox", "node_set", "window_start"],
        update_fields=["status", "reason", "next_attempt_at", "attempts"],
    )
    return len(rows)
