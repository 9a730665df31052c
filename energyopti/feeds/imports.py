"""Two side doors of the one way in: a hand-made file enters at `parse`, a replay at `archive`."""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from django.db import DatabaseError

from energyopti.errors import ArchiveDamaged, EnergyOptiError, InvalidInput, MalformedAnswer
from energyopti.feeds import archive, files, registry, runs
from energyopti.feeds.coverage import FROM_FILE
from energyopti.feeds.feed import Cut, Feed, NodeSet
from energyopti.feeds.locks import held_windows
from energyopti.feeds.models import Payload, SyncRun
from energyopti.feeds.progress import Progress, Silent
from energyopti.feeds.pulls import agreed, archived
from energyopti.feeds.runs import Summary, now_utc
from energyopti.feeds.table import Table, concat
from energyopti.feeds.windows import Load, cut, load_windows
from energyopti.intervals import Span

if TYPE_CHECKING:
    from energyopti.organisations.models import User


def import_file(
    feed: Feed,
    path: Path,
    *,
    user: User | None = None,
    reason: str = "",
    progress: Progress | None = None,
    clock: Callable[[], datetime] = now_utc,
) -> Summary:
    """Load a file that a person exported: CSV, XLSX or saved JSON, gzipped or not. Its rows are real, never sandbox.

    The file is archived as it is. A file imported twice changes nothing. Raises InvalidInput when there is no such
    file; what is wrong inside it stands in the Summary: a structural surprise refuses the whole file.
    """
    started = time.monotonic()
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise InvalidInput(f"{path}: {problem.strerror}", field="path") from None
    kept = archive.put(content)
    with runs.opened(
        feed=feed,
        sandbox=False,
        trigger=SyncRun.Trigger.FILE,
        nodes=NodeSet(f"{FROM_FILE}{kept.sha256[:12]}"),
        span=None,
        source=path.name,
        user=user,
        reason=reason,
    ) as run:
        payload = {"url": f"file:{path.name}", "name": kept.name, "sha256": kept.sha256, "size": kept.size, "rows": 0, "total_rows": 0}
        run.payloads.get_or_create(pull=kept.sha256, start_row=1, defaults=payload)
        return _load(feed, run, _from_file(feed, content, path.name, run), started, progress or Silent(), clock)


def replay(
    feed: Feed,
    run_id: int,
    *,
    user: User | None = None,
    reason: str = "",
    progress: Progress | None = None,
    clock: Callable[[], datetime] = now_utc,
) -> Summary:
    """Parse and store again what run `run_id` archived, without the upstream. Raises InvalidInput for an unknown run."""
    started = time.monotonic()
    source = SyncRun.objects.filter(pk=run_id, feed=feed.name).first()
    if source is None:
        raise InvalidInput(f"{feed.name} has no run {run_id}", field="run")
    if not source.payloads.exists():
        raise InvalidInput(f"run {run_id} has nothing archived; replay run {source.of_run_id or 'another'} instead", field="run")
    nodes = NodeSet(source.node_set, tuple(source.nodes) if source.nodes is not None else None)
    with runs.opened(
        feed=feed,
        sandbox=source.sandbox,
        trigger=SyncRun.Trigger.REPLAY,
        nodes=nodes,
        span=None,
        source=f"archive of run {run_id}",
        of_run=source,
        user=user,
        reason=reason,
    ) as run:
        return _load(feed, run, _from_archive(feed, source), started, progress or Silent(), clock)


def _load(feed: Feed, run: SyncRun, tables: Iterator[Table], started: float, progress: Progress, clock: Callable[[], datetime]) -> Summary:
    """Cut by window, lock, store: the same steps as behind a pull, one table at a time."""
    errors: list[str] = []
    seen: list[Span] = []
    progress.start(0)
    while True:
        try:
            table = next(tables, None)
            if table is None:
                break
            windows = _windows(feed, table, run, clock())
            nodes = _nodes(feed, table, run)
            with held_windows(feed, windows, sandbox=run.sandbox, wait=True):
                load = Load(feed=feed, run=run, nodes=nodes, now=clock())
                errors += load_windows(load, cut(feed, table, windows, nodes=nodes, run=run), progress=progress)
            seen += windows
        except (EnergyOptiError, DatabaseError) as problem:
            errors.append(str(problem).strip())
    progress.stop()
    if seen:
        SyncRun.objects.filter(pk=run.pk).update(span_start=min(seen).start, span_end=max(seen).end)
    return runs.close(run, windows=len(seen), busy=0, answered=0, error="; ".join(errors), seconds=time.monotonic() - started)


def _windows(feed: Feed, table: Table, run: SyncRun, now: datetime) -> list[Span]:
    """The windows that the rows lie in, those without any left out."""
    if not len(table):
        cut(feed, table, [], nodes=None, run=run)  # the refused rows are all there is: keep them
        raise MalformedAnswer(f"no row could be read; {len(table.rejects)} were refused" if table.rejects else "there are no rows in it")
    if feed.cut is Cut.SNAPSHOT:
        moment = run.of_run.started_at if run.of_run else now
        return feed.windows(Span(moment, moment + timedelta(microseconds=1)))
    times = np.unique(table[feed.time])
    first, last = (datetime.fromisoformat(f"{time}+00:00") for time in (times[0], times[-1]))
    windows = feed.windows(Span(first, last + (feed.step or (last - first))))
    starts = np.array([window.start.replace(tzinfo=None) for window in windows], dtype="datetime64[s]")
    filled = set(np.unique(np.searchsorted(starts, times, side="right") - 1).tolist())
    return [window for place, window in enumerate(windows) if place in filled]


def _nodes(feed: Feed, table: Table, run: SyncRun) -> tuple[int, ...] | None:
    """What the rows are complete against: the nodes asked for, or those a file holds."""
    if run.nodes is not None:
        return tuple(run.nodes)
    if not feed.node_column or feed.cut is Cut.SNAPSHOT or not run.node_set.startswith(FROM_FILE):
        return None
    return tuple(np.unique(table[feed.node_column]).tolist())


class _Tables(Iterator[Table]):
    """Tables one by one; one that cannot be read raises, and the next can still be asked for (a generator could not)."""

    def __init__(self, readers: Iterable[Callable[[], Table]]) -> None:
        self._readers = iter(readers)

    def __next__(self) -> Table:
        return next(self._readers)()


def _from_file(feed: Feed, content: bytes, name: str, run: SyncRun) -> Iterator[Table]:
    """The file's rows in one table."""

    def read() -> Table:
        table = files.read(feed, content, name)
        rows = len(table) + len(table.rejects)
        run.payloads.update(rows=rows, total_rows=rows)
        return table

    return _Tables([read])


def _from_archive(feed: Feed, source: SyncRun) -> Iterator[Table]:
    """The last answer to each of the run's questions, in one table each; a file is read as a file again."""
    upstream = registry.upstream(feed.upstream)

    def read(pages: list[Payload]) -> Table:
        if source.trigger == SyncRun.Trigger.FILE:
            return files.read(feed, _raw(pages[0]), pages[0].url.removeprefix("file:"))
        parts = itertools.groupby(pages, key=lambda page: page.part)
        return concat([agreed([upstream.parse(feed, _raw(page), page.headers) for page in part], feed) for _, part in parts])

    return _Tables(functools.partial(read, pages) for pages in archived(source))


def _raw(payload: Payload) -> bytes:
    if payload.dropped_at:
        raise ArchiveDamaged(f"the raw answers of run {payload.run_id} were dropped on {payload.dropped_at:%Y-%m-%d} (retention)")
    return archive.get(name=payload.name, sha256=payload.sha256)
