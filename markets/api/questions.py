"""Parameters of price questions, and what they mean together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from energyopti.api.params import Kind, Parameter
from energyopti.errors import InvalidInput, ReversedSpan
from energyopti.intervals import Span
from markets import queries
from markets.api.fields import columns_of
from markets.queries import Asked
from markets.types import SeriesSeen

MINUTES = {"5min": 5, "1h": 60}
USUAL = {"real_time": "5min", "day_ahead": "1h"}
LONGEST = timedelta(days=30 * 366)  # PJM's prices begin in 1998
LONGEST_OF_ALL = timedelta(days=32)  # without nodes
MOST_POINTS = 100_000_000

START = Parameter(
    "start_time", "first instant, ISO-8601 with an offset", required=True, kind=Kind.INSTANT, example="2024-06-03T00:00:00-04:00"
)
END = Parameter(
    "end_time", "first instant behind the window, with an offset", required=True, kind=Kind.INSTANT, example="2024-06-04T00:00:00-04:00"
)
NODES = Parameter(
    "nodes", "ids or names, separated by commas; left out: every node that has prices", kind=Kind.TEXTS, example="51288,PJM-RTO"
)
MARKET = Parameter("market_type", "which market", choices=tuple(USUAL), default="real_time")
RESOLUTION = Parameter("resolution", "of the stored prices; default 5min in real time, 1h day-ahead", choices=tuple(MINUTES))
QUALITY = Parameter(
    "quality",
    "only prices of this quality; left out: interval by interval the best there is",
    choices=("settled", "verified", "unverified"),
)


class TooLarge(InvalidInput):
    """A question that no one answer should hold."""

    code = "too-large"


def series_of(asked: Mapping[str, Any], market: str) -> tuple[SeriesSeen, ...]:
    """The series that may answer, the best first."""
    resolution = asked["resolution"] or USUAL[market]
    if market == "day_ahead" and resolution != "1h":
        raise InvalidInput(f"the day-ahead market has hours alone; resolution is {resolution!r}, write 1h", field="resolution")
    minutes = timedelta(minutes=MINUTES[resolution])
    return tuple(queries.choose(market=market, resolution=minutes, quality=asked["quality"] or ""))


def is_sandbox(series: Sequence[SeriesSeen]) -> bool:
    """Whose prices or, while there are none, whose nodes answer."""
    return series[0].sandbox if series else queries.is_sandbox()


def nodes_of(asked: Mapping[str, Any], *, sandbox: bool) -> tuple[int, ...] | None:
    return queries.resolve(asked["nodes"], sandbox=sandbox) if asked["nodes"] else None


def window(asked: Mapping[str, Any]) -> Asked:
    """The question behind a window's parameters. Raises ReversedSpan, TooLarge, UnknownNode, AmbiguousNode, InvalidInput."""
    start, end = asked["start_time"], asked["end_time"]
    if end <= start:
        raise ReversedSpan(f"end_time {end:%Y-%m-%dT%H:%MZ} is not after start_time {start:%Y-%m-%dT%H:%MZ}", field="end_time")
    series = series_of(asked, asked["market_type"])
    nodes = nodes_of(asked, sandbox=is_sandbox(series))
    question = Asked(series, nodes, Span(start, end), asked.get("as_of"), columns=columns_of(asked["fields"]))
    _within_bounds(question)
    return question


def _within_bounds(question: Asked) -> None:
    longest = LONGEST_OF_ALL if question.nodes is None else LONGEST
    if question.span.length > longest:
        of_all = "" if question.nodes is not None else " while no nodes are named"
        raise TooLarge(f"the window has {question.span.length.days} days; at most {longest.days}{of_all}", field="end_time")
    points = len(question.nodes or ()) * question.slots if question.series else 0
    if points > MOST_POINTS:
        raise TooLarge(
            f"{len(question.nodes or ())} nodes and {question.slots} intervals are {points} prices; at most {MOST_POINTS}", field="nodes"
        )
