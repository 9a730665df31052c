"""manage.py import_file: load a file that a person exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from energyopti.feeds import registry
from energyopti.feeds.imports import import_file
from energyopti.feeds.management.base import RunCommand
from energyopti.feeds.progress import Bar
from energyopti.feeds.runs import Summary


class Command(RunCommand):
    help = "Load a CSV, XLSX or JSON export (gzip too) of a feed. A file imported twice changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("feed", help="a name that `manage.py feeds` lists")
        parser.add_argument("path", type=Path)

    def run(self, options: dict[str, Any]) -> Summary:
        feed = registry.feed(options["feed"])
        return import_file(feed, options["path"], progress=Bar(options["path"].name))
