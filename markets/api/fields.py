"""The fields of price answers, and how a frame becomes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from energyopti.api.columns import Chunk, Coded, Column, Kind, Nullable, Values, constant
from markets.queries import Asked
from markets.queries.naming import Names
from markets.types import PriceFrame, ResampledFrame, RevisionFrame

RESOLUTIONS = {5: "5min", 60: "1h"}  # minutes of one interval → what it is called

PRICES = (
    Column("node_id", Kind.INTEGER, "PJM's pnode id", example=51288),
    Column("node_name", Kind.TEXT, "the node's name in force at the end of the window", nullable=True, example="WESTERN HUB"),
    Column("market_type", Kind.TEXT, "real_time or day_ahead", example="day_ahead"),
    Column("resolution", Kind.TEXT, "length of the interval: 5min, 1h, or 1d for a market day", example="1h"),
    Column("interval_start", Kind.INSTANT, "UTC", example="2024-06-03T04:00:00Z"),
    Column("interval_end", Kind.INSTANT, "UTC; the interval is half-open", example="2024-06-03T05:00:00Z"),
    Column("lmp_usd_per_mwh", Kind.NUMBER, "the locational marginal price", example=31.412345),
    Column("energy_usd_per_mwh", Kind.NUMBER, "system energy; null where the source sent none", nullable=True, example=29.87),
    Column("congestion_usd_per_mwh", Kind.NUMBER, "congestion; null where the source sent none", nullable=True, example=1.25),
    Column("loss_usd_per_mwh", Kind.NUMBER, "marginal loss; null where the source sent none", nullable=True, example=0.292345),
    Column("quality", Kind.TEXT, "settled, verified or unverified", example="verified"),
    Column("version", Kind.INTEGER, "the source's version; null where it has none", nullable=True, example=1),
    Column("first_seen_at", Kind.INSTANT, "since when this installation has known the price", example="2024-06-02T17:41:09.512345Z"),
)
_RESAMPLED = {
    "quality": "with resample: the least among the intervals",
    "version": "with resample: the highest among the intervals",
    "first_seen_at": "with resample: of the latest interval",
}
RESAMPLED = (
    *(
        replace(column, description=f"{column.description}; {_RESAMPLED[column.name]}") if column.name in _RESAMPLED else column
        for column in PRICES
    ),
    Column("intervals", Kind.INTEGER, "only with resample: of how many priced intervals the row was made", example=12),
)
REVISIONS = (
    *PRICES,
    Column("revision", Kind.INTEGER, "counts the versions of this price from one source, 0 the oldest", example=0),
    Column("stood", Kind.BOOLEAN, "false: a lower version that came beside or after a higher one", example=True),
)
_COMPONENTS = {
    "lmp_usd_per_mwh": "total",
    "energy_usd_per_mwh": "energy",
    "congestion_usd_per_mwh": "congestion",
    "loss_usd_per_mwh": "loss",
}
_READ = {**_COMPONENTS, "version": "version", "first_seen_at": "first_seen_at"}
_ALWAYS = frozenset({"node_id", "interval_start", "total", "series"})


def columns_of(fields: Sequence[str] | None) -> frozenset[str]:
    """What must be read of a frame for these fields (None: for all of them)."""
    return _ALWAYS | {column for field, column in _READ.items() if fields is None or field in fields}


@dataclass(frozen=True, slots=True)
class Shape:
    """How the frames of one question become chunks. `names` gives what nodes are called; `resolution`: of resampled rows."""

    asked: Asked
    names: Names
    resolution: str = ""

    def chunk(self, frame: PriceFrame, fields: frozenset[str]) -> Chunk:
        return {column.name: _MAKERS[column.name](self, frame) for column in _all(frame) if column.name in fields}

    def node_name(self, frame: PriceFrame) -> Values:
        """A frame is by node."""
        new = np.append(True, frame.node_id[1:] != frame.node_id[:-1])[: len(frame)]
        found = self.names.of(frame.node_id[new])
        return found if len(found) == len(frame) else Coded(np.cumsum(new) - 1, found.tolist())

    def market_type(self, frame: PriceFrame) -> Values:
        return constant(self.asked.series[0].market, len(frame))

    def interval(self, frame: PriceFrame) -> Values:
        return constant(self.resolution or RESOLUTIONS[self.asked.series[0].minutes], len(frame))

    def interval_end(self, frame: PriceFrame) -> Values:
        if isinstance(frame, ResampledFrame):
            return frame.interval_end
        end: Any = frame.interval_start + np.timedelta64(self.asked.step)
        return np.asarray(end, "datetime64[s]")

    def quality(self, frame: PriceFrame) -> Values:
        return Coded(self.asked.rank(frame.series), [one.quality for one in self.asked.series])


def _version(shape: Shape, frame: PriceFrame) -> Values:
    null = frame.version == 0
    return Nullable(frame.version, null) if null.any() else frame.version


def _revision(shape: Shape, frame: PriceFrame) -> Values:
    """A frame of revisions has all versions of a price from one source one behind the other."""
    new = np.ones(len(frame), bool)
    new[1:] = False
    for name in ("node_id", "interval_start", "series"):
        column = getattr(frame, name)
        new[1:] |= column[1:] != column[:-1]
    place = np.arange(len(frame))
    return place - np.maximum.accumulate(np.where(new, place, 0))


def _all(frame: PriceFrame) -> tuple[Column, ...]:
    return RESAMPLED if isinstance(frame, ResampledFrame) else REVISIONS if isinstance(frame, RevisionFrame) else PRICES


def _attribute(name: str) -> Callable[[Shape, Any], Values]:
    return lambda shape, frame: getattr(frame, name)


_MAKERS: Mapping[str, Callable[[Shape, Any], Values]] = {
    "node_id": _attribute("node_id"),
    "node_name": Shape.node_name,
    "market_type": Shape.market_type,
    "resolution": Shape.interval,
    "interval_start": _attribute("interval_start"),
    "interval_end": Shape.interval_end,
    **{field: _attribute(name) for field, name in _COMPONENTS.items()},
    "quality": Shape.quality,
    "version": _version,
    "first_seen_at": _attribute("first_seen_at"),
    "intervals": _attribute("intervals"),
    "revision": _revision,
    "stood": _attribute("stood"),
}
