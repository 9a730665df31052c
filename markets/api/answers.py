"""Answers that read prices in chunks. They implement energyopti.api.table.Answer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, cast
from zoneinfo import ZoneInfo

import numpy as np
from django.conf import settings
from django.utils import timezone

from energyopti.api.base import Meta
from energyopti.api.columns import Chunk, Coded, Column, rows_in
from energyopti.api.cursor import Key
from energyopti.api.stream import side_by_side
from energyopti.calendars import EASTERN
from energyopti.feeds import registry
from energyopti.feeds.table import Array
from energyopti.intervals import market_day
from markets import queries
from markets.api.fields import PRICES, RESAMPLED, REVISIONS, Shape
from markets.queries import Asked
from markets.queries.chunks import POINTS, Position
from markets.queries.frames import COLUMNS, empty
from markets.queries.naming import Names
from markets.queries.resample import Aggregate, Bucket, Peak, of_peak, resample
from markets.types import Completeness, PriceFrame, SeriesSeen, Stamp

FIRST = POINTS // 4  # slots of a stream's first chunk: its reader waits
SOURCE = "PJM Data Miner 2"


def source_of(series: Sequence[SeriesSeen]) -> str:
    """The upstream, and the feeds that answered."""
    return f"{SOURCE}: {', '.join(one.feed for one in series)}" if series else SOURCE


def licence_of(series: Sequence[SeriesSeen]) -> str | None:
    feeds = registry.feeds()
    return " ".join(dict.fromkeys(feeds[one.feed].licence.text for one in series if one.feed in feeds)) or None


def max_age() -> int:
    return int(settings.PJM_CACHE_DURATION)


@dataclass(kw_only=True)
class WindowAnswer:
    """Prices of a window as they stand, or as they stood at `asked.as_of`."""

    asked: Asked
    sandbox: bool
    peak: Peak | None = None
    columns: Sequence[Column] = PRICES
    key: tuple[str, ...] = ("node_id", "interval_start")
    name: str = "pjm-lmp"
    zone: ZoneInfo | None = EASTERN
    max_age: int = field(default_factory=max_age)
    stored: int | None = field(default=None, init=False)  # prices in the window, once one page has shown them all

    @cached_property
    def seen(self) -> Stamp:
        return queries.stamp(self.asked)

    @property
    def there(self) -> Asked:
        """The question without what its stamp found to have no price."""
        return replace(self.asked, series=self.seen.answered, live=self.seen.live)

    @property
    def tells_all(self) -> bool:
        """Whether each stored price of named nodes is a row: then the rows of a whole window tell how complete it is."""
        return self.asked.nodes is not None and self.peak is None

    @cached_property
    def names(self) -> Names:
        """Of the nodes that were named, or of all."""
        nodes = None if self.asked.nodes is None else np.asarray(self.asked.nodes, np.int64)
        return queries.called(nodes, at=self.asked.span.end, sandbox=self.sandbox)

    @cached_property
    def shape(self) -> Shape:
        return Shape(self.asked, self.names)

    def stamp(self) -> str:
        return f"{self.seen.text} {self.sandbox} {self.names.digest}"

    def meta(self) -> Meta:
        counted = self.counted()
        answered = self.seen.answered
        return Meta(
            source=source_of(answered),
            licence=licence_of(answered or self.asked.series),
            sandbox=self.sandbox,
            freshness=self.seen.freshness,
            complete=counted.complete,
            more={"expected": counted.expected, "stored": counted.stored, "missing": counted.missing},
        )

    def counted(self) -> Completeness:
        if self.stored is not None:
            return queries.counted(self.asked, self.stored)
        if self.asked.nodes is None:
            return queries.completeness_at(self.asked, self.seen.text)
        return queries.completeness(self.asked)

    def chunks(self, *, after: Key | None, at_most: int | None, fields: frozenset[str]) -> Iterator[Chunk]:
        if not self.seen.answered:
            return
        rows = 0
        for chunk in self.made(after, at_most, fields):
            yield chunk
            rows += rows_in(chunk)
            if at_most and rows >= at_most:
                return
        if after is None and self.tells_all:
            self.stored = rows

    def made(self, after: Key | None, at_most: int | None, fields: frozenset[str]) -> Iterator[Chunk]:
        for frame in self.frames(after, at_most):
            yield self.shape.chunk(frame, fields)

    def frames(self, after: Key | None, at_most: int | None) -> Iterator[PriceFrame]:
        """Rows behind `after`, in the key's order."""
        position = self.behind(after)
        if at_most:
            frames = queries.chunks(self.there, position=position, points=self.points(at_most))
        else:
            frames = side_by_side(queries.readings(self.there, position=position, first=FIRST))
        yield from (of_peak(frame, self.peak) for frame in frames) if self.peak else frames

    def points(self, at_most: int) -> int:
        """How much to read at a time for so many rows."""
        return min(POINTS, at_most * self.intervals)

    @property
    def intervals(self) -> int:
        """Of how many stored intervals a row is made."""
        return 1

    def behind(self, after: Key | None) -> Position | None:
        """Where reading goes on."""
        if after is None:
            return None
        node, start = after[:2]
        span = self.asked.span
        near = span.start - timedelta(days=2) < start < span.end  # a bucket may begin before its window
        return node, self.end_of(start) if near else start

    def end_of(self, start: datetime) -> datetime:
        return start + self.asked.step


@dataclass(kw_only=True)
class ResampledAnswer(WindowAnswer):
    """Hours or market days made of shorter intervals."""

    bucket: Bucket
    aggregate: Aggregate
    columns: Sequence[Column] = RESAMPLED

    @cached_property
    def shape(self) -> Shape:
        return Shape(self.asked, self.names, self.bucket.value)

    @property
    def tells_all(self) -> bool:
        return False

    def frames(self, after: Key | None, at_most: int | None) -> Iterator[PriceFrame]:
        for frame in super().frames(after, at_most):
            yield resample(frame, self.bucket, self.aggregate)

    @property
    def intervals(self) -> int:
        return (timedelta(hours=1) if self.bucket is Bucket.HOUR else timedelta(hours=25)) // self.asked.step

    def end_of(self, start: datetime) -> datetime:
        if self.bucket is Bucket.HOUR:
            return start + timedelta(hours=1)
        return market_day(start.astimezone(EASTERN).date(), EASTERN).end


@dataclass(kw_only=True)
class RevisionsAnswer(WindowAnswer):
    """Every version of each price of a window."""

    columns: Sequence[Column] = REVISIONS
    key: tuple[str, ...] = ("node_id", "interval_start", "quality", "revision")
    name: str = "pjm-lmp-revisions"

    @cached_property
    def seen(self) -> Stamp:
        return queries.stamp(self.asked, history=True)

    @property
    def tells_all(self) -> bool:
        return False

    def made(self, after: Key | None, at_most: int | None, fields: frozenset[str]) -> Iterator[Chunk]:
        for chunk in super().made(after, at_most, fields | set(self.key)):
            yield chunk if after is None else self._rest(chunk, after)

    def frames(self, after: Key | None, at_most: int | None) -> Iterator[PriceFrame]:
        position = self.behind(after)
        if at_most:
            yield from queries.revision_chunks(self.there, position=position, points=self.points(at_most))
        else:
            yield from side_by_side(queries.revision_readings(self.there, position=position, first=FIRST))

    def end_of(self, start: datetime) -> datetime:
        return start  # further versions of the same price may follow

    def _rest(self, chunk: Chunk, after: Key) -> Chunk:
        """The rows behind `after`: of its own interval some may have been shown."""
        node, start, quality, revision = after
        instant = np.datetime64(start.replace(tzinfo=None), "us")
        qualities = [one.quality for one in self.asked.series]
        shown = qualities.index(quality) if quality in qualities else len(qualities)
        source = cast(Coded, chunk["quality"]).codes
        same: Any = (chunk["node_id"] == node) & (chunk["interval_start"] == instant)
        seen = same & ((source < shown) | ((source == shown) & (cast(Array, chunk["revision"]) <= revision)))
        return {name: values[~seen] for name, values in chunk.items()}


@dataclass(kw_only=True)
class LatestAnswer:
    """The newest price of each node: few rows, read at once. What was read is its own stamp."""

    asked: Asked
    sandbox: bool
    columns: Sequence[Column] = PRICES
    key: tuple[str, ...] = ("node_id",)
    name: str = "pjm-lmp-latest"
    zone: ZoneInfo | None = EASTERN
    max_age: int = field(default_factory=max_age)

    @cached_property
    def names(self) -> Names:
        nodes = None if self.asked.nodes is None else np.asarray(self.asked.nodes, np.int64)
        return queries.called(nodes, at=timezone.now(), sandbox=self.sandbox)

    @cached_property
    def frame(self) -> PriceFrame:
        if not self.asked.series:
            return empty([], sandbox=self.sandbox)
        return queries.read_latest(self.asked, every=self.names.ids if self.asked.nodes is None else None)

    def stamp(self) -> str:
        looked_at = self.asked.columns | {"first_seen_at"}  # which meta tells as its freshness
        told = hashlib.sha256(f"{self.sandbox} {self.names.digest}".encode())
        for name in COLUMNS:
            if name in looked_at:
                told.update(getattr(self.frame, name).tobytes())
        return told.hexdigest()

    def meta(self) -> Meta:
        present = np.unique(self.frame.series).tolist()
        answered = [one for one in self.asked.series if one.id in present]
        newest = self.frame.first_seen_at.max().item().replace(tzinfo=UTC) if len(self.frame) else None
        source, licence = source_of(answered), licence_of(answered or self.asked.series)
        return Meta(source=source, licence=licence, sandbox=self.sandbox, freshness=newest)

    def chunks(self, *, after: Key | None, at_most: int | None, fields: frozenset[str]) -> Iterator[Chunk]:
        frame = self.frame if after is None else self.frame.take(self.frame.node_id > after[0])
        if len(frame):
            yield Shape(self.asked, self.names).chunk(frame, fields)
