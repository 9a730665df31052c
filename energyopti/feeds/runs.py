"""The life of a run: opened or taken up again, counted, closed; and what it comes to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from energyopti.feeds.feed import Feed, NodeSet
from energyopti.feeds.locks import held_run
from energyopti.feeds.models import SyncRun
from energyopti.intervals import Span

if TYPE_CHECKING:
    from energyopti.organisations.models import User

DIED = "the process that worked on it died"
_COUNTED_ANEW = ("windows_complete", "windows_incomplete", "windows_failed", "windows_busy", "rows_read", "rows_outside", "quarantined")


def now_utc() -> datetime:
    """The clock, looked up when it is asked, so that a test can stop it."""
    return timezone.now()


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run came to. `answered` windows were whole already and young enough to be answered from the store."""

    feed: str
    run_id: int
    status: str
    sandbox: bool
    windows: int
    complete: int
    answered: int
    incomplete: int
    failed: int
    busy: int
    requests: int
    rows_read: int
    new: int
    changed: int
    revisions: int
    flagged: int
    quarantined: int
    seconds: float
    error: str

    @property
    def exit_code(self) -> int:
        """0 complete, 3 loaded but rows were quarantined or a window is incomplete, 1 failed."""
        if self.status == SyncRun.Status.FAILED:
            return 1
        return 0 if self.status == SyncRun.Status.COMPLETE and not self.quarantined else 3

    def __str__(self) -> str:
        parts = [
            f"{self.feed} run {self.run_id}{' [sandbox]' if self.sandbox else ''}: {self.status}",
            f"windows {self.complete}/{self.windows} complete" + (f" ({self.answered} already in the store)" if self.answered else ""),
            *(
                f"{count} {what}"
                for count, what in ((self.incomplete, "incomplete"), (self.failed, "failed"), (self.busy, "busy"))
                if count
            ),
            f"{self.rows_read} rows read in {self.requests} requests",
            f"{self.new} new, {self.changed} changed, {self.revisions} older versions",
            f"{self.quarantined} quarantined",
            *([f"{self.flagged} prices flagged"] if self.flagged else []),
            f"{self.seconds:.1f} s",
        ]
        return ", ".join(parts)


@contextmanager
def opened(
    *,
    feed: Feed,
    sandbox: bool,
    trigger: str,
    nodes: NodeSet,
    span: Span | None,
    source: str,
    of_run: SyncRun | None = None,
    user: User | None = None,
    reason: str = "",
) -> Iterator[SyncRun]:
    """A run in this process's hands. An unfinished run for the same question, whose process died, goes on instead of a new one."""
    asked = {"feed": feed.name, "sandbox": sandbox, "node_set": nodes.label, "of_run": of_run}
    asked["nodes"] = list(nodes.ids) if nodes.ids is not None else None
    asked |= {"span_start": span.start if span else None, "span_end": span.end if span else None, "source": source}
    for unfinished in SyncRun.objects.filter(status=SyncRun.Status.RUNNING, **asked).order_by("-id")[:3]:
        with held_run(unfinished.pk) as held:
            mine = SyncRun.objects.filter(pk=unfinished.pk, status=SyncRun.Status.RUNNING) if held else SyncRun.objects.none()
            if mine.update(attempts=F("attempts") + 1, **dict.fromkeys(_COUNTED_ANEW, 0)):
                unfinished.refresh_from_db()
                yield unfinished
                return
    with ExitStack() as lock:
        with transaction.atomic():  # locked before anybody else can see it
            run = SyncRun.objects.create(trigger=trigger, user=user, reason=reason, **asked)
            lock.enter_context(held_run(run.pk))
        yield run


def bury(run: SyncRun, *, now: datetime) -> bool:
    """Close a run that nobody works on any more; False while somebody does."""
    with held_run(run.pk) as dead:
        unfinished = SyncRun.objects.filter(pk=run.pk, status=SyncRun.Status.RUNNING)
        return dead and bool(unfinished.update(status=SyncRun.Status.FAILED, finished_at=now, error=DIED))


def count(run: SyncRun, **amounts: int) -> None:
    """Add to the run's counters, in the caller's transaction."""
    if amounts := {name: amount for name, amount in amounts.items() if amount}:
        SyncRun.objects.filter(pk=run.pk).update(**{name: F(name) + amount for name, amount in amounts.items()})


def close(run: SyncRun, *, windows: int, busy: int, answered: int, error: str, seconds: float) -> Summary:
    """Write down how the run ended, from the coverage it left behind."""
    run.refresh_from_db()
    run.windows_total, run.windows_busy, run.error = windows, busy, error
    run.windows_complete += answered
    run.status = _status(run)
    run.finished_at = timezone.now()
    run.save()
    return Summary(
        feed=run.feed,
        run_id=run.pk,
        status=run.status,
        sandbox=run.sandbox,
        windows=windows,
        answered=answered,
        busy=busy,
        requests=run.requests,
        rows_read=run.rows_read,
        new=run.stored_new,
        changed=run.stored_changed,
        revisions=run.stored_revisions,
        flagged=run.rows_flagged,
        quarantined=run.quarantined,
        seconds=seconds,
        error=error,
        complete=run.windows_complete,
        incomplete=run.windows_incomplete,
        failed=run.windows_failed,
    )


def _status(run: SyncRun) -> str:
    if run.windows_complete == run.windows_total and not run.error:
        return SyncRun.Status.COMPLETE
    nothing_loaded = not (run.windows_complete or run.windows_incomplete or run.windows_busy)
    return SyncRun.Status.FAILED if nothing_loaded else SyncRun.Status.INCOMPLETE
