"""The feed machine's work for Celery: thin, idempotent, safe to run twice (the windows' locks see to it)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import groupby

import structlog
from celery import shared_task
from django.utils import timezone

from energyopti.errors import EnergyOptiError, InvalidInput, NotConfigured
from energyopti.feeds import archive, coverage, queries, registry
from energyopti.feeds.feed import Feed
from energyopti.feeds.locks import held_run
from energyopti.feeds.models import Coverage, Payload, SyncRun
from energyopti.feeds.runner import Trigger, sync
from energyopti.intervals import Span

log = structlog.get_logger(__name__)

ABANDONED_AFTER = timedelta(days=1)
DIED = "the process that worked on it died"


def _spans(windows: Iterable[Span]) -> list[Span]:
    """Neighbouring windows joined: one run each."""
    joined: list[Span] = []
    for window in sorted(windows):
        if joined and joined[-1].end == window.start:
            joined[-1] = Span(joined[-1].start, window.end)
        else:
            joined.append(window)
    return joined


def _sync(feed: Feed, windows: Sequence[Span], *, trigger: Trigger, nodes: Sequence[int] | None = None, followed: bool = True) -> list[int]:
    runs = []
    followed = followed and feed.nodes is not None
    for span in _spans(windows):
        summary = sync(feed, span, nodes=nodes, followed=followed, trigger=trigger)
        log.info("sync.done", summary=str(summary), error=summary.error)
        runs.append(summary.run_id)
    return runs


@shared_task
def sync_scheduled(name: str) -> list[int]:
    """Pull what is due of one feed, for the nodes that the installation follows; the runs' ids."""
    feed = registry.feed(name)
    sandbox, problem = queries.answered_by_sandbox(feed)
    if problem:
        log.warning("sync.not_configured", feed=name, reason=problem)
        return []
    if feed.nodes and not feed.nodes.followed(sandbox=sandbox):  # a new installation: first learn what there is to follow
        directory, now = registry.feed(feed.nodes.feed), timezone.now()
        _sync(directory, queries.due_windows(directory, sandbox=sandbox, now=now), trigger=Trigger.SCHEDULE)
    return _sync(feed, queries.due_windows(feed, sandbox=sandbox, now=timezone.now()), trigger=Trigger.SCHEDULE)


@shared_task
def requeue_gaps() -> int:
    """Pull again what is missing and due; the number of windows asked for."""
    gaps = queries.due_gaps(now=timezone.now())
    for (name, sandbox, node_set), rows in groupby(gaps, key=lambda gap: (gap.feed, gap.sandbox, gap.node_set)):
        due = Coverage.objects.filter(pk__in=[gap.pk for gap in rows], next_attempt_at__lte=timezone.now()).select_related("run")
        try:  # read again: another worker may have been there since
            if left := list(due.order_by("window_start")):
                _requeue(registry.feed(name), sandbox, node_set, left)
        except EnergyOptiError as problem:  # a feed that went away, nobody followed: the others' gaps do not wait for it
            log.warning("gaps.not_asked", feed=name, node_set=node_set, reason=problem.detail)
            due.update(next_attempt_at=timezone.now() + coverage.LONGEST_PAUSE)
    return len(gaps)


def _requeue(feed: Feed, sandbox: bool, node_set: str, gaps: list[Coverage]) -> None:
    try:
        reachable = registry.upstream(feed.upstream).endpoint().sandbox == sandbox
    except NotConfigured:
        reachable = False
    if not reachable:  # the other world answers now: these gaps wait until theirs is back
        Coverage.objects.filter(pk__in=[gap.pk for gap in gaps]).update(next_attempt_at=timezone.now() + coverage.LONGEST_PAUSE)
        return
    listed = node_set not in (coverage.FOLLOWED, coverage.ALL)
    nodes = gaps[0].run.nodes if listed and gaps[0].run else None
    if listed and nodes is None:
        raise InvalidInput(f"nobody knows which nodes {node_set} names", field="nodes")
    trigger = Trigger.BACKFILL if all(gap.status == Coverage.Status.PENDING for gap in gaps) else Trigger.GAP
    windows = [Span(gap.window_start, gap.window_end) for gap in gaps]
    _sync(feed, windows, trigger=trigger, nodes=nodes, followed=node_set == coverage.FOLLOWED)


@shared_task
def look_for_restatements() -> int:
    """Pull again the windows of an age at which their source restates; the number of windows."""
    looked_at = 0
    for feed in registry.feeds().values():
        sandbox, problem = queries.answered_by_sandbox(feed)
        if feed.restated_after and not problem:
            for node_set in (coverage.FOLLOWED, coverage.ALL):
                windows = queries.restatable_windows(feed, sandbox=sandbox, node_set=node_set, now=timezone.now())
                _sync(feed, windows, trigger=Trigger.RESTATEMENT, followed=node_set == coverage.FOLLOWED)
                looked_at += len(windows)
    return looked_at


@shared_task
def drop_raw() -> int:
    """Let go of raw answers that are older than their feed keeps them, and of runs that died long ago."""
    dropped = 0
    for feed in registry.feeds().values():
        if feed.keep_raw is None:
            continue
        old = Payload.objects.filter(run__feed=feed.name, dropped_at=None, fetched_at__lt=timezone.now() - feed.keep_raw)
        for payload in old.iterator(chunk_size=500):
            payload.dropped_at = timezone.now()
            payload.save(update_fields=["dropped_at"])
            if not Payload.objects.filter(name=payload.name, dropped_at=None).exists():
                archive.drop(payload.name)
            dropped += 1
    _bury_abandoned()
    return dropped


def _bury_abandoned() -> None:
    """A run whose process died and that nobody took up again has failed."""
    for run in queries.stale_runs(older_than=ABANDONED_AFTER):
        with held_run(run.pk) as dead:
            if dead:
                SyncRun.objects.filter(pk=run.pk, status=SyncRun.Status.RUNNING).update(
                    status=SyncRun.Status.FAILED, finished_at=timezone.now(), error=DIED
                )
                if run.span_start and run.span_end and run.feed in registry.feeds():
                    feed, now = registry.feed(run.feed), timezone.now()
                    windows = feed.windows(Span(run.span_start, run.span_end))
                    coverage.record_untouched(feed=feed, run=run, windows=windows, reason=DIED, now=now)
