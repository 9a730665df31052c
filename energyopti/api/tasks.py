"""The API's work for Celery."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from energyopti.api import idempotency


@shared_task
def drop_kept_answers() -> int:
    return idempotency.drop_old(now=timezone.now())
