"""A record's history, told by what was done at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from recs.queries import Change, field_history


@dataclass(frozen=True, slots=True)
class Event:
    """Somebody saved a record, or a row below it."""

    of: str
    when: datetime
    user: str
    reason: str
    request_id: str
    api_key: str
    changes: Sequence[Change]


def events(rows: Iterable[Any]) -> list[Event]:
    """The newest first."""
    told = [event for row in rows for event in _events(f"{row._meta.verbose_name} {row}", field_history(type(row), row.pk))]
    return sorted(told, key=lambda event: event.when, reverse=True)


def _events(of: str, changes: Iterable[Change]) -> list[Event]:
    named = (change for change in changes if change.field != "id")
    grouped = groupby(named, key=lambda one: (one.when, one.user, one.reason, one.request_id, one.api_key))
    return [Event(of, *key, list(some)) for key, some in grouped]
