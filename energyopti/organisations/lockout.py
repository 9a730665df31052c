"""Guessing: who is shut out, for how long, and how it ends (django-axes counts wrong passwords)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from axes.utils import reset
from django.conf import settings
from django.core.cache import cache
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from redis.exceptions import RedisError

from energyopti import addresses

COOL_OFF: timedelta = settings.AXES_COOLOFF_TIME
MOST_FROM_ADDRESS = 50  # wrong passwords for whatever names: more than an office mistypes, and little for one who tries one on all
RESETS_FROM_ADDRESS = 20
RESETS_SECONDS = 3600


def address_of(request: HttpRequest) -> str:
    """The other end of the connection, or the client that a trusted proxy named: uvicorn has decided that already."""
    return addresses.counted_as(str(request.META.get("REMOTE_ADDR", "")))


class Handler(AxesDatabaseHandler):  # type: ignore[misc]  # axes has no types
    """Locks also an address that fails with many names: five guesses at each of a thousand people are a thousand too many."""

    def is_locked(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        return super().is_locked(request, credentials) or _from_address(address_of(request)) is not None


def seconds_left(*, username: str, address: str) -> int:
    """Until this name may be tried again from this address; at least 1."""
    pair = _opens(_failures(address).filter(username=username), settings.AXES_FAILURE_LIMIT)
    opens = [when for when in (pair, _from_address(address)) if when]
    return max(1, ceil((max(opens, default=timezone.now() + COOL_OFF) - timezone.now()).total_seconds()))


def address_is_locked(address: str) -> bool:
    return _from_address(address) is not None


def _from_address(address: str) -> datetime | None:
    return _opens(_failures(address), MOST_FROM_ADDRESS) if address else None


def _failures(address: str) -> QuerySet[Any]:
    recent = AccessAttempt.objects.filter(ip_address=address or None, attempt_time__gte=timezone.now() - COOL_OFF)
    return recent.order_by("-attempt_time")  # type: ignore[no-any-return]


def _opens(failures: QuerySet[Any], limit: int) -> datetime | None:
    """When so many have faded that the rest is below the limit; None where it is now."""
    return _faded(failures.values_list("attempt_time", "failures_since_start"), limit)


def _faded(newest_first: Iterable[tuple[datetime, int]], limit: int) -> datetime | None:
    seen = 0
    for when, failures in newest_first:
        seen += failures
        if seen >= limit:
            return when + COOL_OFF
    return None


def forgive(username: str) -> int:
    """Forget the failures of this name, from wherever; how many there were."""
    return int(reset(username=username))


def forget_old() -> int:
    count, _ = AccessAttempt.objects.filter(attempt_time__lt=timezone.now() - COOL_OFF).delete()
    return int(count)


def may_ask_for_mail(address: str) -> bool:
    """Counts somebody's request for a new password: nobody fills the queue, or other people's letter boxes by turns."""
    key = f"resets-from:{address}"
    try:
        cache.add(key, 0, RESETS_SECONDS)
        return int(cache.incr(key)) <= RESETS_FROM_ADDRESS
    except (RedisError, ValueError):  # away, or the key's hour ended in between
        return True
