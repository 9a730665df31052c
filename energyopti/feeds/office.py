"""What the back office shows of the feed machine: reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q

from energyopti.feeds import coverage, queries, registry
from energyopti.feeds.models import Coverage, Payload, Quarantine, SyncRun, Upload
from energyopti.feeds.queries import FeedOverview
from energyopti.intervals import Span

SHOWN = 50


@dataclass(frozen=True, slots=True)
class FeedLine:
    overview: FeedOverview
    quirks: Sequence[str]


def feed_lines() -> list[FeedLine]:
    return [FeedLine(overview, registry.feed(overview.name).quirks) for overview in queries.feed_overview()]


@dataclass(frozen=True, slots=True)
class Standing:
    """How far something has come: `total` None where nobody knows yet."""

    done: int
    total: int | None
    text: str
    finished: bool

    def as_json(self) -> dict[str, Any]:
        return {"done": self.done, "total": self.total, "text": self.text, "finished": self.finished}


def run_standing(run: SyncRun) -> Standing:
    done = run.windows_complete + run.windows_incomplete + run.windows_failed
    total = run.windows_total or _windows(run)
    words = f"{done} of {total} windows" if total else f"{done} windows"
    counted = f"{words}, {run.rows_read:,} rows read in {run.requests} requests, {run.quarantined} refused"
    return Standing(done, total or None, counted, run.status != SyncRun.Status.RUNNING)


def _windows(run: SyncRun) -> int:
    """How many windows an unfinished run is for."""
    if not run.span_start or not run.span_end or run.feed not in registry.feeds():
        return 0
    return len(registry.feed(run.feed).windows(Span(run.span_start, run.span_end)))


def upload_standing(upload: Upload) -> Standing:
    days = f"{upload.windows_done} market days stored" if upload.windows_done else upload.get_status_display()
    return Standing(upload.windows_done, None, days, upload.status not in (Upload.Status.QUEUED, Upload.Status.RUNNING))


@dataclass(frozen=True, slots=True)
class RunDetail:
    """What hangs on a run, the first fifty of each kind, and how many there are."""

    payloads: Sequence[Payload]
    payloads_total: int
    refused: Sequence[Quarantine]
    refused_total: int
    windows: Sequence[Coverage]
    windows_total: int


def run_detail(run: SyncRun) -> RunDetail:
    payloads, refused, windows = run.payloads.order_by("pk"), run.quarantine.order_by("pk"), run.coverage.order_by("window_start")
    return RunDetail(
        list(payloads[:SHOWN]), payloads.count(), list(refused[:SHOWN]), refused.count(), list(windows[:SHOWN]), windows.count()
    )


def same_file(upload: Upload) -> Upload | None:
    """An earlier upload of the same bytes to the same feed that was loaded."""
    loaded = Upload.objects.filter(feed=upload.feed, sha256=upload.sha256, status=Upload.Status.DONE, pk__lt=upload.pk)
    return loaded.order_by("-pk").first()


def turns_real(feed: str) -> bool:
    """Whether a first real file would end the feed's sandbox: from then on it answers with real data only."""
    if feed not in registry.feeds():
        return False
    return queries.answered_by_sandbox(registry.feed(feed))[0] and not queries.has_real_run(feed)


# --- a few words for the index ---------------------------------------------------------------------


def runs_note() -> str:
    running = Q(status=SyncRun.Status.RUNNING)
    counted = SyncRun.objects.filter(running | Q(pk__in=SyncRun.objects.order_by("-pk").values("pk")[:1]))
    rows = list(counted.order_by("-pk").values_list("status", "started_at"))
    if not rows:
        return "none yet"
    under_way = sum(status == SyncRun.Status.RUNNING for status, _ in rows)
    return f"last {rows[0][1]:%Y-%m-%d %H:%MZ}, {rows[0][0]}" + (f"; {under_way} under way" if under_way else "")


def gaps_note() -> str:
    kinds = dict(coverage.pullable(Coverage.objects.all()).order_by().values_list("status").annotate(windows=Count("pk")))
    return ", ".join(f"{windows} {status}" for status, windows in sorted(kinds.items())) or "nothing"


def refused_note(*, now: datetime) -> str:
    rows = Quarantine.objects.filter(created_at__gt=now - timedelta(days=7)).count()
    return f"{rows} rows in the last 7 days"


def uploads_note() -> str:
    waiting = Upload.objects.filter(status=Upload.Status.CHECKED).count()
    return f"{waiting} waiting for a word" if waiting else ""


def feeds_note() -> str:
    problems = sum(bool(queries.answered_by_sandbox(feed)[1]) for feed in registry.feeds().values())
    return f"{problems} cannot be reached" if problems else ""
