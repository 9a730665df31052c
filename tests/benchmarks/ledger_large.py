"""The ledger at a million holdings and five million entries: portfolios, a chain of title, the proof of all and of what is new."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection

from energyopti.db import APP_ROLE, acting_role
from energyopti.organisations.scope import seeing
from recs import ledger, queries
from recs.proof import seal
from recs.proof.prove import Verdict, newest_seal, prove, proving
from recs.queries import PortfolioLine, Step
from tests.benchmarks import ledger_million, web
from tests.benchmarks.ledger_million import EACH, SMALL, World
from tests.benchmarks.table import Row
from tests.benchmarks.web import both, p95
from tests.recs.world import Firm

CALLS, ROUNDS = 40, 5
SERIALS = 40
NEW = 100_000  # entries, where there are as many holdings to move
TAKEN = 100  # pieces that a move takes
WHOLE, SINCE = 60.0, 2.0  # seconds
PROOFS = 3

_COUNTS = """
SELECT (SELECT count(*) FROM recs_holding WHERE batch_id = ANY (%(batches)s)),
       (SELECT count(*) FROM recs_entry WHERE batch_id = ANY (%(batches)s))
"""
_OWNED = """
SELECT b.registry_id, b.vintage, b.fuel, b.state, 'active', sum(upper(h.serials) - lower(h.serials))::bigint, count(DISTINCT b.id), count(*)
FROM recs_holding h JOIN recs_account a ON a.id = h.account_id JOIN recs_batch b ON b.id = h.batch_id
WHERE a.organisation_id = %s AND h.bucket = 1 GROUP BY 1, 2, 3, 4
"""
_HOLDER = "SELECT account_id FROM recs_holding WHERE batch_id = %s AND serials @> %s::bigint"
_NEWER = "SELECT count(*) FROM recs_entry WHERE id > (SELECT max(upto_entry) FROM recs_seal)"


def run() -> Iterator[Row]:
    world = ledger_million.make(ledger_million.size())
    yield _filled(world)
    yield _portfolio(world.small, SMALL, 5)
    yield _portfolio(world.large, world.holdings // 10, 100)
    yield _chain(world)
    yield _whole()
    yield from _sealed(world)


def _filled(world: World) -> Row:
    [counted] = _read(_COUNTS, {"batches": [batch.pk for batch in world.batches]})
    assert counted == (world.holdings, world.entries), counted
    what = f"a ledger of {world.holdings:,} holdings and {world.entries:,} entries"
    return Row(what, f"made in {world.seconds:.0f} s", "", "", True)


def _read(statement: str, told: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, told)
        return cursor.fetchall()


# --- reading as the web does -------------------------------------------------------------------------


@contextmanager
def _application() -> Iterator[None]:
    """As the application's role, whom row policies bind."""
    login, settings.DATABASE_ROLE = settings.DATABASE_ROLE, APP_ROLE
    connection.close()
    try:
        assert acting_role() == APP_ROLE, acting_role()
        yield
    finally:
        settings.DATABASE_ROLE = login
        connection.close()


def _portfolio(firm: Firm, holdings: int, limit: float) -> Row:
    """What a page needs for it: whose rows these are, set for a transaction, and the question itself."""
    owned = _read(_OWNED, [firm.organisation.pk])
    assert sum(row[-1] for row in owned) == holdings, len(owned)

    def ask(_: int) -> list[PortfolioLine]:
        with seeing(firm.trader):
            return queries.portfolio([firm.organisation.pk])

    with _application():
        lines = ask(0)
        taken = _times(ask, range(CALLS))
    assert sorted(lines, key=_line) == sorted((PortfolioLine(*row[:-1]) for row in owned), key=_line)
    assert sum(line.quantity_mwh for line in lines) == holdings * EACH
    return _limit(f"portfolio of an organisation with {holdings:,} holdings ({len(lines):,} lines)", taken, limit)


def _line(line: PortfolioLine) -> tuple[object, ...]:
    return line.registry, line.vintage, line.fuel_type, line.state


def _chain(world: World) -> Row:
    """Through every owner: as whoever looks after the installation sees it."""
    draw, admin = random.Random(7), web.user()
    serials = [(draw.choice(world.batches).pk, draw.randint(1, ledger_million.PIECES * EACH)) for _ in range(SERIALS)]
    holders = [_read(_HOLDER, one)[0][0] for one in serials]

    def ask(one: tuple[int, int]) -> list[Step]:
        with seeing(admin):
            return queries.life(*one)

    with _application():
        for one, holder in zip(serials, holders, strict=True):
            _continues(ask(one), holder)
        taken = _times(ask, serials)
    return _limit(f"chain of title: the whole life of each of {SERIALS} serials", taken, 10)


def _continues(steps: Sequence[Step], holder: int) -> None:
    """Each step from where the one before brought it, to whoever holds it now."""
    moved = [step for step in steps if step.entry_id is not None]
    assert [step.kind for step in moved] == ["issue", *(step.kind for step in ledger_million.STEPS)], steps
    ends = [(step.to_account_id, step.to_status) for step in moved]
    assert [(step.from_account_id, step.from_status) for step in moved] == [(None, ""), *ends[:-1]], steps
    assert ends[-1] == (holder, "active"), (steps, holder)


def _times(ask: Callable[[Any], object], asked: Sequence[object]) -> list[float]:
    """Milliseconds of each, ascending, of the round whose p95 is the median of all rounds'."""
    rounds = [sorted(_milliseconds(ask, one) for one in asked) for _ in range(ROUNDS)]
    return sorted(rounds, key=p95)[ROUNDS // 2]


def _milliseconds(ask: Callable[[Any], object], one: object) -> float:
    started = time.perf_counter()
    ask(one)
    return (time.perf_counter() - started) * 1000


def _limit(what: str, taken: Sequence[float], limit: float) -> Row:
    return Row(what, both(taken), f"{limit:g} ms", f"p95 {p95(taken) / limit:.0%} of it", p95(taken) < limit)


# --- proving ----------------------------------------------------------------------------------------


def _whole() -> Row:
    seconds, verdicts = _verify(since_seal=False)
    what = f"verify_ledger over all of it ({_looked_at(verdicts)} entries)"
    return Row(what, _told(seconds, verdicts), f"{WHOLE:g} s", f"{seconds / WHOLE:.0%} of it", seconds < WHOLE)


def _sealed(world: World) -> Iterator[Row]:
    """What is new, after a seal of all that was there."""
    started = time.perf_counter()
    sealed = seal.seal()
    assert sealed is not None
    yield Row(f"seal of {sealed.entries:,} entries", f"{time.perf_counter() - started:.1f} s", "", "", True)
    made, seconds = _new_entries(world)
    yield Row(f"{made:,} new entries, moves of {TAKEN} holdings each", f"{made / seconds:,.0f} entries/s", "", "", True)
    runs = [_verify(since_seal=True) for _ in range(PROOFS)]
    seconds, verdicts = sorted(runs, key=lambda one: one[0])[PROOFS // 2]
    each = seconds / max(made / NEW, 1)  # what is asked once, however little is new, does not shrink with it
    what = f"verify_ledger since that seal, per 100,000 entries (median of {PROOFS})"
    yield Row(what, _told(each, verdicts), f"{SINCE:g} s", f"{each / SINCE:.0%} of it", each < SINCE)


def _verify(*, since_seal: bool) -> tuple[float, list[Verdict]]:
    """Seconds and verdicts, as manage.py verify_ledger comes to them."""
    started = time.perf_counter()
    with proving() as cursor:
        verdicts = list(prove(cursor, since=newest_seal(cursor) if since_seal else None))
    seconds = time.perf_counter() - started
    broken = [(one.rule.name, one.offenders) for one in verdicts if not one.holds]
    assert not broken, broken
    return seconds, verdicts


def _looked_at(verdicts: Sequence[Verdict]) -> str:
    return f"{next(one.looked_at for one in verdicts if one.rule.looks_at == 'entries'):,}"


def _told(seconds: float, verdicts: Sequence[Verdict]) -> str:
    slow = max(verdicts, key=lambda one: one.seconds)
    return f"{seconds:.2f} s, {slow.rule.name} {slow.seconds:.2f} s"


def _new_entries(world: World) -> tuple[int, float]:
    """Each holding of the large organisation goes to a fresh account, once, so that all batches are touched; entries, and seconds."""
    sources = list(world.large.accounts.values())
    pairs = [(one.pk, world.large.account(f"New {one.name}").pk) for one in sources]
    there = world.holdings // 10 // len(pairs)  # pieces in each of the sources
    made, seconds = 0, 0.0
    for done in range(0, there, TAKEN):
        quantity = min(TAKEN, there - done) * EACH - EACH // 2  # the last piece is cut in two
        moves = [_move(source, target, quantity) for source, target in pairs]
        started = time.perf_counter()
        ledger.bulk(by=world.large.trader, moves=moves)
        seconds += time.perf_counter() - started
        [(made,)] = _read(_NEWER, None)
        if made >= NEW:
            break
    return made, seconds


def _move(source: int, target: int, quantity: int) -> ledger.Move:
    return ledger.Move(key=uuid.uuid4(), kind="transfer", from_account=source, to_account=target, quantity=quantity)
