"""The queue before an upstream, on a real Redis."""

from __future__ import annotations

import threading
import time
import uuid

import pytest

from energyopti.feeds import limits
from energyopti.feeds.limits import Priority, wait_turn


@pytest.fixture
def upstream() -> str:
    return uuid.uuid4().hex


def test_no_delay_means_no_waiting(upstream: str, settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9"
    assert wait_turn(upstream, delay=0, priority=Priority.LIVE) == 0


def test_requests_are_spaced(upstream: str) -> None:
    started = time.monotonic()
    for _ in range(3):
        wait_turn(upstream, delay=0.2, priority=Priority.LIVE)
    assert 0.4 <= time.monotonic() - started < 2


def test_the_most_urgent_goes_first(upstream: str) -> None:
    order: list[Priority] = []

    def ask(priority: Priority) -> None:
        wait_turn(upstream, delay=0.3, priority=priority)
        order.append(priority)

    wait_turn(upstream, delay=0.3, priority=Priority.LIVE)
    threads = []
    for priority in (Priority.BACKFILL, Priority.RESTATEMENT, Priority.GAP, Priority.LIVE):
        threads.append(threading.Thread(target=ask, args=(priority,)))
        threads[-1].start()
        time.sleep(0.03)
    for thread in threads:
        thread.join()
    assert order == [Priority.LIVE, Priority.GAP, Priority.RESTATEMENT, Priority.BACKFILL]


def test_a_waiter_that_died_does_not_block(upstream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STALE_AFTER_MS", 100)
    redis = limits._redis()
    redis.zadd(f"limit:{upstream}:waiting", {"dead": 0})
    redis.zadd(f"limit:{upstream}:alive", {"dead": 0})
    assert wait_turn(upstream, delay=0.01, priority=Priority.BACKFILL) < 1
