"""From a pull's rows to stored windows: cut, store, count, tell."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import structlog
from django.db import DatabaseError, transaction

from energyopti.errors import EnergyOptiError
from energyopti.events.services import publish
from energyopti.feeds import coverage, runs
from energyopti.feeds.feed import Batch, Cut, Feed, Written
from energyopti.feeds.models import Coverage, Quarantine, SyncRun
from energyopti.feeds.progress import Progress
from energyopti.feeds.table import Array, Reject, Table
from energyopti.intervals import Span

log = structlog.get_logger(__name__)

TOPIC = "feeds.window.stored"
_COUNTED = {
    Coverage.Status.COMPLETE: "windows_complete",
    Coverage.Status.RUNNING: "windows_complete",
    Coverage.Status.FAILED: "windows_failed",
}


@dataclass(frozen=True, slots=True)
class Load:
    """What every window of one load has in common."""

    feed: Feed
    run: SyncRun
    nodes: tuple[int, ...] | None
    now: datetime


def cut(feed: Feed, table: Table, windows: Sequence[Span], *, nodes: tuple[int, ...] | None, run: SyncRun) -> list[tuple[Span, Table]]:
    """The rows of each window, in order. Rows outside the windows or the asked nodes are counted, refused ones kept."""
    quarantine(feed, run, table.rejects)
    rows = len(table) + len(table.rejects)
    if nodes is not None and feed.node_column and len(table):
        table = table.take(np.isin(table[feed.node_column], nodes))
    undivided = feed.cut is Cut.SNAPSHOT or not len(table)
    slices = [table for _ in windows] if undivided else _by_window(table, table[feed.time], windows)
    runs.count(run, rows_read=rows, rows_outside=rows - len(table.rejects) - sum(map(len, slices)))
    return list(zip(windows, slices, strict=True))


def _by_window(table: Table, times: Array, windows: Sequence[Span]) -> list[Table]:
    starts = np.array([_naive(window.start) for window in windows], dtype="datetime64[s]")
    ends = np.array([_naive(window.end) for window in windows], dtype="datetime64[s]")
    place = np.searchsorted(starts, times, side="right") - 1
    place[(place >= 0) & (times >= ends[place])] = -1
    if len(windows) == 1:
        inside = place == 0
        return [table if inside.all() else table.take(inside)]
    order = np.argsort(place, kind="stable")
    bounds = np.searchsorted(place[order], np.arange(len(windows) + 1))
    return [table.take(order[bounds[i] : bounds[i + 1]]) for i in range(len(windows))]


def _naive(instant: datetime) -> datetime:
    """numpy's datetime64 is UTC without saying so."""
    return instant.replace(tzinfo=None)


def quarantine(feed: Feed, run: SyncRun, rejects: Sequence[Reject]) -> None:
    """Keep refused rows word for word; a row that was refused before is kept once."""
    rows = [
        Quarantine(
            run=run,
            feed=feed.name,
            sandbox=run.sandbox,
            row=reject.row,
            raw=reject.raw,
            field=reject.field,
            code=reject.code,
            reason=reject.reason[:500],
            digest=hashlib.sha256(f"{reject.code}\n{reject.raw}".encode()).hexdigest(),
        )
        for reject in rejects
    ]
    Quarantine.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
    runs.count(run, quarantined=len(rows))


def load_windows(load: Load, slices: Sequence[tuple[Span, Table]], *, progress: Progress) -> Iterator[str]:
    """Store each window in a transaction of its own; yields the reason of each that could not be stored."""
    for window, table in slices:
        try:
            load.feed.store.prepare(load.feed, window)
            with transaction.atomic():
                _load(load, window, table)
        except (EnergyOptiError, DatabaseError) as problem:
            reason = f"{load.feed.window_day(window)}: {problem}".strip()
            log.exception("window.failed", feed=load.feed.name, run=load.run.pk, window=str(window))
            coverage.record_failure(feed=load.feed, run=load.run, windows=[window], reason=reason, now=load.now)
            runs.count(load.run, windows_failed=1)
            yield reason
        progress.windows(1)


def _load(load: Load, window: Span, table: Table) -> None:
    """One window: rows, coverage, event and counters stand or fall together."""
    batch = Batch(load.feed, window, table, load.nodes, load.run.sandbox, load.run.pk, load.now)
    written = load.feed.store.write(batch)
    status = coverage.record(feed=load.feed, run=load.run, window=window, written=written, now=load.now)
    if written.touched:
        publish(topic=TOPIC, sandbox=load.run.sandbox, payload=_told(load, window, written, status))
    runs.count(
        load.run,
        stored_new=written.new,
        stored_changed=written.changed,
        stored_revisions=written.revisions,
        rows_flagged=written.flagged,
        **{_COUNTED.get(Coverage.Status(status), "windows_incomplete"): 1},
    )


def _told(load: Load, window: Span, written: Written, status: str) -> dict[str, object]:
    return {
        "feed": load.feed.name,
        "run": load.run.pk,
        "window_start": window.start.isoformat(),
        "window_end": window.end.isoformat(),
        "status": status,
        "new": written.new,
        "changed": written.changed,
        "revisions": written.revisions,
    }
