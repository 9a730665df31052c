"""Locks over all workers. They belong to the database session: a killed process lets go of them by dying."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection

from energyopti.feeds.feed import Feed
from energyopti.intervals import Span


def _window_keys(windows: Sequence[Span]) -> list[int]:
    """Hours since 1970: fits the lock's 32 bits, and no two windows of a feed begin in the same hour."""
    return [int(window.start.timestamp()) // 3600 for window in windows]


def _feed_key(feed: Feed, sandbox: bool) -> str:
    return f"feeds.window {feed.name} {sandbox}"


@contextmanager
def held_windows(feed: Feed, windows: Sequence[Span], *, sandbox: bool, wait: bool = False) -> Iterator[list[Span]]:
    """Those of `windows` that nobody else works on, locked until the block ends; all of them with `wait`."""
    space, keys = _feed_key(feed, sandbox), _window_keys(windows)
    function = "(SELECT true FROM pg_advisory_lock(hashtext(%s), key))" if wait else "pg_try_advisory_lock(hashtext(%s), key)"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT key FROM unnest(%s::int[]) key WHERE {function} ORDER BY key", [keys, space])  # noqa: S608
        held = {key for (key,) in cursor.fetchall()}
    try:
        yield [window for window, key in zip(windows, keys, strict=True) if key in held]
    finally:
        _unlock(space, sorted(held))


def _unlock(space: str, keys: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(hashtext(%s), key) FROM unnest(%s::int[]) key", [space, keys])


@contextmanager
def held_run(run_id: int) -> Iterator[bool]:
    """Whether this session holds the run: False means that a living process works on it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('feeds.run'), %s)", [run_id])
        held = bool(cursor.fetchone()[0])
    try:
        yield held
    finally:
        if held:
            _unlock("feeds.run", [run_id])
