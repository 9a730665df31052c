"""Prices as they stand, or as this installation knew them at an instant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from energyopti.errors import NaiveTime
from energyopti.intervals import Span
from markets.queries.frames import empty, first_of_each, together
from markets.queries.rows import Asked, from_live
from markets.queries.sealed import sealed
from markets.queries.series import choose
from markets.types import PriceFrame


def prices(
    *,
    nodes: Sequence[int],
    span: Span,
    feed: str = "",
    market: str = "",
    resolution: timedelta | None = None,
    quality: str = "",
    as_of: datetime | None = None,
    sandbox: bool | None = None,
) -> PriceFrame:
    """The prices of `nodes` in `span`, of one feed, or of a market and resolution: then slot by slot the best quality there is.

    `as_of`: only what was known then. `sandbox` None: real as soon as a feed has had a real run. Raises NaiveTime, InvalidInput.
    """
    if as_of is not None and as_of.tzinfo is None:
        raise NaiveTime("as_of has no offset from UTC", field="as_of")
    as_of = as_of.astimezone(UTC) if as_of else None
    series = choose(feed=feed, market=market, resolution=resolution, quality=quality, sandbox=sandbox)
    if not series:
        return empty([], sandbox=bool(sandbox))
    return read(Asked(tuple(series), nodes, span, as_of))


def read(asked: Asked) -> PriceFrame:
    """What answers the question, by node and time: two queries, three where a block has been replaced."""
    return merged(asked, sealed(asked), from_live(asked))


def merged(asked: Asked, closed: PriceFrame, live: PriceFrame) -> PriceFrame:
    """Slot by slot the best of what the blocks and the live rows say."""
    if not len(live) and (len(asked.series) == 1 or not len(closed) or closed.series.min() == closed.series.max()):
        return closed
    frame = together([closed, live])
    # of one source what arrived last stands; a block stands before the live row that it was made of
    place = np.where(np.arange(len(frame)) < len(closed), -len(frame), -np.arange(len(frame)))
    return first_of_each(frame, place, -frame.first_seen_at.astype(np.int64), asked.rank(frame.series))
