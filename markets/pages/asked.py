"""What the address of /markets/ asks for: the whole state of the page is in it, so that a link shows the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar
from urllib.parse import urlencode

from energyopti.errors import InvalidInput
from energyopti.intervals import Span, local_midnight, parse_instant
from markets.feeds.pjm import EASTERN
from markets.models import Series
from markets.types import NodeRow

STEPS = {"1h": timedelta(hours=1), "5min": timedelta(minutes=5)}
LONGEST = {"1h": 366, "5min": 31}  # market days in one chart: beyond, a download is the better answer
COMPONENTS = ("lmp", "energy", "congestion", "loss")
DRAWINGS = ("lines", "day_ahead", "real_time")  # lines, or the components of one market stacked
DAY_AHEAD, REAL_TIME = Series.Market.DAY_AHEAD.value, Series.Market.REAL_TIME.value
MARKETS = (DAY_AHEAD, REAL_TIME)
EARLIEST, LATEST = date(1998, 4, 1), date(2199, 12, 31)  # PJM's first LMPs are of April 1998
Default = TypeVar("Default")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """`first` and `last` are market days, both included. `problems`: what could not be understood, one sentence each."""

    node: NodeRow
    first: date
    last: date
    resolution: str = "1h"
    as_of: datetime | None = None
    heat: str = DAY_AHEAD
    show: tuple[str, ...] = ("lmp",)
    markets: tuple[str, ...] = MARKETS
    draw: str = "lines"
    zoom: str = ""  # the script's: two instants, "2024-11-03T04:00Z/2024-11-03T08:00Z"
    problems: tuple[str, ...] = field(default=())

    @property
    def span(self) -> Span:
        return Span(local_midnight(self.first, EASTERN), local_midnight(self.last + timedelta(days=1), EASTERN))

    @property
    def step(self) -> timedelta:
        return STEPS[self.resolution]

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def as_of_text(self) -> str:
        """As the form's field writes it: market-local, without an offset."""
        return self.as_of.astimezone(EASTERN).strftime("%Y-%m-%dT%H:%M") if self.as_of else ""

    @property
    def as_of_exact(self) -> str:
        """The instant in full where the field's text would be read as another: within a minute, or in the hour that comes twice."""
        return instant_text(self.as_of) if self.as_of and _local(self.as_of_text) != self.as_of else ""

    @property
    def as_of_words(self) -> str:
        """For people: on the market's clock, and in UTC as the API is asked."""
        return f"{self.as_of.astimezone(EASTERN):%Y-%m-%d %H:%M:%S %Z} ({instant_text(self.as_of)})" if self.as_of else ""

    def link(self, **changes: object) -> str:
        """The address of this page with something changed; what stands at its default is left out."""
        state: dict[str, object] = {
            "node": self.node.node_id,
            "start": self.first.isoformat(),
            "end": self.last.isoformat(),
            "resolution": self.resolution if self.resolution != "1h" else "",
            "as_of": instant_text(self.as_of) if self.as_of else "",
            "heat": self.heat if self.heat != DAY_AHEAD else "",
            "show": ",".join(self.show) if self.show != ("lmp",) else "",
            "markets": ",".join(self.markets) if self.markets != MARKETS else "",
            "draw": self.draw if self.draw != "lines" else "",
        } | changes
        return "?" + urlencode({name: value for name, value in state.items() if value not in ("", None)})


def instant_text(instant: datetime) -> str:
    """UTC to the last digit: the page, its chart and its downloads ask for the same instant."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=EASTERN).astimezone(UTC)


class Reader:
    """Reads one address, and keeps a sentence for each thing in it that is wrong: the page is shown all the same."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self.query = query
        self.problems: list[str] = []

    def text(self, name: str) -> str:
        return self.query.get(name, "").strip()

    def day(self, name: str, default: date) -> date:
        text = self.text(name)
        try:
            return date.fromisoformat(text) if text else default
        except ValueError:
            return self.refuse(f"{name}: {text!r} is not a day; write it as {default.isoformat()}", default)

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        text = self.text(name) or default
        return text if text in choices else self.refuse(f"{name}: {text!r} is none of {', '.join(choices)}", default)

    def some(self, name: str, choices: tuple[str, ...], default: tuple[str, ...]) -> tuple[str, ...]:
        """Of a comma list, or of a field that comes several times, what is known, in its own order."""
        listed = self.query.getlist(name) if hasattr(self.query, "getlist") else [self.text(name)]
        given = {part for text in listed for part in text.split(",") if part}
        for part in sorted(given - set(choices)):
            self.refuse(f"{name}: {part!r} is none of {', '.join(choices)}", None)
        return tuple(name for name in choices if name in given) or default

    def instant(self, name: str) -> datetime | None:
        """A time without an offset is market-local: so the form sends it."""
        text, exact = self.text(name), self.text(f"{name}_exact")
        try:
            if exact and (instant := parse_instant(exact, field=f"{name}_exact")).astimezone(EASTERN).strftime("%Y-%m-%dT%H:%M") == text:
                return instant  # the field was left as it stood
            return parse_instant(text, field=name, zone=EASTERN) if text else None
        except InvalidInput as problem:
            return self.refuse(f"{name}: {problem.detail}", None)

    def refuse(self, sentence: str, default: Default) -> Default:
        self.problems.append(sentence)
        return default


def read(query: Mapping[str, str], *, node: NodeRow, newest: date, problems: tuple[str, ...] = ()) -> Asked:
    """`newest`: the day shown where none is asked for."""
    reader = Reader(query)
    last = reader.day("end", reader.day("start", newest) if reader.text("start") and not reader.text("end") else newest)
    first = reader.day("start", last)
    resolution = reader.choice("resolution", tuple(STEPS), "1h")
    first, last = _within(reader, first, last, LONGEST[resolution])
    return Asked(
        node=node,
        first=first,
        last=last,
        resolution=resolution,
        as_of=_not_after_now(reader.instant("as_of")),
        heat=reader.choice("heat", MARKETS, DAY_AHEAD),
        show=reader.some("show", COMPONENTS, ("lmp",)),
        markets=reader.some("markets", MARKETS, MARKETS),
        draw=reader.choice("draw", DRAWINGS, "lines"),
        zoom=reader.text("zoom")[:60],
        problems=(*problems, *reader.problems),
    )


def _within(reader: Reader, first: date, last: date, longest: int) -> tuple[date, date]:
    if not EARLIEST <= last <= LATEST:
        bounded = min(max(last, EARLIEST), LATEST)
        return reader.refuse(f"{last} is outside {EARLIEST} to {LATEST}", (bounded, bounded))
    if first > last:
        return reader.refuse(f"the first day, {first}, is after the last, {last}", (last, last))
    if (last - first).days >= longest:
        shown = last - timedelta(days=longest - 1)
        return reader.refuse(f"at most {longest} days are drawn at once; shown from {shown} on", (shown, last))
    return max(first, EARLIEST), last


def _not_after_now(instant: datetime | None) -> datetime | None:
    """What will be known is what is known: the future is not asked for."""
    return instant if instant and instant < datetime.now(UTC) else None
