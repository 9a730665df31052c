"""A process of its own that pulls some windows of 48,000 rows and prints how much memory it took, in MB."""

from __future__ import annotations

import os
import re
import sys
from datetime import timedelta
from pathlib import Path

import django
from django.conf import settings

settings.DATABASES["default"]["NAME"] = os.environ["BENCHMARK_DATABASE"]
django.setup()

from energyopti.feeds import registry
from energyopti.feeds.runner import sync
from energyopti.intervals import Span, market_day
from tests.benchmarks.ingest import LAST, upstream

FIRST = LAST - timedelta(days=400)
NODES = 2_000


def main(windows: int) -> None:
    feed = registry.feed("pjm.rt_hrl_lmps")
    with upstream(NODES):
        summary = sync(feed, Span(market_day(FIRST, feed.zone).start, market_day(FIRST + timedelta(days=windows - 1), feed.zone).end))
    assert (summary.windows, summary.exit_code) == (windows, 0), summary
    print(peak_mb())


def peak_mb() -> float:
    """Of this program alone: getrusage's maximum begins with that of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


if __name__ == "__main__":
    main(int(sys.argv[1]))
