"""Every version of each price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta

import numpy as np

from energyopti.feeds.table import Array
from energyopti.intervals import Span
from markets.queries.frames import empty, together
from markets.queries.rows import ALL, Asked, blocks, from_blocks, from_live
from markets.queries.series import choose
from markets.types import PriceFrame, RevisionFrame


def revisions(
    *,
    nodes: Sequence[int],
    span: Span,
    feed: str = "",
    market: str = "",
    resolution: timedelta | None = None,
    quality: str = "",
    sandbox: bool | None = None,
) -> RevisionFrame:
    """Each version of each price, by node, time and source (the best quality first), the oldest first.

    A price that came again unchanged is one version, of the time when it first came.
    """
    series = choose(feed=feed, market=market, resolution=resolution, quality=quality, sandbox=sandbox)
    if not series:
        return _with(empty([], sandbox=bool(sandbox)), np.empty(0, bool))
    return read_revisions(Asked(tuple(series), nodes, span))


def read_revisions(asked: Asked) -> RevisionFrame:
    """See revisions."""
    every = blocks(asked, ALL)
    stood = together([from_blocks(asked, [block for block in every if block.stood]), from_live(asked)])
    lower = from_blocks(asked, [block for block in every if not block.stood])
    stood = _without_repeats(stood)
    frame = _with(together([stood, lower]), np.arange(len(stood) + len(lower)) < len(stood))
    return frame.take(np.lexsort((frame.version, frame.first_seen_at, asked.rank(frame.series), frame.interval_start, frame.node_id)))


def _without_repeats(frame: PriceFrame) -> PriceFrame:
    """Of the same price in consecutive versions of its block only the first."""
    frame = frame.take(np.lexsort((frame.first_seen_at, frame.interval_start, frame.node_id, frame.series)))
    same = np.zeros(len(frame), bool)
    same[1:] = True
    for name in ("series", "node_id", "interval_start", "version", "total", "energy", "congestion", "loss"):
        column = getattr(frame, name)
        one, two = column[1:], column[:-1]
        same[1:] &= (one == two) | ((one != one) & (two != two))  # NaN is as NaN was
    return frame.take(~same)


def _with(frame: PriceFrame, stood: Array) -> RevisionFrame:
    return RevisionFrame(**{one.name: getattr(frame, one.name) for one in fields(PriceFrame)}, stood=stood)
