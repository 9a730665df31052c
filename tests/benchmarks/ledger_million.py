"""A ledger of a million holdings and five million entries, over which verify_ledger holds: set-based SQL of the tables' owner.

    ENERGYOPTI_HOME=folder python -m tests.benchmarks.ledger_million 1000000    each time another such world in that folder

Batches of 1,000 pieces are issued to eight organisations. Then each piece moves inside its organisation, is offered to another
one, which accepts, and is offered to a third, which accepts and has it now: five entries of its own. A command moves ten pieces.
In the end one organisation has 100 of the holdings, one has a tenth of them, out of all batches, and the issuers have the rest.
The events that commands leave in the outbox are not made.
"""

from __future__ import annotations

import argparse
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import django
from django.db import connection, transaction
from psycopg import sql

from energyopti.onemachine import home, postgres, redis, services, tables

if TYPE_CHECKING:
    from recs.models import Batch
    from tests.recs.world import Firm

HOLDINGS = 1_000_000
ISSUERS, ACCOUNTS = 8, 50  # accounts of each organisation
PIECES, EACH, MOVED = 1000, 1000, 10  # pieces of a batch, certificates of a piece, pieces of a command
SMALL = 100  # holdings of the small organisation
EVEN = 10 * MOVED * ACCOUNTS  # of so many holdings each account of the large organisation gets as many
MONTHS = 60
FUELS = ("wind", "solar")
PLACES = [place.split() for place in ("mrets IA", "mrets MN", "gats PA", "gats NJ", "ercot TX", "wregis CA", "nepool MA", "nyiso NY")]
JOURNAL = ("recs_command", "recs_entry", "recs_holding")

# The trigger that hashes a command may go on: it does nothing else but set the time
_GUARDS = """
SELECT tgrelid::regclass::text, tgname, tgenabled::text FROM pg_trigger
WHERE tgrelid = ANY (%s::regclass[]) AND NOT tgisinternal AND (tgrelid, tgname) <> ('recs_command'::regclass, 'hashed')
"""
_AGAIN = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA", "D": "DISABLE"}  # by pg_trigger.tgenabled

# A trip `g` is ten pieces of a batch (the `n`-th) that stay together: whose they are at each of its four stops, who acts there, and
# in which account they lie. `draw` is a number between 0 and 2^30 that looks like chance and is the same each time.
_TRIPS = """
CREATE TEMP TABLE trip ON COMMIT DROP AS
SELECT g, n + 1 AS n, (%(batches)s::bigint[])[n + 1] AS batch,
       ARRAY(SELECT (%(organisations)s::bigint[])[f] FROM unnest(firms) f) AS owners,
       ARRAY(SELECT (%(traders)s::bigint[])[f] FROM unnest(firms) f) AS people,
       ARRAY(SELECT (%(accounts)s::bigint[])[(f - 1) * %(desks)s + d %% %(desks)s + 1] FROM unnest(firms, ARRAY[
         n / %(issuers)s, n / %(issuers)s + 1 + draw %% (%(desks)s - 1), draw, g / 10]) AS stop (f, d)) AS accounts
FROM (SELECT g, (g - 1) / %(per_batch)s AS n, (hashint8extended(g, 1) & 1073741823)::integer AS draw FROM generate_series(1, %(trips)s) g) a
CROSS JOIN LATERAL (SELECT n %% %(issuers)s + 1 AS first) b
CROSS JOIN LATERAL (SELECT (first + draw %% (%(issuers)s - 1)) %% %(issuers)s + 1 AS second) c
CROSS JOIN LATERAL (SELECT ARRAY[first, first, second, CASE
  WHEN g %% 10 = 0 THEN %(issuers)s + 2
  WHEN g %% (%(trips)s / (%(small)s / %(moved)s)) = 1 THEN %(issuers)s + 1
  ELSE (second + draw / 8 %% (%(issuers)s - 1)) %% %(issuers)s + 1 END] AS firms) d
"""
_COMMANDS = """
INSERT INTO recs_command (
  id, key, request_hash, kind, organisation_id, counterparty_id, from_account_id, to_account_id, to_bucket, quantity, awaiting, root_id,
  resolves_id, expires_at, self_approved, made_by_id, reason, reference, request_id, api_key, hash)
"""
_ENTRIES = """
INSERT INTO recs_entry (id, serials, from_bucket, to_bucket, hash, batch_id, command_id, from_account_id, prev_id, to_account_id)
"""
_ISSUED = (
    f"""{_COMMANDS}
SELECT %(command)s + n, gen_random_uuid(), sha256(int8send(n)), 'issue', owners[1], NULL, NULL, accounts[1], 1,
       %(pieces)s * %(certificates)s, '{{}}', NULL, NULL, NULL, true, people[1], '', '', '', '', ''
FROM trip WHERE g %% %(per_batch)s = 1 ORDER BY n
""",
    # `e` has the columns of the table in their order, so that a row is hashed as it will stand there
    f"""{_ENTRIES}
SELECT id, serials, from_bucket, to_bucket, recs_entry_hash(NULL, ROW(e.*)::recs_entry), batch, command, from_account, prev, to_account
FROM (SELECT %(entry)s + n AS id, int8range(1, %(pieces)s * %(certificates)s + 1) AS serials, NULL::smallint AS from_bucket, 1 AS to_bucket,
             ''::bytea AS hash, batch, %(command)s + n AS command, NULL::bigint AS from_account, NULL::bigint AS prev,
             accounts[1] AS to_account
      FROM trip WHERE g %% %(per_batch)s = 1) e ORDER BY id
""",
)
_MOVED = (
    f"""{_COMMANDS}
SELECT %(command)s + g, gen_random_uuid(), sha256(int8send(g)), %(kind)s, owners[%(stop)s], owners[%(other)s], accounts[%(stop)s],
       accounts[%(stop)s + 1], 1, %(moved)s * %(certificates)s, %(awaiting)s, %(root)s::bigint + g, %(root)s::bigint + g,
       transaction_timestamp() + %(open_for)s::interval, %(root)s::bigint IS NULL, people[%(actor)s], '', '', '', '', ''
FROM trip ORDER BY g
""",
    f"""{_ENTRIES}
SELECT e.id, e.serials, e.from_bucket, e.to_bucket, recs_entry_hash(p.hash, ROW(e.*)::recs_entry), batch, command, from_account, prev,
       to_account
FROM (SELECT %(entry)s + k AS id, int8range(at * %(certificates)s + 1, (at + 1) * %(certificates)s + 1) AS serials,
             %(out_of)s AS from_bucket, %(into)s AS to_bucket, ''::bytea AS hash, batch, %(command)s + g AS command,
             accounts[%(stop)s] AS from_account,
             %(before)s + CASE WHEN %(whole)s THEN n ELSE k END AS prev, accounts[%(lands)s] AS to_account
      FROM trip CROSS JOIN LATERAL generate_series((g - 1) * %(moved)s + 1, g * %(moved)s) k
      CROSS JOIN LATERAL (SELECT (k - 1) %% %(pieces)s AS at) piece) e
JOIN recs_entry p ON p.id = e.prev ORDER BY e.id
""",
)
_HELD = """
INSERT INTO recs_holding (batch_id, serials, account_id, bucket, entry_id)
SELECT batch_id, serials, to_account_id, to_bucket, id FROM recs_entry WHERE id > %(entry)s ORDER BY id
"""
_NUMBERED = "SELECT setval(pg_get_serial_sequence('{0}', 'id'), max(id)) FROM {0}"


@dataclass(frozen=True, slots=True)
class Step:
    """From a stop (1 to 3) to the next: `transfer` at once or as an offer, `accept` of the offer that was the step before."""

    kind: str
    stop: int
    offers: bool = False

    def told(self, *, command: int, entry: int, before: int, trips: int) -> dict[str, Any]:
        """`command`, `entry` and `before` (that of the step before) are the numbers behind which theirs begin."""
        accepts, inside = self.kind == "accept", self.stop == 1
        said = {"kind": self.kind, "stop": self.stop, "other": None if inside else self.stop + 1, "actor": self.stop + accepts}
        waits = {"awaiting": "{acceptance}" if self.offers else "{}", "open_for": "14 days" if self.offers else None}
        moves = {"out_of": 2 if accepts else 1, "into": 2 if self.offers else 1, "lands": self.stop + (not self.offers)}
        continues = {"before": before, "whole": inside, "root": command - trips if accepts else None}
        return {"command": command, "entry": entry} | said | waits | moves | continues


STEPS = (Step("transfer", 1), Step("transfer", 2, offers=True), Step("accept", 2), Step("transfer", 3, offers=True), Step("accept", 3))


@dataclass(frozen=True, slots=True)
class World:
    """`small` has 100 holdings, `large` a tenth of them; `seconds` it took to make."""

    small: Firm
    large: Firm
    batches: Sequence[Batch]
    holdings: int
    seconds: float

    @property
    def entries(self) -> int:
        return len(self.batches) + len(STEPS) * self.holdings


def size() -> int:
    return int(os.environ.get("BENCH_HOLDINGS") or HOLDINGS)


def make(holdings: int) -> World:
    """As the login: the application may not write the journal."""
    if holdings <= 0 or holdings % EVEN:
        raise ValueError(f"{holdings:,} holdings do not go evenly into accounts and batches: take a multiple of {EVEN:,}")
    started, name = time.perf_counter(), f"million-{uuid.uuid4().hex[:8]}"
    firms = _firms(name)
    batches = _batches(firms[:ISSUERS], holdings // PIECES, name)
    with transaction.atomic(), connection.cursor() as cursor, _unguarded(cursor):
        _journal(cursor, _told(firms, batches, holdings), holdings)
    _settle()
    return World(firms[ISSUERS], firms[ISSUERS + 1], batches, holdings, time.perf_counter() - started)


def _firms(name: str) -> list[Firm]:
    """The issuers, the small one and the large one."""
    from tests.recs import world

    firms = [world.firm(f"{name}-{kind}") for kind in (*(f"issuer-{n}" for n in range(ISSUERS)), "small", "large")]
    for firm in firms:
        for n in range(1, ACCOUNTS):  # "main" is the first
            firm.account(f"Desk {n}")
    return firms


def _batches(issuers: Sequence[Firm], wanted: int, name: str) -> list[Batch]:
    """Issuer by issuer in turn, of two generators each; 60 months from 2019 on."""
    from tests.recs import world

    plants = len(FUELS) * len(PLACES)
    made, generators = [], []
    for n in range(plants):
        state = PLACES[n % len(PLACES)][1]
        generators.append(world.generator(issuers[n % ISSUERS], f"Plant {n}", fuel=FUELS[n // len(PLACES)], state=state))
    for n in range(wanted):
        month = n // plants % MONTHS
        told = {"registry": PLACES[n % len(PLACES)][0], "base": f"{name}-{n}", "vintage": date(2019 + month // 12, month % 12 + 1, 1)}
        made.append(world.batch(issuers[n % ISSUERS], of=generators[n % plants], last=PIECES * EACH, **told))
    return made


def _told(firms: Sequence[Firm], batches: Sequence[Batch], holdings: int) -> dict[str, Any]:
    """What each statement may ask for."""
    whose = {"organisations": [firm.organisation.pk for firm in firms], "traders": [firm.trader.pk for firm in firms]}
    whose |= {"accounts": [account.pk for firm in firms for account in firm.accounts.values()], "batches": [batch.pk for batch in batches]}
    sizes = {"issuers": ISSUERS, "desks": ACCOUNTS, "pieces": PIECES, "certificates": EACH, "moved": MOVED, "small": SMALL}
    return whose | sizes | {"trips": holdings // MOVED, "per_batch": PIECES // MOVED}


@contextmanager
def _unguarded(cursor: Any) -> Iterator[None]:
    """Without the journal's triggers; they are as before once the transaction is over, however it ends."""
    cursor.execute(_GUARDS, [list(JOURNAL)])
    guards = cursor.fetchall()
    for table, trigger, _ in guards:
        _switch(cursor, table, "DISABLE", trigger)
    yield
    for table, trigger, enabled in guards:
        _switch(cursor, table, _AGAIN[enabled], trigger)


def _switch(cursor: Any, table: str, how: str, trigger: str) -> None:
    cursor.execute(sql.SQL("ALTER TABLE {} {} TRIGGER {}").format(sql.Identifier(table), sql.SQL(how), sql.Identifier(trigger)))


def _journal(cursor: Any, told: dict[str, Any], holdings: int) -> None:
    """Step by step: an entry's hash covers that of the entry before it."""
    cursor.execute("SET LOCAL work_mem = '256MB'")
    cursor.execute(_TRIPS, told)
    cursor.execute("ANALYZE trip")
    cursor.execute("SELECT coalesce((SELECT max(id) FROM recs_command), 0), coalesce((SELECT max(id) FROM recs_entry), 0)")
    command, entry = cursor.fetchone()
    _each(cursor, _ISSUED, told | {"command": command, "entry": entry})
    command, entry, before = command + len(told["batches"]), entry + len(told["batches"]), entry
    for step in STEPS:
        _each(cursor, _MOVED, told | step.told(command=command, entry=entry, before=before, trips=told["trips"]))
        command, entry, before = command + told["trips"], entry + holdings, entry
    cursor.execute(_HELD, {"entry": before})
    _each(cursor, [_NUMBERED.format(table) for table in ("recs_command", "recs_entry")], {})


def _each(cursor: Any, statements: Sequence[str], told: dict[str, Any]) -> None:
    for statement in statements:
        cursor.execute(statement, told)


def _settle() -> None:
    """What autovacuum and the checkpointer would have done by the time somebody reads."""
    with connection.cursor() as cursor:
        for table in (*JOURNAL, "recs_batch", "recs_account"):
            cursor.execute(f"VACUUM (ANALYZE) {table}")
        cursor.execute("CHECKPOINT")


def main(holdings: int) -> None:
    folder = home.load_environment()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "energyopti.settings")
    with services.ensure(folder, services=[postgres, redis]):
        django.setup()
        tables.migrate(say=print)
        made = make(holdings)
        print(f"{made.holdings:,} holdings and {made.entries:,} entries in {made.seconds:.0f} s: {made.small.organisation.slug} and others")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("holdings", type=int, nargs="?", default=size())
    main(parser.parse_args().holdings)
