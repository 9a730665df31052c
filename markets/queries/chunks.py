"""A window in pieces: memory and reading are bounded by the piece, whatever the window."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import chain, islice, repeat
from typing import TypeVar

import numpy as np

from energyopti.calendars import EASTERN
from energyopti.intervals import Span, local_midnight, market_days
from markets import arrays
from markets.queries.prices import read
from markets.queries.revisions import read_revisions
from markets.queries.rows import Asked
from markets.types import PriceFrame, RevisionFrame

POINTS = 100_000  # 9 MB of arrays
BEFORE_ALL = -(1 << 62)  # an id
Position = tuple[int, datetime]  # a node, and an instant of it
Frame = TypeVar("Frame", bound=PriceFrame)

_BLOCKS = (
    "(SELECT pnode_id FROM lmp_block WHERE series = {series} AND pnode_id > %(behind)s AND start > %(first)s AND start < %(end)s"
    " ORDER BY pnode_id LIMIT %(days)s)"
)
_LIVE = (
    "(SELECT pnode_id FROM lmp_live WHERE series = {series} AND pnode_id > %(behind)s"
    " AND interval_start >= %(start)s AND interval_start < %(end)s ORDER BY pnode_id LIMIT %(slots)s)"
)


def chunks(asked: Asked, *, position: Position | None = None, points: int = POINTS) -> Iterator[PriceFrame]:
    """Prices by node, then time, from `position` on (its instant included).

    A chunk is about `points` slots: whole nodes, or, of a node that has more, whole market days.
    """
    return _filled(readings(asked, position=position, points=points))


def revision_chunks(asked: Asked, *, position: Position | None = None, points: int = POINTS) -> Iterator[RevisionFrame]:
    """The same with every version of each price."""
    return _filled(revision_readings(asked, position=position, points=points))


def readings(
    asked: Asked, *, position: Position | None = None, points: int = POINTS, first: int | None = None
) -> Iterator[Callable[[], PriceFrame]]:
    """What reads the chunks, one each, in any thread and side by side; some may turn out to be empty.

    `first`: how many slots the first one has, for which somebody waits.
    """
    return (partial(read, piece) for piece in pieces(asked, position, points, first))


def revision_readings(
    asked: Asked, *, position: Position | None = None, points: int = POINTS, first: int | None = None
) -> Iterator[Callable[[], RevisionFrame]]:
    """The same with every version of each price."""
    return (partial(read_revisions, piece) for piece in pieces(asked, position, points, first))


def _filled(reads: Iterator[Callable[[], Frame]]) -> Iterator[Frame]:
    for one in reads:
        if len(frame := one()):
            yield frame


def pieces(asked: Asked, position: Position | None, points: int, first: int | None = None) -> Iterator[Asked]:
    """The questions, one a chunk, that together ask for everything from `position` on."""
    if not asked.series:
        return
    behind = BEFORE_ALL
    if position:
        behind, start = position
        if start < asked.span.end and (asked.nodes is None or behind in asked.nodes):
            yield from _stretches(replace(asked, nodes=[behind], span=Span(max(start, asked.span.start), asked.span.end)), points)
    many, fewer = (max(1, size // max(1, asked.slots)) for size in (points, first or points))
    for nodes in _groups(asked, behind, chain([fewer], repeat(many))):
        yield from _stretches(replace(asked, nodes=nodes), points)


def _stretches(asked: Asked, points: int) -> Iterator[Asked]:
    """Whole, or cut at market midnights: an hour or a day is never in two stretches."""
    if asked.nodes is None or len(asked.nodes) > 1 or asked.slots <= points:
        yield asked
        return
    span, start = asked.span, asked.span.start
    for day in market_days(span, EASTERN):
        if day.end >= span.end:
            yield replace(asked, span=Span(start, span.end))
        elif Span(start, day.end).length + day.length > points * asked.step:  # with the next day it would be too much
            yield replace(asked, span=Span(start, day.end))
            start = day.end


def _groups(asked: Asked, behind: int, many: Iterator[int]) -> Iterator[Sequence[int]]:
    """The nodes behind an id, as many at a time, ascending."""
    if asked.nodes is None:
        while nodes := _priced(asked, behind, next(many)):
            yield nodes
            behind = nodes[-1]
        return
    rest = iter(sorted(node for node in set(asked.nodes) if node > behind))
    while group := list(islice(rest, next(many))):
        yield group


def _priced(asked: Asked, behind: int, many: int) -> list[int]:
    """Up to `many` nodes behind an id that may have prices in the window; one at least, unless there is none."""
    branches = [branch.format(series=one.id) for one in asked.series for branch in (_BLOCKS, _LIVE)]
    each = (f"SELECT array_agg(DISTINCT pnode_id), count(*) FROM {branch} one" for branch in branches)  # noqa: S608
    days = (asked.span.end - local_midnight(asked.span.start.astimezone(EASTERN).date(), EASTERN)).days + 2
    limits = {"days": many * days, "slots": many * asked.slots}
    with arrays.reading() as rows:
        found = rows.execute(" UNION ALL ".join(each), {**asked.params, **limits, "behind": behind}).fetchall()
    # a branch that came to its limit says nothing of the nodes behind its last one
    ends = [nodes[-1] for nodes, count in found if nodes is not None and count in limits.values()]
    known = np.unique(np.concatenate([nodes for nodes, _ in found if nodes is not None] or [np.empty(0, np.int64)]))
    return [int(node) for node in known[known <= min(ends, default=known.max(initial=0))][:many]]
