"""The overview's cards of feeds: what needs a person, and how complete the last days are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from energyopti.feeds import queries
from energyopti.organisations.models import User
from energyopti.pages import standing
from energyopti.pages.cards import Card

RECENT = 14  # market days in the overview


def _feeds(user: User) -> dict[str, Any]:
    """Feeds belong to the installation: whoever may log in sees how they stand."""
    days = standing.shown_days(timezone.now())[-RECENT:]
    windows = queries.coverage_by_window(since=timezone.now() - timedelta(days=RECENT + 1))
    return {"lines": standing.lines(queries.feed_overview(), windows, days), "days": days}


def _attention(user: User) -> dict[str, Any]:
    found = queries.attention(since=timezone.now() - timedelta(days=1))
    worker = standing.worker()
    return {"attention": found, "worker": worker, "quiet": worker.alive and not (found.failed or found.gaps or found.refused)}


CARDS = (
    Card(title="Needs attention", template="pages/attention_card.html", context=_attention, order=1),
    Card(title="Feeds", template="pages/feeds_card.html", context=_feeds, order=10),
)
