"""Transfers by many processes at once, one database connection each: ours, django-hordak's, and hordak's made safe.

A process of its own with the settings of tests/benchmarks/peers.py, started by tests/benchmarks/ledger.py:

    python -m tests.benchmarks.ledger_race    prints {"calls": {"4 ours": [[seconds of each call] of each round]}, "bytes": ...}

The variants take turns, a second each, so that whatever else the machine does meets all of them. Each is told two numbers of
accounts and an amount, as a request tells them.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:
    from tests.benchmarks.ledger_world import World

ROUNDS = 5
SECONDS = 1.0
CONNECTIONS = (1, 4, 16)
BULK = 100  # transfers of one bulk command
MOST = 50  # certificates, or dollars, of a transfer
_SIZES = """
SELECT sum(pg_total_relation_size(c.oid)) FILTER (WHERE relname LIKE 'recs\\_%') AS ledger,
       sum(pg_total_relation_size(c.oid)) FILTER (WHERE relname = 'events_event') AS outbox, (SELECT count(*) FROM recs_command) AS commands
FROM pg_class c WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
"""


def main() -> None:
    django.setup()
    from django.conf import settings

    from energyopti.db import APP_ROLE
    from tests.benchmarks import ledger_world

    world = ledger_world.make()
    before = _sizes()
    login, settings.DATABASE_ROLE = settings.DATABASE_ROLE, APP_ROLE  # as the web: who forks from here connects as the application
    with ExitStack() as stack:
        crew = [stack.enter_context(_worker(world, desk)) for desk in range(max(CONNECTIONS))]
        calls = _race(crew)
    settings.DATABASE_ROLE = login
    grown = [after - start for start, after in zip(before, _sizes(), strict=True)]
    print(json.dumps({"calls": calls, "bytes": dict(zip(("ledger", "outbox", "transfers"), grown, strict=True))}))


def _sizes() -> list[int]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(_SIZES)
        sizes = [int(size) for size in cursor.fetchone()]
    connection.close()
    return sizes


def _race(crew: Sequence[Connection]) -> dict[str, list[list[float]]]:
    calls: dict[str, list[list[float]]] = {}
    for connections in CONNECTIONS:
        for turn in range(ROUNDS + 1):
            for variant in ("ours", "hordak", "hordak in hand", "hordak made safe", *(["bulk"] if connections < 16 else [])):
                seconds = _together(crew[:connections], variant)
                if turn:  # the first warms up
                    calls.setdefault(f"{connections} {variant}", []).append(seconds)
    return calls


def _together(crew: Sequence[Connection], variant: str) -> list[float]:
    until = time.monotonic() + SECONDS
    for worker in crew:
        worker.send((variant, until))
    return [seconds for worker in crew for seconds in worker.recv()]


@contextmanager
def _worker(world: World, desk: int) -> Iterator[Connection]:
    context = multiprocessing.get_context("fork")  # Django is set up already, and nothing is connected
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, world, desk), daemon=True)
    process.start()
    try:
        yield here
    finally:
        here.send(None)
        process.join(10)


def _serve(asked: Connection, world: World, desk: int) -> None:
    draw = random.Random(os.getpid())
    named: dict[str, Callable[[World, random.Random], Any]] = {"ours": _ours, "bulk": partial(_bulk, desk=desk)}
    named |= {"hordak": partial(_hordak, fetched=False), "hordak in hand": partial(_hordak, fetched=True), "hordak made safe": _safe}
    while order := asked.recv():
        variant, until = order
        trade, taken = named[variant], []
        while (started := time.monotonic()) < until:
            trade(world, draw)
            taken.append(time.monotonic() - started)
        asked.send(taken)


def _ours(world: World, draw: random.Random) -> None:
    from recs import ledger

    source, target, batch = world.pair(draw)
    told = {"from_account": source, "to_account": target, "quantity": draw.randint(1, MOST), "criteria": batch}
    ledger.transfer(key=uuid.uuid4(), by=world.trader, **told)


def _bulk(world: World, draw: random.Random, *, desk: int) -> None:
    """Each desk out of accounts of its own: two bulk commands out of the same account wait for each other, to the end."""
    from recs import ledger

    moves = []
    for _ in range(BULK):
        source, target, batch = world.pair(draw, out_of=range(desk, len(world.accounts), max(CONNECTIONS)))
        told = {"from_account": source, "to_account": target, "quantity": draw.randint(1, MOST), "criteria": batch}
        moves.append(ledger.Move(key=uuid.uuid4(), kind="transfer", **told))
    ledger.bulk(by=world.trader, moves=moves)


def _hordak(world: World, draw: random.Random, *, fetched: bool) -> None:
    """`fetched`: without reading the two accounts, which somebody holds in memory already."""
    from djmoney.money import Money
    from hordak.models import Account

    source, target = world.books_pair(draw)
    if not fetched:
        source, target = Account.objects.get(pk=source.pk), Account.objects.get(pk=target.pk)
    source.transfer_to(target, Money(draw.randint(1, MOST), "USD"))


def _safe(world: World, draw: random.Random) -> None:
    """What a careful user of hordak would write: both accounts locked, always in the same order, then the balance."""
    from django.db import transaction
    from djmoney.money import Money
    from hordak.models import Account

    source, target = world.books_pair(draw)
    amount = Money(draw.randint(1, MOST), "USD")
    with transaction.atomic():
        locked = {one.pk: one for one in Account.objects.select_for_update().filter(pk__in=[source.pk, target.pk]).order_by("pk")}
        if locked[source.pk].get_simple_balance() < amount:
            raise AssertionError("overdrawn")
        locked[source.pk].transfer_to(locked[target.pk], amount)


if __name__ == "__main__":
    main()
