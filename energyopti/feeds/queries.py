"""What came in, what is missing: reads for commands, pages and the admin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Max, Q
from django.utils import timezone

from energyopti.errors import NotConfigured
from energyopti.feeds import registry
from energyopti.feeds.coverage import ALL, FOLLOWED
from energyopti.feeds.feed import Cut, Feed, Licence
from energyopti.feeds.models import Coverage, SyncRun
from energyopti.intervals import Span

LONGEST_OUTAGE = timedelta(days=60)  # beyond, a person asks for the backfill


@dataclass(frozen=True, slots=True)
class FeedOverview:
    """One feed at a glance. `complete` of `total` windows are whole; None for a feed that cannot be reached, and why."""

    name: str
    title: str
    upstream: str
    cadence: str
    licence: Licence
    sandbox: bool
    problem: str
    last_run_id: int | None
    last_run_status: str
    last_run_at: datetime | None
    complete: int
    total: int


def feed_overview() -> list[FeedOverview]:
    """Every declared feed by name, real where it has run for real, else sandbox where that answers."""
    runs = {(run.feed, run.sandbox): run for run in SyncRun.objects.filter(pk__in=_last_runs())}
    windows = _windows_by_feed()
    return [_overview(feed, runs, windows) for feed in registry.feeds().values()]


def _last_runs() -> list[int]:
    return list(SyncRun.objects.values("feed", "sandbox").annotate(last=Max("pk")).values_list("last", flat=True))


def _windows_by_feed() -> dict[tuple[str, bool], tuple[int, int]]:
    whole = Q(status__in=[Coverage.Status.COMPLETE, Coverage.Status.RUNNING])
    rows = Coverage.objects.values_list("feed", "sandbox").annotate(complete=Count("pk", filter=whole), total=Count("pk"))
    return {(feed, sandbox): (complete, total) for feed, sandbox, complete, total in rows}


def _overview(feed: Feed, runs: dict[tuple[str, bool], SyncRun], windows: dict[tuple[str, bool], tuple[int, int]]) -> FeedOverview:
    sandbox, problem = answered_by_sandbox(feed)
    run = runs.get((feed.name, sandbox))
    complete, total = windows.get((feed.name, sandbox), (0, 0))
    return FeedOverview(
        name=feed.name,
        title=feed.title,
        upstream=registry.upstream(feed.upstream).title,
        cadence=feed.cadence,
        licence=feed.licence,
        sandbox=sandbox,
        problem=problem,
        last_run_id=run.pk if run else None,
        last_run_status=run.status if run else "",
        last_run_at=run.started_at if run else None,
        complete=complete,
        total=total,
    )


def answered_by_sandbox(feed: Feed) -> tuple[bool, str]:
    """Whether the feed is answered by the sandbox now, and what keeps it from being answered at all."""
    try:
        return registry.upstream(feed.upstream).endpoint().sandbox, ""
    except NotConfigured as problem:
        return False, problem.detail


def has_real_run(feed: str) -> bool:
    """Whether a real pull or file has brought anything: from then on queries answer with real data only."""
    done = [SyncRun.Status.COMPLETE, SyncRun.Status.INCOMPLETE]
    return SyncRun.objects.filter(feed=feed, sandbox=False, status__in=done).exists()


def due_windows(feed: Feed, *, sandbox: bool, now: datetime) -> list[Span]:
    """The windows a scheduled pull is for: those that should be whole by now and are not, and a live feed's running one.

    It looks back as far as the feed declares, and over any time in which nothing ran.
    """
    if feed.cut is Cut.SNAPSHOT:
        return feed.windows(Span(now, now + timedelta(microseconds=1)))
    standing = Coverage.objects.filter(feed=feed.name, sandbox=sandbox, node_set__in=[FOLLOWED, ALL])
    newest = standing.aggregate(newest=Max("window_end"))["newest"] or now
    start = min(now - timedelta(days=feed.lookback), max(newest, now - (feed.retention or LONGEST_OUTAGE)))
    horizon = now - min(feed.lag, timedelta(0))  # a day-ahead market publishes windows that have not begun
    windows = feed.windows(Span(start, horizon + timedelta(days=1)))
    whole = set(standing.filter(status=Coverage.Status.COMPLETE, window_start__gte=windows[0].start).values_list("window_start", flat=True))
    return [window for window in windows if window.start not in whole and _to_be_had(feed, window, now)]


def _to_be_had(feed: Feed, window: Span, now: datetime) -> bool:
    return window.end + feed.lag <= now or (feed.live and now in window)


def restatable_windows(feed: Feed, *, sandbox: bool, now: datetime) -> list[Span]:
    """Windows of an age at which the source is known to restate."""
    starts = [feed.windows(Span(now - timedelta(days=days), now))[0].start for days in feed.restated_after]
    rows = Coverage.objects.filter(
        feed=feed.name, sandbox=sandbox, node_set__in=[FOLLOWED, ALL], status=Coverage.Status.COMPLETE, window_start__in=starts
    )
    return [Span(row.window_start, row.window_end) for row in rows.order_by("window_start")]


def due_gaps(*, now: datetime, limit: int = 500) -> Sequence[Coverage]:
    """Windows whose next attempt is due, oldest first, with the run that says which nodes they are about."""
    return list(
        Coverage.objects.filter(next_attempt_at__lte=now)
        .select_related("run")
        .order_by(F("feed"), F("sandbox"), F("node_set"), F("window_start"))[:limit]
    )


def sandbox_marks() -> list[str]:
    """The feeds that the sandbox answers now: every page and answer that shows them says so."""
    return [feed.name for feed in registry.feeds().values() if answered_by_sandbox(feed)[0]]


def stale_runs(*, older_than: timedelta) -> list[SyncRun]:
    """Runs that look unfinished for longer than any run takes."""
    return list(SyncRun.objects.filter(status=SyncRun.Status.RUNNING, started_at__lt=timezone.now() - older_than))
