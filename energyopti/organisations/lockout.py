"""Guessing passwords: who is shut out, for how long, and how it ends (django-axes counts)."""

from __future__ import annotations

from datetime import timedelta
from math import ceil

from axes.models import AccessAttempt
from axes.utils import reset
from django.conf import settings
from django.db.models import Max
from django.http import HttpRequest
from django.utils import timezone

COOL_OFF: timedelta = settings.AXES_COOLOFF_TIME


def address_of(request: HttpRequest) -> str:
    """The other end of the connection, or the client that a trusted proxy named: uvicorn has decided that already."""
    return str(request.META.get("REMOTE_ADDR", ""))


def seconds_left(*, username: str, address: str) -> int:
    """Until this name may be tried again from this address; at least 1."""
    last = AccessAttempt.objects.filter(username=username, ip_address=address).aggregate(last=Max("attempt_time"))["last"]
    left = (last or timezone.now()) + COOL_OFF - timezone.now()
    return max(1, ceil(left.total_seconds()))


def forgive(username: str) -> int:
    """Forget the failures of this name, from wherever; how many there were."""
    return int(reset(username=username))


def forget_old() -> int:
    count, _ = AccessAttempt.objects.filter(attempt_time__lt=timezone.now() - COOL_OFF).delete()
    return int(count)
