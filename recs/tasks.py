"""The ledger's work for Celery."""

from __future__ import annotations

from celery import shared_task

from recs import ledger
from recs.errors import Busy
from recs.proof import seal

MOST = 100  # commands in one transaction


@shared_task(autoretry_for=(Busy,), retry_backoff=5, retry_jitter=True, max_retries=5)
def seal_journal() -> int | None:
    """The number of the newest seal."""
    sealed = seal.seal()
    return None if sealed is None else sealed.pk


@shared_task(autoretry_for=(Busy,), retry_backoff=2, retry_jitter=True, max_retries=4)
def expire_unanswered() -> int:
    """End offers and requests that nobody answered in time; how many."""
    ended = 0
    while (more := ledger.expire(most=MOST)) > 0:
        ended += more
    return ended
