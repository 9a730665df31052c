"""The rows that answer a question: which there are, in which order, and one page of them as JSON.

Nothing is stored and no row outside the page is made: rows are counted by interval and by node, and a page is a stretch of
that count. Without `sort` the order is none that a reader could rely on, but the same in every page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from energyopti.sandbox import eastern
from energyopti.sandbox.dates import Range, parse
from energyopti.sandbox.eastern import DAY, Ints
from energyopti.sandbox.feeds import NEVER_UNVERIFIED, UNVERIFIED_DAYS, Feed
from energyopti.sandbox.market import FIVE_MINUTES, HOUR, restated_at
from energyopti.sandbox.nodes import BEGINNING, Nodes
from energyopti.sandbox.noise import uniform
from energyopti.sandbox.prices import market_of, prices
from energyopti.sandbox.query import Query, cutoff

AUCTION_RESULTS = 13 * HOUR + HOUR // 2  # day-ahead prices stand at 13:30 Eastern of the day before
VERIFIED = 8 * HOUR  # real-time prices of a market day stand at 08:00 Eastern of the next day
TOKENS = {"number": "%.6f"}


def published(feed: Feed, now: datetime) -> tuple[int, int]:
    """The first and the last instant of which the feed has prices at `now`, both in it."""
    clock = int(now.timestamp())
    if feed.grain == "unverified":
        return clock - UNVERIFIED_DAYS * DAY, clock - FIVE_MINUTES
    shown = int(eastern.wall(np.array(clock, np.int64)))
    last_day = (shown - AUCTION_RESULTS) // DAY + 1 if feed.grain == "day-ahead" else (shown - VERIFIED) // DAY - 1
    return int(eastern.day_start(BEGINNING)), int(eastern.day_start(last_day + 1)) - 1


@dataclass(frozen=True, slots=True)
class Intervals:
    """One row an interval and version, in the order of time."""

    instants: Ints
    days: Ints
    versions: Ints
    current: NDArray[np.bool_]

    def __getitem__(self, chosen: Any) -> Intervals:
        return Intervals(self.instants[chosen], self.days[chosen], self.versions[chosen], self.current[chosen])


def _instants(query: Query, now: datetime) -> Ints:
    first, last = published(query.feed, now)
    if asked := query.instants():
        first, last = max(first, int(np.ceil(asked[0].timestamp()))), min(last, int(asked[1].timestamp()))
    elif limit := cutoff(query.feed, now):
        first = max(first, int(limit.timestamp()))
    step = query.feed.step
    instants = np.arange(-(-first // step) * step, last + 1, step, dtype=np.int64)
    return _within(eastern.wall(instants), query.ept, instants)


def _within(walls: Ints, asked: Range | None, instants: Ints) -> Ints:
    """An Eastern filter compares wall times: it takes both of the hours that come twice."""
    if asked is None:
        return instants
    first, last = (int(end.replace(tzinfo=UTC).timestamp()) for end in (asked.first, asked.last))
    return instants[(walls >= first) & (walls <= last)]


def intervals(query: Query, *, seed: int, now: datetime) -> Intervals:
    """Every interval and version that the question is about and that is published by `now`."""
    instants = _instants(query, now)
    days = eastern.day_of(instants)
    restated = np.zeros(len(instants), bool)
    if query.feed.versioned and query.feed.grain:
        restated = restated_at(seed, market_of(query.feed.grain), days) <= int(now.timestamp())
    counts = 1 + restated.astype(np.int64)
    owner = np.repeat(np.arange(len(instants)), counts)
    versions = np.ones(len(owner), np.int64)
    versions[1:] += owner[1:] == owner[:-1]
    found = Intervals(instants[owner], days[owner], versions, versions == counts[owner])
    return found[_versions_asked(query, found)]


def _versions_asked(query: Query, found: Intervals) -> NDArray[np.bool_]:
    """Without a filter every version comes, as in the exports that people make of restated days."""
    asked = np.ones(len(found.instants), bool)
    if (current := query.values("row_is_current")) and current[0].lower() != "all":
        asked &= found.current == (current[0].lower() == "true")
    if versions := query.values("version_nbr"):
        asked &= np.isin(found.versions, [int(version) for version in versions])
    return asked


# --- nodes -----------------------------------------------------------------------------------------


def _text_matches(text: str | None, wanted: list[str]) -> bool:
    """Partial and without regard to case; `…exact` means the whole text."""
    text = (text or "").lower()
    return any(text == want[:-5] if want.endswith("exact") else want in text for want in wanted)


def _date_matches(text: str, wanted: list[Range]) -> bool:
    moment = datetime.fromisoformat(text)
    return any(asked.first <= moment <= asked.last for asked in wanted)


def chosen(query: Query, nodes: Nodes, now: datetime) -> Ints:
    """The entries that pass the question's filters."""
    passed = np.ones(len(nodes.entries), bool)
    if query.feed.grain == "unverified":
        passed &= ~np.isin(nodes.ids, list(NEVER_UNVERIFIED))
    for column in query.feed.columns:
        wanted = [value.lower() for value in query.values(column.name)]
        if not wanted or column.source not in ("id", *nodes.texts):
            continue
        if column.source == "id":
            passed &= np.isin(nodes.ids, [int(value) for value in wanted])
        elif column.kind == "datetime":
            ranges = [parse(value.removesuffix("exact"), field=column.name, now=now.replace(tzinfo=None)) for value in wanted]
            passed &= [_date_matches(text or "", ranges) for text in nodes.texts[column.source]]
        else:
            passed &= [_text_matches(text, wanted) for text in nodes.texts[column.source]]
    return np.flatnonzero(passed)


def _stretch(sizes: Ints, start: int, count: int) -> tuple[Ints, Ints]:
    """Of things laid end to end, those at positions start … start + count: whose they are, and which within."""
    ends = np.cumsum(sizes)
    last = min(start + count, int(ends[-1]) if len(ends) else 0)
    positions = np.arange(start, max(start, last), dtype=np.int64)
    owner = np.searchsorted(ends, positions, side="right")
    return owner, positions - (ends - sizes)[owner]


@dataclass(frozen=True)
class PriceRows:
    """The answer of a price feed."""

    query: Query
    nodes: Nodes
    now: datetime

    @property
    def _by_node(self) -> bool:
        return self.query.sort in ("pnode_id", "zone")

    @cached_property
    def _intervals(self) -> Intervals:
        """In time's order where nodes come first or time is sorted by; else shuffled."""
        found = intervals(self.query, seed=self.nodes.seed, now=self.now)
        if self._by_node:
            return found
        if self.query.sort:
            return found[np.argsort(-found.instants if self.query.descending else found.instants, kind="stable")]
        return found[np.argsort(uniform(self.nodes.seed, "order", found.instants, found.versions))]

    @cached_property
    def _entries(self) -> Ints:
        """In the order of the sort where it goes by node; else shuffled."""
        found = chosen(self.query, self.nodes, self.now)
        if not self._by_node:
            return found[np.argsort(uniform(self.nodes.seed, "node order", self.nodes.ids[found]))]
        if self.query.sort == "zone":
            zones = self.nodes.texts["zone"]
            found = np.array(sorted(found, key=lambda entry: zones[entry] or ""), np.int64)
        return found[::-1] if self.query.descending else found

    @cached_property
    def _alive(self) -> tuple[Ints, list[Ints]]:
        """Days on which the set of nodes changes, and the set that holds before the first and from each on."""
        first, last = self.nodes.first[self._entries], self.nodes.last[self._entries]
        changes = np.unique(np.concatenate([first, last]))
        sets = [self._entries[(first <= day) & (day < last)] for day in changes]
        return changes, [self._entries[:0], *sets]

    @cached_property
    def _sizes(self) -> Ints:
        """How many rows each entry (sorted by node) or each interval has."""
        days = self._intervals.days
        if self._by_node:
            first, last = self.nodes.first[self._entries], self.nodes.last[self._entries]
            return np.searchsorted(days, last) - np.searchsorted(days, first)
        changes, sets = self._alive
        return np.array([len(entries) for entries in sets], np.int64)[np.searchsorted(changes, days, side="right")]

    @cached_property
    def total(self) -> int:
        return int(self._sizes.sum())

    def _pairs(self, start: int, count: int) -> tuple[Ints, Ints]:
        """Interval and entry of each row of a page."""
        owner, within = _stretch(self._sizes, start, count)
        if self._by_node:
            entries = self._entries[owner]
            return np.searchsorted(self._intervals.days, self.nodes.first[entries]) + within, entries
        changes, sets = self._alive
        starts = np.cumsum([0, *(len(entries) for entries in sets)])
        group = np.searchsorted(changes, self._intervals.days[owner], side="right")
        return owner, np.concatenate(sets)[starts[group] + within]

    def page(self, start: int, count: int, fields: list[str]) -> list[str]:
        """Rows from position `start` (0-based) as JSON objects."""
        which, entries = self._pairs(start, count)
        slots = self._intervals[which]
        told = prices(self.nodes, self.query.feed.grain or "", entry=entries, instants=slots.instants, versions=slots.versions)
        spells = {
            "utc": lambda: _times(slots.instants, walls=False),
            "ept": lambda: _times(slots.instants, walls=True),
            "energy": told.energy.tolist,
            "total": told.total.tolist,
            "congestion": told.congestion.tolist,
            "loss": told.loss.tolist,
            "current": lambda: _booleans(slots.current),
            "version": slots.versions.tolist,
            "occ_check": lambda: _booleans(uniform(self.nodes.seed, "occ", slots.instants) < 0.98),
            "multi_interval": lambda: _booleans(uniform(self.nodes.seed, "multi", slots.instants) < 0.5),
        }
        columns = [column for column in self.query.feed.columns if column.name in fields]
        cells = [(spells.get(c.source) or self.nodes.json[c.source][entries].tolist)() for c in columns]
        template = "{" + ",".join(f'"{c.name}":{TOKENS.get(c.kind, "%s")}' for c in columns) + "}"
        return [template % row for row in zip(*cells, strict=True)]


def _times(instants: Ints, *, walls: bool) -> list[str]:
    moments, row = np.unique(instants, return_inverse=True)
    texts = np.array([f'"{text}"' for text in eastern.text(eastern.wall(moments) if walls else moments)], dtype=object)
    return texts[row].tolist() if len(row) else []


def _booleans(values: NDArray[np.bool_]) -> list[str]:
    return np.where(values, "true", "false").tolist()  # type: ignore[no-any-return]


@dataclass(frozen=True)
class NodeRows:
    """The answer of the node list: one row an effective window, retired nodes too."""

    query: Query
    nodes: Nodes
    now: datetime

    @cached_property
    def _entries(self) -> Ints:
        found = chosen(self.query, self.nodes, self.now)
        if not self.query.sort:
            return found[np.argsort(uniform(self.nodes.seed, "node order", self.nodes.ids[found], self.nodes.first[found]))]
        column = self.query.feed.column(self.query.sort)
        texts = self.nodes.texts.get(column.source if column else "")
        if texts:
            found = np.array(sorted(found, key=lambda entry: texts[entry] or ""), np.int64)
        return found[::-1] if self.query.descending else found

    @property
    def total(self) -> int:
        return len(self._entries)

    def page(self, start: int, count: int, fields: list[str]) -> list[str]:
        """Rows from position `start` (0-based) as JSON objects."""
        entries = self._entries[start : start + count]
        columns = [column for column in self.query.feed.columns if column.name in fields]
        template = "{" + ",".join(f'"{column.name}":%s' for column in columns) + "}"
        return [template % row for row in zip(*(self.nodes.json[column.source][entries] for column in columns), strict=True)]


Rows = PriceRows | NodeRows


def rows(query: Query, nodes: Nodes, *, now: datetime) -> Rows:
    """What answers `query` at `now`."""
    return PriceRows(query, nodes, now) if query.feed.grain else NodeRows(query, nodes, now)
