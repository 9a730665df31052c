"""Which series answer a question: real or sandbox, never both, the best quality first."""

from __future__ import annotations

from datetime import timedelta

from energyopti.errors import InvalidInput
from energyopti.feeds.queries import has_real_run
from markets import arrays
from markets.models import Series
from markets.types import SeriesSeen

_SERIES = (
    "SELECT id, feed, sandbox, market, minutes, quality FROM markets_series WHERE %(feed)s IN ('', feed) AND %(market)s IN ('', market)"
    " AND %(quality)s IN ('', quality) AND %(minutes)s IN (0, minutes)"
)
PRECEDENCE = tuple(Series.Quality.values)  # settled, verified, unverified


def choose(
    *, feed: str = "", market: str = "", resolution: timedelta | None = None, quality: str = "", sandbox: bool | None = None
) -> list[SeriesSeen]:
    """The series of one feed, or of a market and resolution (of one quality, or of all), best first; none without prices.

    `sandbox` None: real as soon as one of the feeds has had a real run, else sandbox.
    """
    if not feed and not (market and resolution):
        raise InvalidInput("name a feed, or a market and a resolution", field="market_type")
    minutes = resolution // timedelta(minutes=1) if resolution else 0
    params = {"feed": feed, "market": market, "quality": quality, "minutes": minutes}
    with arrays.reading() as rows:
        found = [SeriesSeen(*row) for row in rows.execute(_SERIES, params)]
    if sandbox is None:
        sandbox = all(one.sandbox for one in found) and not any(has_real_run(one.feed) for one in found)
    return sorted((one for one in found if one.sandbox == sandbox), key=lambda one: (PRECEDENCE.index(one.quality), one.id))
