"""What came in, what is missing: reads for commands, pages and the admin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, F, Max, Min, Q, Sum, Value

from energyopti.errors import NotConfigured
from energyopti.feeds import registry
from energyopti.feeds.coverage import ALL, FOLLOWED
from energyopti.feeds.feed import Cut, Feed, Licence
from energyopti.feeds.models import Coverage, Quarantine, SyncRun
from energyopti.intervals import Span

LONGEST_OUTAGE = timedelta(days=60)  # beyond, a person asks for the backfill
CAUGHT_UP = timedelta(days=14)  # a missed look-up is made up for so long


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
    last = SyncRun.objects.values("feed", "sandbox").annotate(last=Max("pk")).values("last")
    runs = {(run.feed, run.sandbox): run for run in SyncRun.objects.filter(pk__in=last)}
    windows = _windows_by_feed()
    return [_overview(feed, runs, windows) for feed in registry.feeds().values()]


def _windows_by_feed() -> dict[tuple[str, bool], tuple[int, int]]:
    """(complete, all) of those that have ended: one that runs is neither whole nor a gap."""
    whole, over = Q(status=Coverage.Status.COMPLETE), ~Q(status=Coverage.Status.RUNNING)
    rows = Coverage.objects.values_list("feed", "sandbox").annotate(complete=Count("pk", filter=whole), total=Count("pk", filter=over))
    return {(feed, sandbox): (complete, total) for feed, sandbox, complete, total in rows}


def _overview(feed: Feed, runs: dict[tuple[str, bool], SyncRun], windows: dict[tuple[str, bool], tuple[int, int]]) -> FeedOverview:
    answers, problem = answered_by_sandbox(feed)
    sandbox = answers and (feed.name, False) not in runs  # a real file counts, though the sandbox answers
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
    oldest = standing.filter(node_set=FOLLOWED).aggregate(oldest=Min("window_start"))["oldest"] or now
    near = now - timedelta(days=feed.lookback)
    start = min(near, max(oldest, now - (feed.retention or LONGEST_OUTAGE)))
    horizon = now - min(feed.lag, timedelta(0))  # a day-ahead market publishes windows that have not begun
    windows = feed.windows(Span(start, horizon + timedelta(days=1)))
    # near by: what is not whole; farther back: what nobody has looked at (what was looked at is a gap, with a time of its own)
    seen = standing.filter(Q(status=Coverage.Status.COMPLETE) | Q(window_end__lte=near), window_start__gte=windows[0].start)
    done = set(seen.values_list("window_start", flat=True))
    return [window for window in windows if window.start not in done and _to_be_had(feed, window, now)]


def _to_be_had(feed: Feed, window: Span, now: datetime) -> bool:
    return window.end + feed.lag <= now or (feed.live and now in window)


def restatable_windows(feed: Feed, *, sandbox: bool, node_set: str, now: datetime) -> list[Span]:
    """Whole windows that nobody looked at since they came to an age at which the source restates: late rather than never."""
    whole = Coverage.objects.filter(feed=feed.name, sandbox=sandbox, node_set=node_set, status=Coverage.Status.COMPLETE)
    due = Q(pk__in=[])
    for age in (timedelta(days=days) for days in feed.restated_after):
        due |= Q(window_start__lte=now - age, window_start__gt=now - age - CAUGHT_UP, checked_at__lt=F("window_start") + age)
    return [Span(row.window_start, row.window_end) for row in whole.filter(due).order_by("window_start")]


def due_gaps(*, now: datetime, limit: int = 500) -> Sequence[Coverage]:
    """Windows whose next attempt is due, oldest first, with the run that says which nodes they are about."""
    return list(
        Coverage.objects.filter(next_attempt_at__lte=now)
        .select_related("run")
        .order_by(F("feed"), F("sandbox"), F("node_set"), F("window_start"))[:limit]
    )


def still_due(ids: Sequence[int], *, now: datetime) -> list[Coverage]:
    """Those of these gaps that nobody has tried since, oldest first."""
    due = Coverage.objects.filter(pk__in=ids, next_attempt_at__lte=now)
    return list(due.select_related("run").order_by("window_start"))


def sandbox_marks() -> list[str]:
    """The feeds that the sandbox answers now: every page and answer that shows them says so."""
    return [feed.name for feed in registry.feeds().values() if answered_by_sandbox(feed)[0]]


def unfinished_runs(*, before: datetime) -> list[SyncRun]:
    """Runs that began before an instant and look unfinished."""
    return list(SyncRun.objects.filter(status=SyncRun.Status.RUNNING, started_at__lt=before))


# --- what the pages show ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DayCoverage:
    """One window of one feed over all its node sets: `status` is the worst of theirs."""

    feed: str
    sandbox: bool
    window_start: datetime
    expected: int
    stored: int
    status: str
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Rows of one feed that were refused for one reason."""

    feed: str
    sandbox: bool
    code: str
    rows: int
    newest: datetime


@dataclass(frozen=True, slots=True)
class Attention:
    """What a person should look at: runs that failed since, windows that wait for another attempt, rows refused since."""

    failed: int
    gaps: int
    refused: int


# of a day that runs the next attempt is the next look, and no gap
GAPS = Q(next_attempt_at__isnull=False) & ~Q(status=Coverage.Status.RUNNING)
# the worst first
WORST = ("failed", "lost", "incomplete", "pending", "running", "complete")


def coverage_by_window(*, since: datetime) -> list[DayCoverage]:
    """Every window that begins at or after an instant, by feed and time, its node sets counted together. One query."""
    rows = (
        Coverage.objects.filter(window_start__gte=since)
        .values_list("feed", "sandbox", "window_start")
        .annotate(
            expected_rows=Sum("expected"),
            stored_rows=Sum("stored"),
            statuses=ArrayAgg("status", distinct=True),
            next=Min("next_attempt_at"),
        )
        .order_by("feed", "sandbox", "window_start")
    )
    return [
        DayCoverage(feed, sandbox, start, expected, stored, min(statuses, key=WORST.index), attempt)
        for feed, sandbox, start, expected, stored, statuses, attempt in rows
    ]


def last_runs(*, limit: int) -> list[SyncRun]:
    """The newest runs of all feeds, newest first, with who started them."""
    return list(SyncRun.objects.select_related("user").order_by("-pk")[:limit])


def refused_rows() -> list[Refused]:
    """The quarantine by feed and reason, the newest reason first."""
    grouped = Quarantine.objects.values_list("feed", "sandbox", "code").annotate(rows=Count("pk"), newest=Max("created_at"))
    return [Refused(*row) for row in grouped.order_by("-newest")]


def newest_refused(*, limit: int, raw: bool) -> list[Quarantine]:
    """The newest refused rows; their own words only where `raw`: they are an upstream's or a person's data."""
    rows = Quarantine.objects.order_by("-pk")
    return list((rows if raw else rows.defer("raw"))[:limit])


def attention(*, since: datetime) -> Attention:
    """Gaps are counted whenever they began. One query."""
    failed = SyncRun.objects.filter(status=SyncRun.Status.FAILED, started_at__gte=since)
    counts = [
        rows.order_by().values(what=Value(what)).annotate(rows=Count("pk"))
        for what, rows in (
            ("failed", failed),
            ("gaps", Coverage.objects.filter(GAPS)),
            ("refused", Quarantine.objects.filter(created_at__gte=since)),
        )
    ]
    found = {row["what"]: row["rows"] for row in counts[0].union(*counts[1:], all=True)}
    return Attention(*(found.get(what, 0) for what in ("failed", "gaps", "refused")))


def gaps_waiting(*, limit: int) -> list[Coverage]:
    """Windows that wait for another attempt, the next one first."""
    return list(Coverage.objects.filter(GAPS).order_by("next_attempt_at", "feed", "window_start")[:limit])
