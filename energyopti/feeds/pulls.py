"""Fetching one pull: page by page through the archive, until its pages agree."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import structlog
from django.utils import timezone

from energyopti.errors import ArchiveDamaged, MalformedAnswer, SnapshotMismatch, StructureChanged
from energyopti.feeds import archive, runs
from energyopti.feeds.client import Client
from energyopti.feeds.feed import Answer, Feed, Page, Pull
from energyopti.feeds.models import Payload, SyncRun
from energyopti.feeds.progress import Progress
from energyopti.feeds.table import Array, Table, concat

log = structlog.get_logger(__name__)

ATTEMPTS = 3
FRESH = timedelta(hours=1)
# A cached answer is keyed by the whole question: another page size gets round a stale one (gridstatus 0.37.0 does the same).
SMALLER_PAGE = 137


@dataclass(frozen=True, slots=True)
class Fetch:
    """What fetching needs to hand: the run that pays for it and the connection."""

    run: SyncRun
    client: Client
    progress: Progress


def pull_id(pull: Pull) -> str:
    """The question without its paging."""
    question = [pull.feed.name, *map(str, pull.spans), *sorted(f"{name}={value}" for name, value in pull.params.items())]
    return hashlib.sha256("\n".join(question).encode()).hexdigest()


def fetch(pull: Pull, by: Fetch) -> Table:
    """Every row of the pull. Pages that a dead process archived are not fetched again.

    Raises SnapshotMismatch or MalformedAnswer when the pages still disagree at the last attempt, StructureChanged,
    UpstreamRefused and UpstreamUnreachable at once.
    """
    first = _first_attempt(pull, by.run)
    for attempt in range(first, first + ATTEMPTS):
        try:
            return concat([_whole(pull, by, attempt, part) for part in range(len(pull.spans))])
        except StructureChanged:
            raise
        except (SnapshotMismatch, MalformedAnswer, ArchiveDamaged) as problem:
            log.warning("pull.repeated", feed=pull.feed.name, attempt=attempt, reason=str(problem))
            failure = problem
    raise failure


def _first_attempt(pull: Pull, run: SyncRun) -> int:
    """The attempt to go on with: that of a process that died lately, else a new one.

    Pages that have lain for longer no longer say what the upstream says, and may not be stored as today's truth.
    """
    last = run.payloads.filter(pull=pull_id(pull)).order_by("-attempt", "fetched_at").values_list("attempt", "fetched_at").first()
    if last is None:
        return 1
    attempt, fetched_at = last
    return attempt if fetched_at > timezone.now() - FRESH else attempt + 1


def _whole(pull: Pull, by: Fetch, attempt: int, part: int) -> Table:
    """All pages of one span."""
    pages: list[Page] = []
    got = 0
    with ThreadPoolExecutor(1) as ahead:
        question = _Question(pull, by, attempt, part, ahead)
        while not pages or got < pages[0].total_rows:
            pages.append(page := question.page(got + 1, known_total=pages[0].total_rows if pages else 0))
            if not page.rows or page.total_rows != pages[0].total_rows:
                break  # asking on is of no use: they will not agree
            got += page.rows
    return agreed(pages, pull.feed)


def agreed(pages: Sequence[Page], feed: Feed) -> Table:
    """The rows of pages that make one whole: same totalRows, sum right, no key twice. Raises SnapshotMismatch."""
    totals = sorted({page.total_rows for page in pages})
    if len(totals) > 1:
        raise SnapshotMismatch(f"the pages of one answer disagree: totalRows is {' and '.join(map(str, totals))}")
    if (rows := sum(page.rows for page in pages)) != totals[0]:
        raise SnapshotMismatch(f"{rows} rows came, but totalRows is {totals[0]}")
    table = concat([page.table for page in pages])
    if twice := doubled(table, feed.key):
        raise SnapshotMismatch(f"{twice} rows came twice (same {', '.join(feed.key)})")
    return table


@dataclass(slots=True)
class _Question:
    """One span of a pull, page by page. The next page is on its way, and unpacked, while this one is parsed."""

    pull: Pull
    by: Fetch
    attempt: int
    part: int
    ahead: ThreadPoolExecutor
    coming: tuple[int, Future[Answer]] | None = None  # the row that the page on its way begins with

    def page(self, start_row: int, *, known_total: int) -> Page:
        """From the archive when it is there, else from the upstream by way of the archive."""
        upstream, feed = self.by.client.upstream, self.pull.feed
        if kept := self._kept(start_row):
            return upstream.parse(feed, archive.get(name=kept.name, sha256=kept.sha256), kept.headers)
        answer = self._answer(start_row)
        self._ask_ahead(start_row + self._page_rows, known_total)
        payload = self._archived(answer, start_row)
        try:
            page = upstream.parse(feed, answer.body, answer.headers)
            payload.rows, payload.total_rows = page.rows, page.total_rows
        finally:
            payload.save()  # an answer that cannot be read is evidence too
        self.by.progress.page(page.rows)
        return page

    @property
    def _page_rows(self) -> int:
        return self.pull.page_rows - (self.attempt - 1) * SMALLER_PAGE

    def _place(self, start_row: int) -> dict[str, Any]:
        return {"pull": pull_id(self.pull), "attempt": self.attempt, "part": self.part, "start_row": start_row}

    def _kept(self, start_row: int) -> Payload | None:
        return self.by.run.payloads.filter(**self._place(start_row)).first()

    def _answer(self, start_row: int) -> Answer:
        coming, self.coming = self.coming, None
        answer = coming[1].result() if coming and coming[0] == start_row else self._get(start_row)
        runs.count(self.by.run, requests=1)
        return answer

    def _ask_ahead(self, start_row: int, known_total: int) -> None:
        if start_row <= known_total and not self._kept(start_row):
            self.coming = start_row, self.ahead.submit(self._get, start_row)

    def _get(self, start_row: int) -> Answer:
        client = self.by.client
        return client.get(
            client.upstream.request(self.pull, span=self.pull.spans[self.part], start_row=start_row, page_rows=self._page_rows)
        )

    def _archived(self, answer: Answer, start_row: int) -> Payload:
        kept = archive.put(answer.body, wire=answer.wire, encoding=answer.encoding)
        told = {"url": answer.url, "headers": dict(answer.headers), "rows": 0, "total_rows": 0}
        return Payload(run=self.by.run, name=kept.name, sha256=kept.sha256, size=kept.size, **told, **self._place(start_row))


def doubled(table: Table, key: tuple[str, ...]) -> int:
    """How many rows repeat the key of another. Sorts a mix of the key's columns; only a suspicion is looked at in full."""
    columns = [table[name] for name in key if name in table.columns]
    if len(table) < 2 or not columns:
        return 0
    mixed = np.zeros(len(table), dtype=np.uint64)
    for column in columns:
        mixed = (mixed ^ _as_integers(column)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    mixed.sort()
    if not (mixed[1:] == mixed[:-1]).any():
        return 0
    return len(table) - len(set(zip(*(column.tolist() for column in columns), strict=True)))


def _as_integers(column: Array) -> Array:
    if column.dtype == object:
        return np.fromiter((hash(value) for value in column), dtype=np.int64, count=len(column)).view(np.uint64)
    return column.astype(np.int64).view(np.uint64)


def archived(run: SyncRun) -> Iterator[list[Payload]]:
    """The pages of the last attempt at every question of a run, in order: what a replay reads."""
    pages = run.payloads.order_by("pull", "-attempt", "part", "start_row")
    for _, asked in itertools.groupby(pages, key=lambda page: page.pull):
        tries = list(asked)
        yield [page for page in tries if page.attempt == tries[0].attempt]
