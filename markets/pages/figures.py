"""The figures that the page shows of one node: both markets slot by slot, what was restated, what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from energyopti.feeds import registry
from energyopti.feeds.feed import Licence
from energyopti.feeds.table import Array
from energyopti.pages.templatetags.energy import usd
from markets.pages.asked import DAY_AHEAD, REAL_TIME, Asked
from markets.pages.clock import HOUR, label, places, slots
from markets.pages.known import Known, read
from markets.queries import Asked as Question
from markets.queries.glance import Lying
from markets.queries.revisions import read_revisions
from markets.types import PriceFrame, RevisionFrame

MOST_ROWS = 900  # three days of 5-minute prices, or a month of hours, in the page's table; the whole is in the download


@dataclass(frozen=True, slots=True)
class Cells:
    """One market's prices of one slot in USD/MWh; None: missing. `restated`: the words of its mark, "" where it never was."""

    lmp: float | None = None
    energy: float | None = None
    congestion: float | None = None
    loss: float | None = None
    quality: str = ""
    restated: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One slot. `day`: the date where a new market day begins. `dart`: day-ahead minus real-time."""

    start: datetime  # market-local
    label: str
    day: str
    day_ahead: Cells
    real_time: Cells
    dart: float | None


@dataclass(frozen=True, slots=True)
class Market:
    """What one market holds of the window: `stored` of `expected` intervals, where they come from, and what that allows."""

    name: str
    title: str
    step: timedelta
    frame: PriceFrame
    expected: int
    restated: dict[int, str]  # row of the frame → the words of its mark

    @property
    def stored(self) -> int:
        return len(self.frame)

    @property
    def complete(self) -> bool:
        return self.stored == self.expected

    @property
    def sources(self) -> list[str]:
        answered = set(self.frame.series.tolist())
        return [f"{one.feed} ({one.quality})" for key, one in sorted(self.frame.sources.items()) if key in answered]

    @property
    def without_energy(self) -> bool:
        """Whether the source sent no energy component at all, as PJM does with unverified prices."""
        return self.stored > 0 and bool(np.isnan(self.frame.energy).all())

    @property
    def mean(self) -> float | None:
        return float(self.frame.total.mean()) if len(self.frame) else None

    @property
    def peak(self) -> float | None:
        return float(self.frame.total.max()) if len(self.frame) else None


def markets(asked: Asked, known: Known, lying: Lying) -> tuple[Market, Market]:
    """Day-ahead, which is hourly, and real-time in the step that was asked for."""
    ahead = _market(asked, known, lying, DAY_AHEAD, "Day-ahead", HOUR)
    return ahead, _market(asked, known, lying, REAL_TIME, "Real-time", asked.step)


def _market(asked: Asked, known: Known, lying: Lying, name: str, title: str, step: timedelta) -> Market:
    series = known.series(name, step)
    question = Question(series, [asked.node.node_id], asked.span, asked.as_of)
    frame = read(question, lying, sandbox=known.sandbox)
    again = any(one.id in lying.replaced | lying.live for one in series)
    history = read_revisions(replace(question, as_of=None)) if again else None
    return Market(name, title, step, frame, asked.span.slots(step), restatements(frame, history, as_of=asked.as_of))


def restatements(frame: PriceFrame, history: RevisionFrame | None, *, as_of: datetime | None = None) -> dict[int, str]:
    """row → what is told of a price that is not its source's first: its version, and what stood here before it.

    `history` None: nothing stood here before.
    """
    if history is None:
        return {int(row): f"v{frame.version[row]}" for row in np.flatnonzero(frame.version > 1)}
    if as_of:
        history = history.take(history.first_seen_at <= np.datetime64(as_of.replace(tzinfo=None), "us"))
    history = history.take(np.argsort(_key(history), kind="stable"))  # within a key it stays by arrival
    key, every = _key(frame), _key(history)
    first, last = np.searchsorted(every, key, "left"), np.searchsorted(every, key, "right")
    found = np.flatnonzero((frame.version > 1) | (last - first > 1))
    return {int(row): _words(frame, history, int(row), slice(first[row], last[row])) for row in found}


def _key(frame: PriceFrame) -> Array:
    """Slot and source in one integer, for frames of one node: a second leaves room for 1000 series."""
    key: Array = frame.interval_start.astype("datetime64[s]").astype(np.int64) * 1000 + frame.series
    return key


def _words(frame: PriceFrame, history: RevisionFrame, row: int, same: slice) -> str:
    older = history.total[same][history.first_seen_at[same] <= frame.first_seen_at[row]][:-1]
    version = f"v{frame.version[row]}" if frame.version[row] else "restated"
    if not len(older):
        return version
    return f"{version}, LMP unchanged" if older[-1] == frame.total[row] else f"{version}, was {usd(float(older[-1]))}"


def rows(asked: Asked, day_ahead: Market, real_time: Market) -> Iterator[Row]:
    """Every slot of the window in order, those without a price, too."""
    ahead, real = (_cells(asked, market) for market in (day_ahead, real_time))
    per_hour = HOUR // asked.step
    before = None
    for number, start in enumerate(slots(asked.span, asked.step)[:MOST_ROWS]):
        one, two = ahead.get(number // per_hour, Cells()), real.get(number, Cells())
        dart = None if one.lmp is None or two.lmp is None else one.lmp - two.lmp
        yield Row(start, label(start), "" if start.date() == before else f"{start:%a %Y-%m-%d}", one, two, dart)
        before = start.date()


def _cells(asked: Asked, market: Market) -> dict[int, Cells]:
    frame = market.frame
    where, quality = places(asked.span, market.step, frame.interval_start).tolist(), frame.quality.tolist()
    columns = (_listed(column) for column in (frame.total, frame.energy, frame.congestion, frame.loss))
    found = zip(where, *columns, quality, strict=True)
    return {
        place: Cells(lmp, energy, congestion, loss, said, market.restated.get(row, ""))
        for row, (place, lmp, energy, congestion, loss, said) in enumerate(found)
    }


def _listed(column: Array) -> list[float | None]:
    return [None if value != value else value for value in column.tolist()]


def dart(day_ahead: Market, real_time: Market) -> float | None:
    """Mean of day-ahead minus real-time over the intervals that have both; None where none has."""
    hours = day_ahead.frame.interval_start.astype("datetime64[s]")
    at = np.searchsorted(hours, real_time.frame.interval_start.astype("datetime64[h]").astype("datetime64[s]"))
    both = at < len(hours)
    both[both] = hours[at[both]] == real_time.frame.interval_start[both].astype("datetime64[h]").astype("datetime64[s]")
    if not both.any():
        return None
    return float((day_ahead.frame.total[at[both]] - real_time.frame.total[both]).mean())


def licences(*shown: Market) -> list[Licence]:
    """The terms of every feed that answered, each once."""
    names = {market.frame.sources[key].feed for market in shown for key in set(market.frame.series.tolist())}
    declared = registry.feeds()
    return list(dict.fromkeys(declared[name].licence for name in sorted(names) if name in declared))
