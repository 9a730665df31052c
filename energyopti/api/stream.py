"""Long answers in constant memory: an async iterator that makes each piece in a thread with its own connection.

Django gathers a plain iterator into a list under ASGI, so a long body is never one.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import sync_to_async
from django.db import connections

# A piece takes a core while it is made: more threads than cores only hold more memory at once
_MAKERS = ThreadPoolExecutor(max(2, os.cpu_count() or 1), thread_name_prefix="stream")


def streamed(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces of an answer. The first is made before the answer begins: what fails at once is a problem, not a torn file.

    An error later breaks the connection off, so that nobody takes half an answer for a whole one.
    """
    first = next(pieces, b"")
    # Django forgets to close the request's connection when a stream breaks off, and one lost so is lost to the pool
    _let_go()
    return _Pieces(pieces).sent(first)


class _Pieces:
    """One step at a time: a reader who goes away while a piece is being made waits for it, and then ends the rest."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._lock = threading.Lock()

    async def sent(self, first: bytes) -> AsyncIterator[bytes]:
        """The next piece is made while this one is on its way: the database does not wait for the reader, nor he for it."""
        make = sync_to_async(self._next, thread_sensitive=False, executor=_MAKERS)
        ahead = asyncio.ensure_future(make())
        piece: bytes | None = first
        try:
            while piece is not None:
                if piece:
                    yield piece
                piece = await ahead
                if piece is not None:
                    ahead = asyncio.ensure_future(make())
        finally:
            ahead.cancel()
            await sync_to_async(self._close, thread_sensitive=False, executor=_MAKERS)()

    def _next(self) -> bytes | None:
        with self._lock:
            try:
                return next(self._pieces, None)
            finally:
                _let_go()  # a reader who takes his time holds no connection

    def _close(self) -> None:
        with self._lock:
            try:
                if close := getattr(self._pieces, "close", None):
                    close()
            finally:
                _let_go()


def _let_go() -> None:
    """Close this thread's connections (back into the pool), but for one in a transaction that is not ours."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
