"""Which series answer a question: real or sandbox, never both, the best quality first."""

from __future__ import annotations

from datetime import timedelta

from energyopti.errors import InvalidInput
from energyopti.feeds.queries import has_real_run
from markets.models import Series
from markets.types import SeriesSeen

PRECEDENCE = tuple(Series.Quality.values)  # settled, verified, unverified


def choose(
    *, feed: str = "", market: str = "", resolution: timedelta | None = None, quality: str = "", sandbox: bool | None = None
) -> list[SeriesSeen]:
    """The series of one feed, or of a market and resolution (of one quality, or of all), best first; none without prices.

    `sandbox` None: real as soon as one of the feeds has had a real run, else sandbox.
    """
    if not feed and not (market and resolution):
        raise InvalidInput("name a feed, or a market and a resolution", field="market_type")
    asked = {"feed": feed, "market": market, "quality": quality, "minutes": resolution // timedelta(minutes=1) if resolution else 0}
    found = list(Series.objects.filter(**{name: value for name, value in asked.items() if value}))
    if sandbox is None:
        sandbox = not any(not one.sandbox or has_real_run(one.feed) for one in found)
    seen = [_seen(one) for one in found if one.sandbox == sandbox]
    return sorted(seen, key=lambda one: (PRECEDENCE.index(one.quality), one.id))


def _seen(one: Series) -> SeriesSeen:
    return SeriesSeen(one.pk, one.feed, one.sandbox, one.market, one.minutes, one.quality)
