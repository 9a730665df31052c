"""manage.py prices: what the store holds, and where each number came from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from django.core.management.base import CommandParser

from energyopti.intervals import parse_instant
from markets import queries
from markets.management.base import EASTERN, TableCommand, ids_of, span_of, utc
from markets.types import PriceFrame, RevisionFrame

HEADINGS = (
    "node_id",
    "interval_start",
    "lmp_usd_per_mwh",
    "energy_usd_per_mwh",
    "congestion_usd_per_mwh",
    "loss_usd_per_mwh",
    "version",
    "quality",
    "first_seen_at",
    "feed",
    "run",
    "sandbox",
)


class Command(TableCommand):
    help = "Prices of nodes as CSV, each with its version, first sight, feed and run; as known at --as-of, or every version."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("nodes", help="ids or names, separated by commas")
        parser.add_argument("--feed", default="pjm.rt_hrl_lmps", help="default: %(default)s")
        parser.add_argument("--as-of", help="ISO-8601: what was known then")
        parser.add_argument("--revisions", action="store_true", help="every version of each price, oldest first")
        super().add_arguments(parser)

    def table(self, options: dict[str, Any]) -> Iterator[Sequence[object]]:
        feed, span = options["feed"], span_of(options)
        nodes = ids_of(options["nodes"], feed=feed)
        as_of = parse_instant(options["as_of"], field="as_of", zone=EASTERN) if options["as_of"] else None
        frame: PriceFrame | RevisionFrame
        if options["revisions"]:
            frame = queries.revisions(feed=feed, nodes=nodes, span=span)
        else:
            frame = queries.prices(feed=feed, nodes=nodes, span=span, as_of=as_of)
        yield HEADINGS
        yield from _rows(frame)


def _rows(frame: PriceFrame) -> Iterator[Sequence[object]]:
    prices = [[_number(price) for price in column.tolist()] for column in (frame.total, frame.energy, frame.congestion, frame.loss)]
    sources = [frame.sources[key] for key in frame.series.tolist()]
    yield from zip(
        frame.node_id.tolist(),
        map(utc, frame.interval_start),
        *prices,
        (version or "" for version in frame.version.tolist()),
        (source.quality for source in sources),
        map(utc, frame.first_seen_at),
        (source.feed for source in sources),
        frame.run_id.tolist(),
        (str(source.sandbox).lower() for source in sources),
        strict=True,
    )


def _number(price: float) -> object:
    """The shortest decimals that are this number, never with an exponent; nothing where the source sent nothing."""
    return "" if price != price else np.format_float_positional(price, trim="0")
