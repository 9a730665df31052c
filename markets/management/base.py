"""What prices and gaps share: a span, nodes by id or name, CSV on stdout."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandParser

from energyopti.errors import EnergyOptiError
from energyopti.feeds import registry
from energyopti.feeds.queries import has_real_run
from energyopti.intervals import Span, parse_instant
from markets import queries

EASTERN = ZoneInfo("America/New_York")


class TableCommand(BaseCommand):
    """A question about one feed or market, answered as CSV. Exit 1 with a sentence when it cannot be asked."""

    def table(self, options: dict[str, Any]) -> Iterable[Sequence[object]]:
        raise NotImplementedError

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--start", required=True, help="ISO-8601; without an offset it is the market's own time")
        parser.add_argument("--end", required=True, help="ISO-8601, not included")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            csv.writer(self.stdout, lineterminator="\n").writerows(self.table(options))
        except EnergyOptiError as problem:
            self.stderr.write(problem.detail)
            sys.exit(1)
        except BrokenPipeError:  # the reader has seen enough: `… | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def span_of(options: dict[str, Any]) -> Span:
    return Span(*(parse_instant(options[edge], field=edge, zone=EASTERN) for edge in ("start", "end")))


def ids_of(names: str, *, feed: str) -> list[int]:
    """Node ids for ids or names, separated by commas; looked up among real nodes once the feed has run for real."""
    registry.feed(feed)
    return list(queries.resolve([name.strip() for name in names.split(",") if name.strip()], sandbox=not has_real_run(feed)))


def utc(instant: object) -> str:
    """A datetime or numpy datetime64 as ISO-8601 with Z."""
    moment = instant if isinstance(instant, datetime) else datetime.fromisoformat(str(instant)).replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
