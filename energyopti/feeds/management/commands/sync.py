"""manage.py sync: pull one feed for a span, now, in this process."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from energyopti.feeds import registry
from energyopti.feeds.management.base import RunCommand
from energyopti.feeds.progress import Bar
from energyopti.feeds.runner import sync
from energyopti.feeds.runs import Summary
from energyopti.intervals import Span, parse_instant


class Command(RunCommand):
    help = "Pull one feed for a span. Exit 0 complete, 3 loaded but something is missing or quarantined, 1 failed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("feed", help="a name that `manage.py feeds` lists")
        parser.add_argument("--start", required=True, help="ISO-8601; without an offset it is the market's own time")
        parser.add_argument("--end", required=True, help="ISO-8601, not included; the market days that the span touches are pulled whole")
        parser.add_argument("--nodes", help="ids or names, separated by commas; without it every node the feed has")

    def run(self, options: dict[str, Any]) -> Summary:
        feed = registry.feed(options["feed"])
        start, end = (parse_instant(options[edge], field=edge, zone=feed.zone) for edge in ("start", "end"))
        named = options["nodes"]
        nodes = None if named is None else [node.strip() for node in named.split(",") if node.strip()]
        return sync(feed, Span(start, end), nodes=nodes, progress=Bar(feed.name))
