"""Frames of prices: made, put together, and of several rows the one that counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from energyopti.feeds.table import Array
from markets.types import PriceFrame, SeriesSeen

COLUMNS = ("node_id", "interval_start", "total", "energy", "congestion", "loss", "version", "series", "run_id", "first_seen_at")
# Columns that a question can leave unread, and what such a column is made of: one value, however long the frame is.
UNREAD: Mapping[str, np.generic] = {
    **dict.fromkeys(("energy", "congestion", "loss"), np.float64("nan")),
    "version": np.int16(0),
    "run_id": np.int64(0),
    "first_seen_at": np.datetime64(0, "us"),
}
ALL_COLUMNS = frozenset(COLUMNS)


def frame_of(sources: Sequence[SeriesSeen], *, at: Array, **columns: Array) -> PriceFrame:
    """`at` in seconds, `arrived` in microseconds since 1970; columns of UNREAD may be left out."""
    if "arrived" in columns:
        columns["first_seen_at"] = columns.pop("arrived").astype("datetime64[us]")
    unread = {name: np.broadcast_to(value, len(at)) for name, value in UNREAD.items() if name not in columns}
    return PriceFrame(
        interval_start=at.astype("datetime64[s]"),
        sources={one.id: one for one in sources},
        sandbox=sources[0].sandbox,
        **columns,
        **unread,
    )


def empty(series: Iterable[SeriesSeen], *, sandbox: bool = False) -> PriceFrame:
    sources = {one.id: one for one in series}
    real, whole = np.empty(0), np.empty(0, np.int64)
    return PriceFrame(
        node_id=whole,
        interval_start=np.empty(0, "datetime64[s]"),
        total=real,
        energy=real,
        congestion=real,
        loss=real,
        version=np.empty(0, np.int16),
        series=np.empty(0, np.int16),
        run_id=whole,
        first_seen_at=np.empty(0, "datetime64[us]"),
        sources=sources,
        sandbox=next((one.sandbox for one in sources.values()), sandbox),
    )


def together(frames: Sequence[PriceFrame]) -> PriceFrame:
    """The rows of all frames, one after the other."""
    filled = [frame for frame in frames if len(frame)] or list(frames[:1])
    sources = {key: one for frame in frames for key, one in frame.sources.items()}
    joined: dict[str, Any] = {}
    if len(filled) > 1:
        joined = {name: np.concatenate([getattr(frame, name) for frame in filled]) for name in COLUMNS}
    return replace(filled[0], sources=sources, **joined)


def first_of_each(frame: PriceFrame, *order: Array) -> PriceFrame:
    """Of each node and interval the row that comes first by `order` (the last named counts most), sorted by node and time."""
    rank = np.lexsort((*order, frame.interval_start, frame.node_id))
    node, at = frame.node_id[rank], frame.interval_start[rank]
    first = np.ones(len(rank), bool)
    first[1:] = (node[1:] != node[:-1]) | (at[1:] != at[:-1])
    return frame.take(rank[first])
