"""What every template knows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from energyopti.feeds.queries import sandbox_marks


def sandbox(request: HttpRequest) -> dict[str, Any]:
    """`sandbox_feeds`: the feeds that the sandbox answers now. Every page that is shown says so."""
    return {"sandbox_feeds": sandbox_marks}  # called by the template, where it is shown
