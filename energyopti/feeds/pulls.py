"""Fetching one pull: page by page through the archive, until its pages agree."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import structlog
from django.utils import timezone

from energyopti.errors import ArchiveDamaged, MalformedAnswer, SnapshotMismatch, StructureChanged
from energyopti.feeds import archive, runs
from energyopti.feeds.client import Client
from energyopti.feeds.feed import Feed, Page, Pull
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
    while not pages or got < pages[0].total_rows:
        pages.append(page := _page(pull, by, attempt, part, got + 1))
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


def _page(pull: Pull, by: Fetch, attempt: int, part: int, start_row: int) -> Page:
    """One page, from the archive when it is there, else from the upstream by way of the archive."""
    upstream = by.client.upstream
    place = {"pull": pull_id(pull), "attempt": attempt, "part": part, "start_row": start_row}
    if kept := by.run.payloads.filter(**place).first():
        return upstream.parse(pull.feed, archive.get(name=kept.name, sha256=kept.sha256), kept.headers)
    page_rows = pull.page_rows - (attempt - 1) * SMALLER_PAGE
    answer = by.client.get(upstream.request(pull, span=pull.spans[part], start_row=start_row, page_rows=page_rows))
    runs.count(by.run, requests=1)
    kept_at = archive.put(answer.body, wire=answer.wire, encoding=answer.encoding)
    payload = Payload(run=by.run, url=answer.url, headers=dict(answer.headers), rows=0, total_rows=0, **place)
    payload.name, payload.sha256, payload.size = kept_at.name, kept_at.sha256, kept_at.size
    try:
        page = upstream.parse(pull.feed, answer.body, answer.headers)
        payload.rows, payload.total_rows = page.rows, page.total_rows
    finally:
        payload.save()  # an answer that cannot be read is evidence too
    by.progress.page(page.rows)
    return page


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
