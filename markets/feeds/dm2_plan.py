"""How windows are packed into questions that Data Miner 2 accepts, as few as its limits allow.

A question returns up to 50,000 rows a page over up to 366 days. Prices older than a cutoff (a rolling number of days, by
UTC date) stand in an archive, where a question names one stretch inside one UTC calendar year, never across the cutoff,
and filters by date, type and version alone. A market day begins at 04:00 or 05:00 UTC, so 31 December and the day at the
cutoff are asked in two pieces: the spans of their pull.

The date of the cutoff itself is asked in pieces of its own and with the archive's filters, which both sides accept: then it
does not matter on which side PJM counts it, nor that a new date begins in UTC before the question is sent.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from energyopti.feeds.feed import Feed, Pull
from energyopti.intervals import Span

PAGE_ROWS = 50_000
PACKED_ROWS = 45_000  # a restated day comes twice, and a few rows too many cost a page of their own
LONGEST = timedelta(days=366)
LONGEST_FILTER = 6_000  # characters of an URL; gateways commonly refuse more than 8,000


@dataclass(frozen=True, slots=True)
class Archive:
    """What is older than `start` is archived, what is from `end` on is not; the date between may be either."""

    start: datetime
    end: datetime

    def cuts(self, span: Span) -> Iterator[datetime]:
        """The instants at which an archived `span` must be cut."""
        yield from (self.start, self.end)
        yield from (datetime(year, 1, 1, tzinfo=UTC) for year in range(span.start.year + 1, self.end.year + 1))


@dataclass(frozen=True, slots=True)
class _Group:
    """Consecutive windows on their way into one pull; `nodes`: how many its answers hold, about."""

    windows: tuple[Span, ...]
    archived: bool
    nodes: int
    rows: int

    @property
    def span(self) -> Span:
        return Span(self.windows[0].start, self.windows[-1].end)

    def plus(self, window: Span, rows: int) -> _Group:
        return replace(self, windows=(*self.windows, window), rows=self.rows + rows)

    def takes(self, window: Span, rows: int, *, archived: bool) -> bool:
        """By the archive's rules newer windows can be asked too, which saves a question at the cutoff."""
        follows = self.span.end == window.start and self.archived >= archived
        return follows and self.rows + rows <= PACKED_ROWS and window.end - self.span.start <= LONGEST


def archive(now: datetime, cutoff_days: int | None) -> Archive | None:
    """Where the archive ends at `now`; None for a feed that has none."""
    if cutoff_days is None:
        return None
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = today - timedelta(days=cutoff_days)
    return Archive(start, start + timedelta(days=1))


def snapshot(feed: Feed, windows: Sequence[Span]) -> list[Pull]:
    """The whole list, as it stands now, without a date."""
    return [Pull(feed, (window,), (None,), None, {}, PAGE_ROWS) for window in windows]


def plan(
    feed: Feed, windows: Sequence[Span], nodes: tuple[int, ...] | None, *, kinds: Mapping[int, str], archive: Archive | None
) -> list[Pull]:
    """Pulls that cover each window once. `nodes` None: all. `kinds`: the types of the nodes, where they are known."""
    filters = {archived: _filter(feed, nodes, kinds, archived=archived) for archived in (False, True)}
    groups: list[_Group] = []
    for window in windows:
        slots, archived = feed.per_node(window), archive is not None and window.start < archive.end
        if groups and groups[-1].takes(window, groups[-1].nodes * slots, archived=archived):
            groups[-1] = groups[-1].plus(window, groups[-1].nodes * slots)
        else:
            expected = filters[archived][1]
            groups.append(_Group((window,), archived, expected, expected * slots))
    return [Pull(feed, group.windows, _spans(group, archive), nodes, filters[group.archived][0], PAGE_ROWS) for group in groups]


def _spans(group: _Group, archive: Archive | None) -> tuple[Span, ...]:
    span = group.span
    if not group.archived or archive is None:
        return (span,)
    cuts = sorted({span.start, span.end} | {cut for cut in archive.cuts(span) if cut in span})
    return tuple(Span(start, end) for start, end in itertools.pairwise(cuts))


def _filter(feed: Feed, nodes: tuple[int, ...] | None, kinds: Mapping[int, str], *, archived: bool) -> tuple[dict[str, str], int]:
    """The filters of a question about `nodes`, and how many nodes the answer will hold, about.

    By id where that is allowed and the URL stays short; else by type, where all types are known and the feed takes the
    filter; else not at all. A list of ids is never split: two pulls of one window could not be proven whole apart. A
    filter by type brings more nodes than were asked; the runner leaves them out.
    """
    every_version = {"row_is_current": "all"} if feed.options.get("versions") else {}
    if nodes is None:
        return every_version, feed.options["nodes"]
    by_id = ";".join(map(str, nodes))
    if not archived and len(quote(by_id)) <= LONGEST_FILTER:
        return {"pnode_id": by_id, **every_version}, len(nodes)
    counts: Mapping[str, int] = feed.options.get("nodes_by_type", {})
    types = {kinds.get(node, "") for node in nodes}
    if types <= counts.keys():
        return {"type": ";".join(sorted(types)), **every_version}, max(len(nodes), sum(counts[kind] for kind in types))
    return every_version, feed.options["nodes"]
