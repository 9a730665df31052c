"""Two at once: one wins, and the other is told why by name, or given the same answer. Nobody waits for ever."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import Error as DatabaseError
from django.db import transaction

from energyopti.organisations.models import Membership, Organisation, User
from recs import errors, ledger, services
from recs.models import Account
from tests.recs.attacks.stage import sql
from tests.recs.contest import Act, Arena, apart, contend, together
from tests.recs.pairs import RACES, ground, same_commands, told
from tests.recs.whole import violations
from tests.recs.world import key

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("turn", ["as written", "the other way round"])
@pytest.mark.parametrize("what", RACES)
def test_one_wins(what: str, turn: str, ring: Arena) -> None:
    one, one_late, other, other_late = apart(lambda: RACES[what](ground(ring)))
    first, second, late = (one, other, other_late) if turn == "as written" else (other, one, one_late)
    won, lost = contend(first, second)
    assert not (isinstance(won, type) and issubclass(won, errors.LedgerError))
    assert (lost is late) if late else not isinstance(lost, type)
    assert violations() == set()


# --- the same command twice at once: one effect, one answer -----------------------------------------------------------


SAME = ("issue", "transfer", "retire", "reserve", "export", "receive", "reverse", "accept", "release", "credit", "pay", "bulk")


@pytest.mark.parametrize("kind", SAME)
def test_the_same_key_twice_at_once_has_one_effect_and_one_answer(kind: str, ring: Arena) -> None:
    act = apart(lambda: same_commands(ground(ring)))[kind]
    before = sql("SELECT count(*) FROM recs_command")
    first, second = contend(act, act)
    assert (first, first) == (second, apart(act))
    assert sql("SELECT count(*) FROM recs_command") - before == (3 if kind == "bulk" else 1)
    assert violations() == set()


def test_a_key_alone_and_in_a_bulk_at_once(ring: Arena) -> None:
    """The bulk has the sources' locks first, the single command waits for them before it writes its key."""
    g = apart(lambda: ground(ring))
    used, move = key(), {"from_account": g.source.pk, "to_account": g.other.pk, "quantity": 1}
    alone = partial(ledger.transfer, key=used, by=g.east.trader, **move)
    several = partial(ledger.bulk, by=g.east.trader, moves=[ledger.Move(key=one, kind="transfer", **move) for one in (key(), used)])
    single, bulk = contend(alone, several)
    assert bulk[1] == single
    assert errors.Busy not in together(alone, several, alone, several)


# --- nobody waits crosswise ---------------------------------------------------------------------------------------------


def test_opposite_priced_trades(ring: Arena) -> None:
    """Each sells to the other at once; the sellers' certificates, and the books of both."""

    def prepare() -> list[Act]:
        for one, other in ((ring.east, ring.west), (ring.west, ring.east)):
            told = {"creditor": one.organisation.pk, "debtor": other.organisation.pk, "limit_usd": Decimal(1_000_000)}
            ledger.grant_credit(key=key(), by=one.trader, **told)
        acts: list[Act] = []
        for one, other in ((ring.east, ring.west), (ring.west, ring.east)):
            source, target = ring.account(one), ring.account(other)
            ring.issued(one, source)
            for _ in range(5):
                told = {"from_account": source.pk, "to_account": target.pk, "quantity": 3, "price_usd": Decimal(7)}
                offer = ledger.transfer(key=key(), by=one.trader, **told)
                acts.append(lambda offer=offer, other=other: ledger.accept(key=key(), by=other.trader, command=offer))
        return acts

    acts = apart(prepare)
    pairs = zip(acts[:5], acts[5:], strict=True)
    outcomes = [one for pair in pairs for one in together(*pair)]
    assert all(isinstance(one, int) for one in outcomes)
    assert violations() == set()


def test_bulks_crosswise(ring: Arena) -> None:
    def prepare() -> list[Act]:
        one, other, outside = ring.account(ring.east), ring.account(ring.east), ring.account(ring.east, kind="external")
        ring.issued(ring.east, one)
        ring.issued(ring.east, other)

        def crossing(pair: tuple[Account, Account]) -> Act:
            told = [{"from_account": a.pk, "to_account": outside.pk, "quantity": 1, "price_usd": Decimal(2)} for a in pair]
            told += [{"from_account": a.pk, "to_account": b.pk, "quantity": 1} for a, b in (pair, pair[::-1])]
            return lambda: ledger.bulk(by=ring.east.trader, moves=[ledger.Move(key=key(), kind="transfer", **row) for row in told])

        return [crossing(pair) for _ in range(4) for pair in ((one, other), (other, one))]

    assert all(isinstance(one, list) for one in together(*apart(prepare)))
    assert violations() == set()


def test_many_at_one_range(ring: Arena) -> None:
    """Twelve want ten each of a hundred: ten get them."""
    g = apart(lambda: ground(ring))
    outcomes = together(*[lambda: g.send(quantity=10)] * 12)
    assert sorted(map(str, outcomes)).count(str(errors.Overdrawn)) == 2
    assert violations() == set()


def test_a_seal_waits_for_commands_under_way(ring: Arena) -> None:
    """So that every number up to the highest is settled when it is taken."""
    g = apart(lambda: ground(ring))
    command, seal = contend(g.send, told("SELECT recs_seal()"))
    assert sql("SELECT upto_command >= %s FROM recs_seal WHERE id = %s", command, seal)
    seal, command = contend(told("SELECT recs_seal()"), partial(g.send, from_account=g.other.pk, to=g.source))
    assert isinstance(command, int)


def test_a_command_is_not_settled_before_it_is_committed(ring: Arena) -> None:
    """The mutation to the test above: who does not wait seals a hole."""
    g = apart(lambda: ground(ring))
    command, seen = contend(g.send, told("SELECT coalesce(max(id), 0) FROM recs_command"))
    assert seen < command


# --- what no lock of a command covers -----------------------------------------------------------------------------------


def test_an_organisation_leaves_the_sandbox_while_it_opens_an_account(ring: Arena) -> None:
    made = apart(lambda: Organisation.objects.create(slug=f"turning-{key().hex[:8]}", name="Turning", sandbox=True))
    flip = told("UPDATE organisations_organisation SET sandbox = false WHERE id = %s RETURNING id", made.pk)
    won, lost = contend(lambda: services.open_account(organisation=made, name="first").pk, flip)
    assert (isinstance(won, int), lost) == (True, errors.StaysWhatItIs)


def test_a_person_is_deleted_while_they_act(ring: Arena) -> None:
    def hired() -> User:
        made = User.objects.create(username=f"temp-{key().hex[:8]}")
        Membership.objects.create(user=made, organisation=ring.east.organisation, role="trader")
        return made

    person, g = apart(hired), apart(lambda: ground(ring))

    def fire() -> Any:
        with errors.rules_told(), transaction.atomic():
            sql("DELETE FROM organisations_membership WHERE user_id = %s", person.pk)
            return sql("DELETE FROM organisations_user WHERE id = %s RETURNING id", person.pk)

    won, lost = contend(lambda: g.send(by=person), fire)
    assert (isinstance(won, int), lost) == (True, errors.Unknown)


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
@pytest.mark.parametrize("what", ["command", "close", "delete"])
def test_a_snapshot_from_before_is_refused(what: str, level: str, ring: Arena) -> None:
    """Its reader would not see what was committed while it waited for a lock."""
    g = apart(lambda: ground(ring))
    made = apart(lambda: g.ring.batch(g.east))
    statements = {
        "command": ("SELECT recs_reverse(%s, %s, %s, '{}')", key(), g.east.trader.pk, apart(g.send)),
        "close": ("UPDATE recs_account SET closed_at = now() + interval '1 day' WHERE id = %s", g.source.pk),
        "delete": ("DELETE FROM recs_batch WHERE id = %s", made.pk),
    }

    def act() -> None:
        with transaction.atomic():
            sql(f"SET TRANSACTION ISOLATION LEVEL {level}")
            sql(*statements[what])

    with pytest.raises(DatabaseError) as problem:
        apart(act)
    assert problem.value.__cause__.diag.constraint_name == "transaction_sees_commits"
