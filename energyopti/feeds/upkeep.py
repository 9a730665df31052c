"""What the feed machine does by itself: pull what is due, fill gaps, look for restatements, let go of what is old.

Every function here may be called twice, and by two workers at once: the windows' locks see to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby

import structlog

from energyopti.errors import EnergyOptiError, InvalidInput, NotConfigured
from energyopti.feeds import archive, coverage, queries, registry, runs
from energyopti.feeds.feed import Feed
from energyopti.feeds.models import Coverage, Payload, SyncRun
from energyopti.feeds.runner import Trigger, sync
from energyopti.intervals import Span

log = structlog.get_logger(__name__)

ABANDONED_AFTER = timedelta(days=1)
BATCH = 1000


def pull_due(feed: Feed, *, now: datetime) -> list[int]:
    """Pull what is due of one feed, for the nodes that the installation follows; the runs' ids."""
    sandbox, problem = queries.answered_by_sandbox(feed)
    if problem:
        log.warning("sync.not_configured", feed=feed.name, reason=problem)
        return []
    if feed.nodes and not feed.nodes.followed(sandbox=sandbox):  # a new installation: first learn what there is to follow
        directory = registry.feed(feed.nodes.feed)
        _sync(directory, queries.due_windows(directory, sandbox=sandbox, now=now), trigger=Trigger.SCHEDULE)
    return _sync(feed, queries.due_windows(feed, sandbox=sandbox, now=now), trigger=Trigger.SCHEDULE)


def fill_gaps(*, now: datetime) -> int:
    """Pull again what is missing and due; the number of windows asked for."""
    gaps = queries.due_gaps(now=now)
    for (name, sandbox, node_set), rows in groupby(gaps, key=lambda gap: (gap.feed, gap.sandbox, gap.node_set)):
        asked = [gap.pk for gap in rows]
        try:
            _fill(name, sandbox, node_set, queries.still_due(asked, now=now))
        except EnergyOptiError as problem:  # a feed that went away, nobody followed: the others' gaps do not wait for it
            log.warning("gaps.not_asked", feed=name, node_set=node_set, reason=problem.detail)
            coverage.postpone(asked, now=now)
    return len(gaps)


def _fill(name: str, sandbox: bool, node_set: str, gaps: Sequence[Coverage]) -> None:
    if not gaps:  # another worker has been there since
        return
    feed = registry.feed(name)
    if registry.upstream(feed.upstream).endpoint().sandbox != sandbox:
        raise NotConfigured(f"the {'real' if sandbox else 'sandbox'} {name} answers now; these gaps wait until theirs is back")
    listed = node_set not in (coverage.FOLLOWED, coverage.ALL)
    nodes = gaps[0].run.nodes if listed and gaps[0].run else None
    if listed and nodes is None:
        raise InvalidInput(f"nobody knows which nodes {node_set} names", field="nodes")
    trigger = Trigger.BACKFILL if all(gap.status == Coverage.Status.PENDING for gap in gaps) else Trigger.GAP
    windows = [Span(gap.window_start, gap.window_end) for gap in gaps]
    asked = next((gap.reason for gap in gaps if gap.reason.startswith(coverage.ASKED)), "")
    _sync(feed, windows, trigger=trigger, nodes=nodes, followed=node_set == coverage.FOLLOWED, reason=asked[:500])


def look_for_restatements(feed: Feed, *, now: datetime) -> int:
    """Pull again the windows of an age at which their source restates; the number of windows."""
    sandbox, problem = queries.answered_by_sandbox(feed)
    if not feed.restated_after or problem:
        return 0
    looked_at = 0
    for node_set in (coverage.FOLLOWED, coverage.ALL):
        windows = queries.restatable_windows(feed, sandbox=sandbox, node_set=node_set, now=now)
        _sync(feed, windows, trigger=Trigger.RESTATEMENT, followed=node_set == coverage.FOLLOWED)
        looked_at += len(windows)
    return looked_at


def _sync(
    feed: Feed,
    windows: Iterable[Span],
    *,
    trigger: Trigger,
    nodes: Sequence[int] | None = None,
    followed: bool = True,
    reason: str = "",
) -> list[int]:
    """One run for each stretch of neighbouring windows; the runs' ids."""
    done = []
    for span in _stretches(windows):
        summary = sync(feed, span, nodes=nodes, followed=followed and feed.nodes is not None, trigger=trigger, reason=reason)
        log.info("sync.done", summary=str(summary), error=summary.error)
        done.append(summary.run_id)
    return done


def _stretches(windows: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for window in sorted(windows):
        if joined and joined[-1].end == window.start:
            joined[-1] = Span(joined[-1].start, window.end)
        else:
            joined.append(window)
    return joined


def drop_raw(feed: Feed, *, now: datetime) -> int:
    """Let go of raw answers that are older than the feed keeps them; how many. A person's file cannot be fetched again: it stays."""
    if feed.keep_raw is None:
        return 0
    old = Payload.objects.filter(run__feed=feed.name, dropped_at=None, fetched_at__lt=now - feed.keep_raw)
    old = old.exclude(run__trigger=SyncRun.Trigger.FILE).order_by("pk")
    dropped = 0
    while batch := dict(old.values_list("pk", "name")[:BATCH]):
        others = Payload.objects.filter(name__in=batch.values(), dropped_at=None).exclude(pk__in=batch)
        for name in set(batch.values()) - set(others.values_list("name", flat=True)):
            archive.drop(name)  # first the file: a crash in between leaves a row that is dropped again
        Payload.objects.filter(pk__in=batch).update(dropped_at=now)
        dropped += len(batch)
    return dropped


def bury_abandoned(*, now: datetime) -> None:
    """A run whose process died and that nobody took up again has failed; what it never reached is a gap."""
    for run in queries.unfinished_runs(before=now - ABANDONED_AFTER):
        if runs.bury(run, now=now) and run.span_start and run.span_end and run.feed in registry.feeds():
            feed = registry.feed(run.feed)
            windows = feed.windows(Span(run.span_start, run.span_end))
            coverage.record_untouched(feed=feed, run=run, windows=windows, reason=runs.DIED, now=now)
