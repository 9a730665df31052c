"""The outer seal: a digest over all that the journal holds, for somebody outside to keep. What is changed afterwards breaks it."""

from __future__ import annotations

import random
import time

import structlog
from django.db import connection

from recs.errors import Busy, rules_told
from recs.models import Seal

TRIES = 5
log = structlog.get_logger(__name__)


def seal() -> Seal | None:
    """Seal what is settled; the newest seal, None where there is nothing to seal. Raises Busy.

    Commands that begin while this waits for the slowest under way wait too: so it gives up soon, and tries again later.
    """
    for left in reversed(range(TRIES)):
        try:
            while (made := _sealed_more()) is not None:
                log.info("journal sealed", seal=made.pk, entries=made.entries, commands=made.commands, digest=bytes(made.digest).hex())
            return newest()
        except Busy:
            if not left or connection.in_atomic_block:
                raise
            time.sleep(random.uniform(0.2, 1))  # noqa: S311 -- not in step with what keeps it waiting
    raise AssertionError("the last try returns or raises")


def newest() -> Seal | None:
    return Seal.objects.order_by("-id").first()


def _sealed_more() -> Seal | None:
    with rules_told(), connection.cursor() as cursor:
        cursor.execute("SELECT recs_seal()")
        (made,) = cursor.fetchone()
    return None if made is None else Seal.objects.get(pk=made)
