"""manage.py gaps: which intervals the store does not hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.management.base import CommandParser

from energyopti.feeds import registry
from energyopti.feeds.queries import has_real_run
from markets import queries
from markets.management.base import TableCommand, ids_of, span_of, utc


class Command(TableCommand):
    help = "Missing intervals of a feed as CSV, neighbours joined; of the followed nodes unless others are named."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("feed", help="a name that `manage.py feeds` lists")
        parser.add_argument("--nodes", default="", help="ids or names, separated by commas")
        super().add_arguments(parser)

    def table(self, options: dict[str, Any]) -> Iterator[Sequence[object]]:
        feed = registry.feed(options["feed"])
        named = options["nodes"]
        nodes = ids_of(named, feed=feed.name) if named else queries.followed(sandbox=not has_real_run(feed.name))
        yield "node_id", "missing_from", "missing_to", "intervals"
        for gap in queries.gaps(feed=feed.name, nodes=nodes, span=span_of(options)):
            yield gap.node_id, utc(gap.span.start), utc(gap.span.end), gap.span.slots(feed.step) if feed.step else 1
