"""What a feed declares, and the two protocols around it: the upstream's dialect and the store.

The runner knows nothing of an upstream; a feed knows nothing of HTTP. A new upstream is a new file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import msgspec

from energyopti.feeds.table import Table
from energyopti.intervals import Span, market_days


@dataclass(frozen=True, slots=True)
class Licence:
    """What the source allows. `display`, `derive`, `export`: to whom outside the organisation that pulled it."""

    text: str
    url: str
    display: bool
    derive: bool
    export: bool


class Cut(StrEnum):
    """How a span is cut into the windows that are stored, locked and counted one by one."""

    MARKET_DAY = "market-day"
    SNAPSHOT = "snapshot"  # the whole list as it stands now; its window is the market day of the pull


class NodeDirectory(Protocol):
    """What a feed's nodes are called. Ids are the upstream's own."""

    feed: str  # the feed that fills it

    def followed(self, *, sandbox: bool) -> tuple[int, ...]:
        """The nodes this installation follows, ascending; empty while none is known."""

    def resolve(self, names: Sequence[str], *, sandbox: bool) -> tuple[int, ...]:
        """Ids for ids or names. Raises InvalidInput (field `nodes`) that lists every name not known."""

    def kinds(self, ids: Sequence[int], *, sandbox: bool) -> Mapping[int, str]:
        """id → the upstream's own type (ZONE, HUB, BUS …) of those that are known."""


@dataclass(frozen=True, slots=True)
class NodeSet:
    """Which nodes a pull is about. `ids` None: every node the upstream has."""

    label: str  # "followed", "all" or "list:<digest>"
    ids: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Feed:
    """One upstream feed. Declared once, in an app's feeds/<source>.py."""

    name: str  # "pjm.rt_hrl_lmps": upstream, dot, the upstream's own short name
    title: str
    upstream: str
    path: str
    licence: Licence
    row: type[msgspec.Struct]  # one row under the upstream's names; unknown fields forbidden
    columns: Callable[[Sequence[Any]], Table]  # rows of type `row` → Table
    key: tuple[str, ...]  # columns of the Table that together come once
    store: Store
    cut: Cut = Cut.MARKET_DAY
    time: str = "interval_start"  # the Table's column by which rows are cut to windows (not for SNAPSHOT)
    node_column: str = ""  # the Table's column that holds the node's id
    step: timedelta | None = None  # one interval; rows to expect per node = window.slots(step)
    zone: ZoneInfo
    cadence: str  # crontab, market-local
    lag: timedelta  # a window is expected whole this long after it has ended (negative: before)
    lookback: int = 3  # a scheduled pull covers so many windows that should be whole by now, and running ones
    live: bool = False  # the running window is pulled too
    restated_after: tuple[int, ...] = ()  # days after which a window is pulled again to look for restatements
    retention: timedelta | None = None  # how long the upstream keeps it; None: for good
    keep_raw: timedelta | None = None  # how long the archive keeps raw answers; None: for good
    nodes: NodeDirectory | None = None
    absent_nodes: frozenset[int] = frozenset()  # nodes the upstream never publishes in this feed
    quirks: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)  # what the upstream's dialect wants to know

    def windows(self, span: Span) -> list[Span]:
        """The whole windows that `span` touches, in order."""
        days = list(market_days(span, self.zone))
        return days[-1:] if self.cut is Cut.SNAPSHOT else days

    def window_day(self, window: Span) -> date:
        """The market day a window is named by."""
        return window.start.astimezone(self.zone).date()

    def per_node(self, window: Span) -> int:
        """Rows to expect for one node in `window`."""
        return window.slots(self.step) if self.step else 1


# --- the store -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Batch:
    """One window's rows on their way into the store."""

    feed: Feed
    window: Span
    table: Table
    nodes: tuple[int, ...] | None  # the nodes that were asked for; None: all there are
    sandbox: bool
    run_id: int
    now: datetime  # when the run looked; a window that ends later is still running


@dataclass(frozen=True, slots=True)
class Written:
    """What a store did with a Batch."""

    nodes: int  # nodes that the window should hold: those asked for (or found), absent ones left out
    expected: int  # rows (slots) the window should hold by `now`
    stored: int  # of these, how many the store holds after the batch
    new: int = 0  # stored units (blocks, live points, rows) made
    changed: int = 0  # … replaced; their older version is in the history
    revisions: int = 0  # lower versions that went straight into the history
    flagged: int = 0  # rows that break a check of the source's own arithmetic; stored as they came
    missing_nodes: tuple[int, ...] = ()  # at most 100 of the nodes that miss something

    @property
    def touched(self) -> int:
        return self.new + self.changed + self.revisions


class Store(Protocol):
    """Where a feed's windows end up. `write` runs inside the window's transaction; `prepare` before it."""

    def prepare(self, feed: Feed, window: Span) -> None:
        """Make room (partitions) outside the load's transaction; cheap when there is room already."""

    def write(self, batch: Batch) -> Written:
        """Store a window's rows; the same rows again write nothing."""


# --- the upstream's dialect ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an upstream is reached. `secret` must never leave this object but in `headers`."""

    base_url: str
    sandbox: bool
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret: str = field(default="", repr=False)
    delay: float = 0.0  # seconds between two requests, over all workers
    timeout: float = 30.0
    retries: int = 3
    cache_seconds: int = 300


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: `body` is decoded; `wire` are the bytes as they came, `encoding` theirs ("" or "gzip")."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes
    wire: bytes
    encoding: str


Ask = Callable[[Request], Answer]


@dataclass(frozen=True, slots=True)
class Pull:
    """Consecutive windows fetched together: each of `spans` is asked in turn, in as many pages as it takes.

    There is one span as a rule; a window that an upstream's limits cut in two (an archive's cutoff, a calendar
    year in UTC) has two. Each span has a totalRows of its own. A snapshot's one span is None.
    """

    feed: Feed
    windows: tuple[Span, ...]
    spans: tuple[Span | None, ...]
    nodes: tuple[int, ...] | None  # which rows are wanted; the answer may hold more (an archive refuses node filters)
    params: Mapping[str, str]  # the filters, without dates and paging
    page_rows: int


@dataclass(frozen=True, slots=True)
class Page:
    """One parsed page. `rows` counts all its rows, rejected ones too; `total_rows` is what the upstream claims."""

    rows: int
    total_rows: int
    table: Table


class Upstream(Protocol):
    """An upstream's dialect: how it is asked, how it pages, how it refuses. Pure but for `ask`."""

    name: str
    title: str

    def endpoint(self) -> Endpoint:
        """From the settings, each time anew. Raises NotConfigured."""

    def plan(
        self,
        feed: Feed,
        windows: Sequence[Span],
        nodes: NodeSet,
        *,
        kinds: Mapping[int, str],
        now: datetime,
        ask: Ask,
    ) -> list[Pull]:
        """Pack windows into as few requests as the upstream's limits allow; `ask` fetches the feed's metadata."""

    def request(self, pull: Pull, *, span: Span | None, start_row: int, page_rows: int) -> Request:
        """The question for the rows from `start_row`, which counts from 1."""

    def check(self, answer: Answer) -> None:
        """Raises UpstreamRefused, with the upstream's own words, where the answer is a refusal, a 200 too."""

    def parse(self, feed: Feed, body: bytes, headers: Mapping[str, str]) -> Page:
        """Bytes in, typed rows out. Raises MalformedAnswer, StructureChanged."""
