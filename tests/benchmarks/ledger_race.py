"""Transfers by many processes at once, one database connection each: ours, django-hordak's, and hordak's made safe.

Run by tests/benchmarks/ledger.py as a process of its own, with the settings of tests/benchmarks/peers.py:

    python -m tests.benchmarks.ledger_race        prints one JSON object, {"connections variant": [[seconds of each call], ...]}

The three take turns, a second each, so that whatever else the machine does meets all of them.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from tests.benchmarks.ledger_world import World

ROUNDS = 5
SECONDS = 1.0
CONNECTIONS = (1, 4, 16)
BULK = 100  # transfers of one bulk command
Trade = Callable[[random.Random], int]  # does something, returns how many transfers it was
Taken = tuple[float, int]


def main() -> None:
    django.setup()
    from tests.benchmarks import ledger_world

    world = ledger_world.make()
    with ExitStack() as stack:
        crew = [stack.enter_context(_worker(world)) for _ in range(max(CONNECTIONS))]
        print(json.dumps(_race(crew)))


def _race(crew: Sequence[Connection]) -> dict[str, list[list[float]]]:
    """Seconds of each call by connections and variant, a list a round."""
    taken: dict[str, list[list[float]]] = {}
    for connections in CONNECTIONS:
        for turn in range(ROUNDS + 1):
            for variant in ("ours", "hordak", "hordak made safe", *(["bulk"] if connections < max(CONNECTIONS) else [])):
                seconds = _together(crew[:connections], variant)
                if turn:  # the first one warms up
                    taken.setdefault(f"{connections} {variant}", []).append(seconds)
    return taken


def _together(crew: Sequence[Connection], variant: str) -> list[float]:
    until = time.monotonic() + SECONDS
    for worker in crew:
        worker.send((variant, until))
    return [seconds for worker in crew for seconds in worker.recv()]


@contextmanager
def _worker(world: World):
    context = multiprocessing.get_context("fork")  # Django is set up once
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, world), daemon=True)
    process.start()
    try:
        yield here
    finally:
        here.send(None)
        process.join(10)


def _serve(asked: Connection, world: World) -> None:
    draw = random.Random(os.getpid())
    trades = {
        "ours": partial(_ours, world),
        "hordak": partial(_hordak, world),
        "hordak made safe": partial(_safe, world),
        "bulk": partial(_bulk, world),
    }
    while order := asked.recv():
        variant, until = order
        trade, taken = trades[variant], []
        while (started := time.monotonic()) < until:
            trade(draw)
            taken.append(time.monotonic() - started)
        asked.send(taken)


def _ours(world: World, draw: random.Random) -> None:
    from recs import ledger

    source, target, batch = world.pair(draw)
    ledger.transfer(key=uuid.uuid4(), by=world.trader, from_account=source, to_account=target, quantity=draw.randint(1, 50), criteria=batch)


def _bulk(world: World, draw: random.Random) -> None:
    from recs import ledger

    moves = []
    for _ in range(BULK):
        source, target, batch = world.pair(draw)
        moves.append(
            ledger.Move(
                key=uuid.uuid4(), kind="transfer", from_account=source, to_account=target, quantity=draw.randint(1, 50), criteria=batch
            )
        )
    ledger.bulk(by=world.trader, moves=moves)


def _hordak(world: World, draw: random.Random) -> None:
    source, target = world.peers(draw)
    source.transfer_to(target, world.money(draw))


def _safe(world: World, draw: random.Random) -> None:
    """What a careful user of hordak would write: both accounts locked in one order, then the balance."""
    from django.db import transaction
    from hordak.models import Account

    source, target = world.peers(draw)
    amount = world.money(draw)
    with transaction.atomic():
        locked = {one.pk: one for one in Account.objects.select_for_update().filter(pk__in=[source.pk, target.pk]).order_by("pk")}
        if locked[source.pk].get_simple_balance() < amount:
            raise AssertionError("overdrawn")
        locked[source.pk].transfer_to(locked[target.pk], amount)


if __name__ == "__main__":
    main()
    sys.exit(0)
