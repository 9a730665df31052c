"""manage.py replay: parse and store again from the archive."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from energyopti.feeds import registry
from energyopti.feeds.imports import replay
from energyopti.feeds.management.base import RunCommand
from energyopti.feeds.progress import Bar
from energyopti.feeds.runs import Summary


class Command(RunCommand):
    help = "Parse and store again what a run archived, without the upstream."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("feed", help="a name that `manage.py feeds` lists")
        parser.add_argument("--run", type=int, required=True, help="the run's number, as its summary gave it")

    def run(self, options: dict[str, Any]) -> Summary:
        feed = registry.feed(options["feed"])
        return replay(feed, options["run"], progress=Bar(f"{feed.name} from run {options['run']}"))
