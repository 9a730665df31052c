"""The ways from the page to the same figures elsewhere: downloads, the line to copy, other days."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from markets.pages.asked import DAY_AHEAD, EARLIEST, LATEST, REAL_TIME, Asked, instant_text

LMP, REVISIONS, NODES = "/api/v1/pjm/lmp", "/api/v1/pjm/lmp/revisions", "/api/v1/pjm/nodes"
FORMATS = {"csv": "CSV", "parquet": "Parquet", "arrow": "Arrow", "json": "JSON"}


@dataclass(frozen=True, slots=True)
class Link:
    text: str
    url: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Download:
    """One market's window: a link for each format, and the line for a shell, which takes the key from its environment."""

    title: str
    links: list[Link]
    curl: str


def lmp(asked: Asked, market: str, **more: str) -> str:
    """The API's address of one market's prices of the window."""
    return f"{LMP}?{urlencode(_window(asked, market) | _known(asked) | more)}"


def revisions(asked: Asked, market: str) -> str:
    return f"{REVISIONS}?{urlencode(_window(asked, market))}"


def _window(asked: Asked, market: str) -> dict[str, str]:
    return {
        "nodes": str(asked.node.node_id),
        "start_time": instant_text(asked.span.start),
        "end_time": instant_text(asked.span.end),
        "market_type": market,
        "resolution": "1h" if market == DAY_AHEAD else asked.resolution,
    }


def _known(asked: Asked) -> dict[str, str]:
    return {"as_of": instant_text(asked.as_of)} if asked.as_of else {}


def downloads(asked: Asked, *, host: str) -> list[Download]:
    """`host`: how the reader reaches us, "https://prices.example.com"."""
    return [_download(asked, DAY_AHEAD, "Day-ahead, hourly", host), _download(asked, REAL_TIME, f"Real-time, {asked.resolution}", host)]


def _download(asked: Asked, market: str, title: str, host: str) -> Download:
    until = f"_{asked.last}" if asked.last != asked.first else ""
    name = f"{asked.node.node_id}_{market}_{asked.first}{until}.csv"
    curl = f"curl -sS -H \"Authorization: Bearer $ENERGYOPTI_KEY\" '{host}{lmp(asked, market, format='csv')}' -o {name}"
    return Download(title, [Link(text, lmp(asked, market, format=form)) for form, text in FORMATS.items()], curl)


def days(asked: Asked, *, newest: date) -> list[Link]:
    """The same length earlier and later, the newest day, and the day, week or month that ends with the last day shown."""
    length = timedelta(days=asked.days)
    week, month = asked.last - timedelta(days=6), asked.last.replace(day=1)
    presets = (("Day", asked.last, asked.last), ("Week", week, asked.last), ("Month", month, _month_end(month)))
    return [
        _moved(asked, "Earlier", asked.first - length, asked.last - length),
        _moved(asked, "Later", asked.first + length, asked.last + length),
        _moved(asked, "Newest", newest, newest),
        *(_moved(asked, *preset) for preset in presets),
    ]


def _month_end(month: date) -> date:
    return month.replace(day=monthrange(month.year, month.month)[1])


def _moved(asked: Asked, text: str, first: date, last: date) -> Link:
    first, last = (min(max(day, EARLIEST), LATEST) for day in (first, last))
    return Link(text, asked.link(start=first, end=last), (first, last) == (asked.first, asked.last))
