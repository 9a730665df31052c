"""Writing to the outbox."""

from __future__ import annotations

from typing import Any

from energyopti.events.models import Event


def publish(*, topic: str, payload: dict[str, Any], sandbox: bool = False) -> Event:
    """Add an event to the caller's transaction: it stands if, and only if, what it tells of stands."""
    return Event.objects.create(topic=topic, payload=payload, sandbox=sandbox)
