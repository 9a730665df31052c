"""How a command gets to the database: one statement, tried again where it met others in a deadlock."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from contextlib import nullcontext
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from energyopti import logs
from recs.errors import Busy, SameKeyAtOnce, Unknown, rules_told
from recs.exact import LARGEST

TRIES = 3
ONLY_WHEN_TOLD = 1 << 30  # of psycopg: after how many repetitions a statement is prepared unasked
_kept: WeakKeyDictionary[BaseDatabaseWrapper, psycopg.Cursor[tuple[Any, ...]]] = WeakKeyDictionary()


def context(reason: str) -> dict[str, str]:
    return {"reason": reason, "request_id": logs.request_id(), "api_key": logs.api_key()}


def call(function: str, *arguments: object) -> int:
    """Of the ledger's functions in the database, one that answers with a number: `answer`, which see."""
    return int(answer(function, *arguments))


def answer(function: str, *arguments: object) -> Any:
    """Objects and lists go as JSON. A deadlock is undone whole by PostgreSQL, so that the same key may try again."""
    if any(isinstance(argument, int) and abs(argument) > LARGEST for argument in arguments):  # quantities and prices are smaller
        raise Unknown("there is nothing of this number that you may use")
    database = connections[DEFAULT_DB_ALIAS]
    inside = database.in_atomic_block
    for left in reversed(range(TRIES)):
        try:
            with rules_told(), transaction.atomic() if inside else nullcontext():  # alone, a statement is a transaction of its own
                return _ask(database, function, arguments)
        except SameKeyAtOnce:
            if not left:
                raise
        except Busy:
            if not left or inside:
                raise
            time.sleep(random.uniform(0.005, 0.05))  # noqa: S311 -- so that two do not meet again
    raise AssertionError("the last try returns or raises")


def _ask(database: BaseDatabaseWrapper, function: str, arguments: Sequence[object]) -> Any:
    """Prepared once a connection: parsed and planned each time, and through Django's own cursor, it would take 0.1 ms more.

    Each argument is sent as text, whose type PostgreSQL takes from the function: it stays the same statement.
    """
    database.close_if_health_check_failed()
    database.ensure_connection()
    with database.wrap_database_errors:
        rows = _rows(database)
        rows.execute(_statement(function, len(arguments)), [_text(one) for one in arguments], prepare=True)
        [[answer]] = rows.fetchall()
        return answer


def _rows(database: BaseDatabaseWrapper) -> psycopg.Cursor[tuple[Any, ...]]:
    """The same for the life of a connection: a new one looks up how each type is written."""
    rows = _kept.get(database)
    if rows is None or rows.connection is not database.connection:
        rows = _kept[database] = psycopg.Cursor(database.connection)
        rows.connection.prepare_threshold = ONLY_WHEN_TOLD
    return rows


def _text(argument: object) -> str | None:
    if argument is None:
        return None
    return json.dumps(argument) if isinstance(argument, dict | list) else str(argument)


@cache
def _statement(function: str, arguments: int) -> str:
    return f"SELECT {function}({', '.join(['%s'] * arguments)})"
