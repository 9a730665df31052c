"""Long answers in constant memory: an async iterator that makes each piece in a thread with its own connection.

Django gathers a plain iterator into a list under ASGI, so a long body is never one.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.db import connections

# A piece takes a core while it is made: more threads than cores only hold more memory at once
_AT_ONCE = max(2, os.cpu_count() or 1)
_MAKERS = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="stream")
_READERS = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="read")  # of their own: a maker waits for his reader
_SIDES = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="side")  # and for the same reason
_SIDE_BY_SIDE = 2  # of one stream: more would be more memory and more sessions, not more speed
Item = TypeVar("Item")
END = object()


def streamed(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces of an answer. The first is made before the answer begins: what fails at once is a problem, not a torn file.

    An error later breaks the connection off, so that nobody takes half an answer for a whole one.
    """
    first = next(pieces, b"")
    # Django forgets to close the request's connection when a stream breaks off, and one lost so is lost to the pool
    _let_go()
    return _Pieces(pieces).sent(first)


def read_ahead(source: Iterator[Item]) -> Iterator[Item]:
    """The same items, each read in another thread while the one before it is worked on; the first one at once.

    The database does not wait for us, nor we for it.
    """
    steps = _Steps(source)
    return _ahead(steps, _READERS.submit(steps.next))


def _ahead(steps: _Steps, coming: Future[Any]) -> Iterator[Any]:
    try:
        while (item := coming.result()) is not END:
            coming = _READERS.submit(steps.next)
            yield item
    finally:
        coming.cancel()
        _READERS.submit(steps.close)


def side_by_side(steps: Iterator[Callable[[], Item]]) -> Iterator[Item]:
    """What the steps give, in their order; two are taken at once, each in a thread with its own connection.

    The database packs the rows of one while we unpack those of the other.
    """
    taken: deque[Future[Item]] = deque()
    try:
        for step in steps:
            taken.append(_SIDES.submit(_alone, step))
            if len(taken) == _SIDE_BY_SIDE:
                yield taken.popleft().result()
        while taken:
            yield taken.popleft().result()
    finally:
        for one in taken:
            one.cancel()


def _alone(step: Callable[[], Item]) -> Item:
    try:
        return step()
    finally:
        _let_go()


class _Pieces:
    """A reader who goes away while a piece is being made waits for it, and then ends the rest."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._steps = _Steps(pieces)

    async def sent(self, first: bytes) -> AsyncIterator[bytes]:
        """The next piece is made while this one is on its way."""
        make = sync_to_async(self._steps.next, thread_sensitive=False, executor=_MAKERS)
        ahead = asyncio.ensure_future(make())
        piece: Any = first
        try:
            while piece is not END:
                if piece:
                    yield piece
                piece = await ahead
                if piece is not END:
                    ahead = asyncio.ensure_future(make())
        finally:
            ahead.cancel()
            await sync_to_async(self._steps.close, thread_sensitive=False, executor=_MAKERS)()


class _Steps:
    """An iterator whose steps are taken one at a time, each in whatever thread; none of them keeps a connection."""

    def __init__(self, source: Iterator[Any]) -> None:
        self._source = source
        self._lock = threading.Lock()

    def next(self) -> Any:
        with self._lock:
            try:
                return next(self._source, END)
            finally:
                _let_go()

    def close(self) -> None:
        with self._lock:
            try:
                if close := getattr(self._source, "close", None):
                    close()
            finally:
                _let_go()


def _let_go() -> None:
    """Close this thread's connections (back into the pool), but for one in a transaction that is not ours."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
