"""The markets app's work for Celery."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from energyopti.feeds import registry
from energyopti.feeds.locks import held_windows
from markets import queries
from markets.blocks import seal

# A day's last regular pull seals it; this is for days whose last pull never came.
PATIENCE = timedelta(days=1)


@shared_task
def seal_days() -> int:
    """Make blocks of what has lain live for longer than a day after its market day ended; the number of days."""
    sealed = 0
    for left in queries.lying_live(before=timezone.now() - PATIENCE):
        feed = registry.feed(left.feed)
        with held_windows(feed, [window := left.window(feed)], sandbox=left.sandbox) as held:
            if held and window.end < timezone.now() - PATIENCE:
                sealed += seal(series_feed=feed, window=window, sandbox=left.sandbox, run_id=left.run_id) is not None
    return sealed
