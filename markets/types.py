"""What the app's queries return and its parsers see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Self

import numpy as np

from energyopti.feeds.table import Array
from energyopti.intervals import Span


@dataclass(frozen=True, slots=True)
class NodeSeen:
    """A pricing node as a price row names it; an empty text where the row says nothing."""

    name: str
    type: str
    zone: str
    voltage: str


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A pricing node in one effective window; `effective_to` None: active. `origin`: pnode, or price while no list named it."""

    node_id: int
    node_name: str
    node_type: str
    kind: str
    zone: str
    voltage: str
    effective_from: datetime
    effective_to: datetime | None
    origin: str
    run_id: int | None
    sandbox: bool


@dataclass(frozen=True, slots=True)
class SeriesSeen:
    """One feed's prices: where a price comes from."""

    id: int
    feed: str
    sandbox: bool
    market: str
    minutes: int
    quality: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Slots in a row that the store does not hold of a node."""

    node_id: int
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceFrame:
    """Prices in columns of equal length, by node, then time. Times are UTC; prices USD/MWh, NaN where the source sent nothing.

    A slot that is not stored has no row. `series` holds keys of `sources`, which name the feed and its quality.
    """

    node_id: Array  # int64
    interval_start: Array  # datetime64[s]
    total: Array  # float64
    energy: Array
    congestion: Array
    loss: Array
    version: Array  # int16; 0: the source has no versions
    series: Array  # int16
    run_id: Array  # int64
    first_seen_at: Array  # datetime64[us]: since when this price has stood here
    sources: Mapping[int, SeriesSeen]
    sandbox: bool

    def __len__(self) -> int:
        return len(self.node_id)

    def take(self, index: Array | slice) -> Self:
        """The rows at `index`: a mask, integers or a slice."""
        names = [one.name for one in fields(self) if isinstance(getattr(self, one.name), np.ndarray)]
        return replace(self, **{name: getattr(self, name)[index] for name in names})

    @property
    def quality(self) -> Array:
        """settled, verified or unverified, for each row: object (k,)."""
        return np.array([self.sources[int(key)].quality for key in self.series], object)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionFrame(PriceFrame):
    """Every version of each price, by node, time, source, and then the oldest first; `first_seen_at` is when it came.

    `stood` is False for a lower version that came beside or after a higher one.
    """

    stood: Array  # bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResampledFrame(PriceFrame):
    """Prices of hours or market days, made of shorter intervals."""

    interval_end: Array  # datetime64[s]: a market day has 23, 24 or 25 hours
    intervals: Array  # int64: of how many priced intervals each row was made


@dataclass(frozen=True, slots=True)
class Completeness:
    """How many of the slots that a window should hold have a price."""

    expected: int
    stored: int

    @property
    def missing(self) -> int:
        return self.expected - self.stored

    @property
    def complete(self) -> bool | None:
        """None: nothing can be expected."""
        return self.missing <= 0 if self.expected else None


@dataclass(frozen=True, slots=True)
class Stamp:
    """`text` changes whenever prices of a window do; `freshness`: when the newest of them came; `answered`: who has some;
    `live`: whether some of them are of a running day."""

    text: str
    freshness: datetime | None
    answered: tuple[SeriesSeen, ...]
    live: bool


@dataclass(frozen=True, slots=True)
class CongestedNode:
    """A node's mean congestion of one market day, USD/MWh; `intervals` have a price, `missing` of the day have none."""

    rank: int
    node_id: int
    series: SeriesSeen
    congestion: float
    total: float
    intervals: int
    missing: int


@dataclass(frozen=True, slots=True)
class Congestion:
    """The top of a market day, and over how many nodes: `missing` are the intervals of all of them without a price."""

    top: tuple[CongestedNode, ...]
    nodes: int
    missing: int
    answered: tuple[SeriesSeen, ...]
