"""Proves the ledger's rules over the whole database, or over what came after the newest seal.

Every rule is one statement, so that commands may go on meanwhile: each state that was committed keeps all rules.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from psycopg import sql

from energyopti.db import login_connection
from recs.proof import released
from recs.proof.rules import COUNTS, Rule, rules

FIRST = 5  # offenders that are told
# Row policies must not hide anything from a proof: then the first query fails, rather than find nothing wrong
_SETTINGS = """
SET row_security = off;
SET work_mem = '256MB';
SET max_parallel_workers_per_gather = 2;
SET parallel_tuple_cost = 0;
SET jit = off;
SET enable_memoize = off;
SET random_page_cost = 1.1;
"""
_PLACE = re.compile(r"(?<!:):(entry|command|cash_entry|constraints|foreign_keys|not_null|functions|definitions|there)\b")


@dataclass(frozen=True, slots=True)
class Since:
    """The last numbers that need no more proof; zeros: none."""

    entry: int = 0
    command: int = 0
    cash_entry: int = 0
    seal: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`offenders` are the first few sentences; `looked_at` None: this rule was not asked, and `why` not."""

    rule: Rule
    looked_at: int | None
    violations: int = 0
    offenders: Sequence[str] = ()
    seconds: float = 0.0
    why: str = ""

    @property
    def holds(self) -> bool:
        return not self.violations


@contextmanager
def proving() -> Iterator[Any]:
    """A cursor of the login's own connection, with room and helpers for large joins."""
    with login_connection() as own, own.cursor() as cursor:
        cursor.execute(_SETTINGS)
        yield cursor


def newest_seal(cursor: Any) -> Since:
    cursor.execute("SELECT upto_entry, upto_command, upto_cash_entry, id FROM recs_seal ORDER BY id DESC LIMIT 1")
    found = cursor.fetchone()
    return Since(*found) if found else Since()


def prove(cursor: Any, *, since: Since | None = None) -> Iterator[Verdict]:
    """Rule by rule, as they are done. `since` None: everything."""
    counted: dict[str, int] = {}
    for rule in rules():
        query = rule.whole if since is None else rule.since
        if why := "it needs the whole" if query is None else _in_other_words(cursor) if rule.worded else "":
            yield Verdict(rule, None, why=why)
            continue
        began = time.monotonic()
        if rule.looks_at not in counted:
            counted[rule.looks_at] = _rows(cursor, COUNTS[rule.looks_at], since)[0][0]
        found = _rows(cursor, f"SELECT found, count(*) OVER () FROM (\n{query}\n) broken ORDER BY id LIMIT {FIRST}", since)  # noqa: S608
        offenders = [told for told, _ in found]
        yield Verdict(rule, counted[rule.looks_at], found[0][1] if found else 0, offenders, time.monotonic() - began)


def kept_outside(cursor: Any, digests: Sequence[str]) -> Verdict:
    """Whoever changes the journal can also seal it anew; a digest that somebody else has kept is out of reach."""
    began = time.monotonic()
    cursor.execute("SELECT encode(digest, 'hex') FROM recs_seal WHERE encode(digest, 'hex') = ANY(%s)", [[one.lower() for one in digests]])
    here = {found for (found,) in cursor.fetchall()}
    missing = [one for one in digests if one.lower() not in here]
    rule = Rule("seals_kept_outside", "Each digest that was kept outside is that of a seal here", "digests", "", None)
    told = [f"no seal here has the digest {one}" for one in missing[:FIRST]]
    return Verdict(rule, len(digests), len(missing), told, time.monotonic() - began)


def _in_other_words(cursor: Any) -> str:
    """Why the definitions of this server cannot be compared; empty: they can."""
    cursor.execute("SELECT current_setting('server_version_num')::integer / 10000")
    (here,) = cursor.fetchone()
    return "" if here == released.major() else f"worded for PostgreSQL {released.major()}"


def _rows(cursor: Any, query: str, since: Since | None) -> list[Any]:
    """Without parameters of the driver's: a percent sign in a rule is one."""
    since = since or Since()
    values = {"entry": since.entry, "command": since.command, "cash_entry": since.cash_entry}

    def told(place: re.Match[str]) -> str:
        if place[1] == "there":
            return released.DEFINITIONS
        return str(values[place[1]]) if place[1] in values else f"{sql.quote(_declared()[place[1]])}::jsonb"

    cursor.execute(_PLACE.sub(told, query))
    rows: list[Any] = cursor.fetchall()
    return rows


@cache
def _declared() -> dict[str, str]:
    """As JSON: what the release says of the database."""
    asked = (released.constraints, released.foreign_keys, released.not_null, released.functions, released.definitions)
    return {ask.__name__: json.dumps(ask()) for ask in asked}
