"""A day whose last pull never came is sealed by the clock."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from django.db import connection
from django.utils import timezone

from energyopti.sandbox.server import Sandbox
from markets import queries
from markets.tasks import seal_days
from tests.feeds.conftest import archive_folder, upstream  # noqa: F401
from tests.feeds.sandboxed import NOW, days, pull

pytestmark = pytest.mark.django_db(transaction=True)

FEED = "pjm.rt_unverified_fivemin_lmps"


def count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])


def test_a_day_left_lying_becomes_blocks_that_say_the_same(upstream: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    span = days(date(2026, 6, 20), feed=FEED)
    pull(span, feed=FEED)
    nodes = [1, 51217]
    before = queries.prices(feed=FEED, nodes=nodes, span=span)
    assert (count("lmp_block"), len(before) > 250) == (0, True)

    monkeypatch.setattr(timezone, "now", lambda: NOW + timedelta(hours=30))
    assert seal_days() == 0  # the day ended less than a day ago
    monkeypatch.setattr(timezone, "now", lambda: NOW + timedelta(days=2))
    assert seal_days() == 1
    assert (count("lmp_live"), count("lmp_block") > 0) == (0, True)
    after = queries.prices(feed=FEED, nodes=nodes, span=span)
    for column in ("node_id", "interval_start", "total", "congestion", "loss", "run_id"):
        assert getattr(after, column).tolist() == getattr(before, column).tolist()
    late = (after.first_seen_at - before.first_seen_at) / np.timedelta64(1, "s")
    assert ((late >= 0) & (late < 1)).all()  # a sealed block keeps whole seconds, never earlier than the price came
    assert seal_days() == 0
