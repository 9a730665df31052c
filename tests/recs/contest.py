"""Several people at once, each on a connection of their own, against a ledger that is committed."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from django.db import connection, connections, transaction

from recs.errors import LedgerError
from recs.models import Account, Batch, Generator
from tests.recs.world import Firm, batch, firm, generator, issued

T = TypeVar("T")
Act = Callable[[], Any]
Outcome = Any  # what the act gave back, or the class of the LedgerError that it raised
PATIENCE = 1.2  # seconds: less than the lock_timeout of a command
_numbers = itertools.count(1)


@dataclass
class Arena:
    east: Firm
    west: Firm
    plants: dict[str, Generator]

    def account(self, owner: Firm, **more: Any) -> Account:
        return owner.account(f"account {next(_numbers)}", **more)

    def batch(self, owner: Firm, *, last: int = 100, **more: Any) -> Batch:
        """A batch of its own, in a month of its own."""
        return batch(owner, of=self.plants[owner.organisation.slug], last=last, **self._own() | more)

    def issued(self, owner: Firm, account: Account, *, last: int = 100) -> Batch:
        return issued(owner, account=account, of=self.plants[owner.organisation.slug], last=last, **self._own())

    def _own(self) -> dict[str, Any]:
        number = next(_numbers)
        return {"base": f"B{number}", "vintage": date(1900 + number // 12, number % 12 + 1, 1)}


def arena() -> Arena:
    east, west = firm("east"), firm("west")
    return Arena(east, west, {one.organisation.slug: generator(one, f"Plant {one.organisation.slug}") for one in (east, west)})


def apart(act: Callable[[], T]) -> T:
    """In a thread with its own connection: what it does is committed, whatever the test's transaction does."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_alone, act).result()


def _alone(act: Callable[[], T]) -> T:
    try:
        return act()
    finally:
        connections.close_all()


def outcome(act: Act) -> Outcome:
    try:
        return act()
    except LedgerError as problem:
        return type(problem)


def contend(first: Act, second: Act) -> tuple[Outcome, Outcome]:
    """`first` has done its part and not committed when `second` begins; it commits once `second` waits for it, or is done."""
    tried, waiting = threading.Event(), threading.Event()
    pid: Future[int] = Future()

    def lead() -> Outcome:
        with transaction.atomic():
            done = first()
            tried.set()
            waiting.wait(PATIENCE)
        return done

    def follow() -> Outcome:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid.set_result(cursor.fetchone()[0])
        tried.wait(PATIENCE)
        return outcome(second)

    with ThreadPoolExecutor(3) as pool:
        leading = pool.submit(_alone, lambda: outcome(lead))
        leading.add_done_callback(lambda _: tried.set())
        following = pool.submit(_alone, follow)
        pool.submit(_alone, lambda: _watch(pid.result(), following)).add_done_callback(lambda _: waiting.set())
        return leading.result(), following.result()


def _watch(pid: int, done: Future[Any]) -> None:
    """Until that backend waits for a lock, or is done."""
    until = time.monotonic() + PATIENCE
    with connection.cursor() as cursor:
        while not done.done() and time.monotonic() < until:
            cursor.execute("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s", [pid])
            if (cursor.fetchone() or (False,))[0]:
                return
            time.sleep(0.003)


def together(*acts: Act) -> list[Outcome]:
    """All at once, each as fast as it can."""
    gate = threading.Barrier(len(acts))

    def run(act: Act) -> Outcome:
        connection.ensure_connection()
        gate.wait()
        return outcome(act)

    with ThreadPoolExecutor(len(acts)) as pool:
        return [running.result() for running in [pool.submit(_alone, lambda act=act: run(act)) for act in acts]]
