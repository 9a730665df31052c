"""The overview's card of feeds."""

from __future__ import annotations

from typing import Any

from energyopti.feeds.queries import feed_overview
from energyopti.organisations.models import User
from energyopti.pages.cards import Card


def _context(user: User) -> dict[str, Any]:
    """Feeds belong to the installation: whoever may log in sees how they stand."""
    return {"feeds": feed_overview()}


CARDS = (Card(title="Feeds", template="pages/feeds_card.html", context=_context, order=10),)
