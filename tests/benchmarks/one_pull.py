"""A process of its own that pulls some windows of 48,000 rows and prints how much memory it took, in MB."""

from __future__ import annotations

import os
import resource
import sys
from datetime import timedelta

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
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main(int(sys.argv[1]))
