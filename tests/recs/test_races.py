"""Two at once: one wins, and the other is told why by name, or given the same answer. Nobody waits for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import Error as DatabaseError
from django.db import transaction

from energyopti.organisations.models import Membership, Organisation, User
from recs import errors, ledger, services
from recs.models import Account, Batch, Command, Policy
from recs.types import Criteria, Purpose, SerialRange
from tests.recs.attacks.stage import sql
from tests.recs.contest import Act, Arena, apart, arena, contend, together
from tests.recs.whole import violations
from tests.recs.world import Firm, key

pytestmark = pytest.mark.django_db

PURPOSE = Purpose(beneficiary="Prairie Wind LLC", reason="Green tariff of March")
DAY = date(2024, 5, 1)


@pytest.fixture(scope="module")
def ring(django_db_setup: None, django_db_blocker: Any) -> Iterator[Arena]:
    with django_db_blocker.unblock():
        made = arena()
    yield made
    with django_db_blocker.unblock():
        call_command("flush", interactive=False, verbosity=0)


@dataclass
class Ground:
    """Where one race happens: a batch of 100 in an account of `east`, and accounts around it."""

    ring: Arena
    east: Firm
    west: Firm
    source: Account
    other: Account
    theirs: Account
    batch: Batch

    def all_of_it(self) -> list[SerialRange]:
        return [SerialRange(self.batch.pk, 1, 100)]

    def send(self, *, to: Account | None = None, sent: UUID | None = None, **more: Any) -> int:
        told = {"from_account": self.source.pk, "to_account": (to or self.other).pk, "by": self.east.trader} | more
        return ledger.transfer(key=sent or key(), **(told if {"quantity", "ranges"} & set(more) else told | {"ranges": self.all_of_it()}))

    def do(self, how: Callable[..., int], command: int, by: Firm | None = None, **more: Any) -> Act:
        """With one key, however often it is called."""
        told = {"key": key(), "by": (by or self.east).officer, "command": command} | more
        return lambda: how(**told)

    def retire(self) -> int:
        return ledger.retire(key=key(), by=self.east.officer, account=self.source.pk, ranges=self.all_of_it(), purpose=PURPOSE)

    def export(self) -> int:
        return ledger.export(key=key(), by=self.east.trader, account=self.source.pk, to_registry="nar", ranges=self.all_of_it())

    def exported(self) -> int:
        command = self.export()
        ledger.confirm(key=key(), by=self.east.officer, command=command, reference="X-1", reference_date=DAY)
        return command

    def importing(self, export: int, quantity: int) -> Batch:
        return services.record_batch(
            organisation=self.east.organisation,
            generator=self.batch.generator,
            registry="nar",
            vintage=self.batch.vintage,
            serial_base=f"imported {key()}",
            serial_start=1,
            serial_end=quantity,
            export=Command.objects.get(pk=export),
        )


def ground(ring: Arena) -> Ground:
    source, other, theirs = ring.account(ring.east), ring.account(ring.east), ring.account(ring.west)
    return Ground(ring, ring.east, ring.west, source, other, theirs, ring.issued(ring.east, source))


# --- pairs that compete -------------------------------------------------------------------------------------------

Prepared = tuple[Act, type[errors.LedgerError] | None, Act, type[errors.LedgerError] | None]
RACES: dict[str, Callable[[Ground], Prepared]] = {}


def race(what: str) -> Callable[[Callable[[Ground], Prepared]], Callable[[Ground], Prepared]]:
    """Of each pair: the act, and what it is told when it comes second; None: it succeeds as well."""

    def add(prepare: Callable[[Ground], Prepared]) -> Callable[[Ground], Prepared]:
        RACES[what] = prepare
        return prepare

    return add


@race("the same range to two accounts")
def two_transfers(g: Ground) -> Prepared:
    return g.send, errors.RangeNotOwned, lambda: g.send(to=g.ring.account(g.east)), errors.RangeNotOwned


@race("all that there is, by quantity, twice")
def two_quantities(g: Ground) -> Prepared:
    return lambda: g.send(quantity=100), errors.Overdrawn, lambda: g.send(quantity=100), errors.Overdrawn


@race("half of it each")
def two_halves(g: Ground) -> Prepared:
    return lambda: g.send(quantity=50), None, lambda: g.send(quantity=50), None


@race("a range and a quantity that would need it")
def range_and_quantity(g: Ground) -> Prepared:
    return lambda: g.send(ranges=[SerialRange(g.batch.pk, 40, 60)]), errors.RangeNotOwned, lambda: g.send(quantity=100), errors.Overdrawn


@race("accept and cancel")
def accept_and_cancel(g: Ground) -> Prepared:
    offer = g.send(to=g.theirs)
    return g.do(ledger.accept, offer, g.west), errors.AlreadyResolved, g.do(ledger.cancel, offer), errors.AlreadyResolved


@race("accept and accept")
def accept_twice(g: Ground) -> Prepared:
    offer = g.send(to=g.theirs)
    return g.do(ledger.accept, offer, g.west), errors.AlreadyResolved, g.do(ledger.accept, offer, g.west), errors.AlreadyResolved


@race("accept and reject")
def accept_and_reject(g: Ground) -> Prepared:
    offer = g.send(to=g.theirs)
    return g.do(ledger.accept, offer, g.west), errors.AlreadyResolved, g.do(ledger.reject, offer, g.west), errors.AlreadyResolved


@race("approve and reject")
def approve_and_reject(g: Ground) -> Prepared:
    asked = waiting_for_approval(g)
    return g.do(ledger.approve, asked), errors.AlreadyResolved, g.do(ledger.reject, asked), errors.AlreadyResolved


@race("approve and approve")
def approve_twice(g: Ground) -> Prepared:
    asked = waiting_for_approval(g)
    return g.do(ledger.approve, asked), errors.AlreadyResolved, g.do(ledger.approve, asked), errors.AlreadyResolved


def waiting_for_approval(g: Ground) -> int:
    policy = Policy.objects.filter(organisation=g.east.organisation)
    policy.update(four_eyes=["transfer"])
    asked = g.send()
    policy.update(four_eyes=[])
    return asked


@race("confirm and refuse")
def confirm_and_refuse(g: Ground) -> Prepared:
    asked = g.export()
    confirm = g.do(ledger.confirm, asked, reference="X-1", reference_date=DAY)
    return confirm, errors.AlreadyResolved, g.do(ledger.refuse, asked), errors.AlreadyResolved


@race("release and release")
def release_twice(g: Ground) -> Prepared:
    held = ledger.reserve(key=key(), by=g.east.trader, account=g.source.pk, ranges=g.all_of_it())
    return g.do(ledger.release, held), errors.AlreadyResolved, g.do(ledger.release, held), errors.AlreadyResolved


@race("release and a transfer of what is left")
def release_and_transfer(g: Ground) -> Prepared:
    held = ledger.reserve(key=key(), by=g.east.trader, account=g.source.pk, quantity=99)
    return g.do(ledger.release, held), None, lambda: g.send(quantity=1), None


@race("reverse and send on")
def reverse_and_send_on(g: Ground) -> Prepared:
    done = g.send()
    one, further = [SerialRange(g.batch.pk, 50, 50)], g.ring.account(g.east)
    on = partial(g.send, from_account=g.other.pk, to=further, ranges=one)
    return g.do(ledger.reverse, done), errors.MovedOn, on, errors.RangeNotOwned


@race("reverse and reverse")
def reverse_twice(g: Ground) -> Prepared:
    done = g.send()
    return g.do(ledger.reverse, done), errors.NotReversible, g.do(ledger.reverse, done), errors.NotReversible


@race("reverse and retire")
def reverse_and_retire(g: Ground) -> Prepared:
    done = g.send()
    told = {"account": g.other.pk, "quantity": 1, "purpose": PURPOSE}
    return g.do(ledger.reverse, done), errors.MovedOn, lambda: ledger.retire(key=key(), by=g.east.officer, **told), errors.Overdrawn


@race("retire and transfer")
def retire_and_transfer(g: Ground) -> Prepared:
    return g.retire, errors.RangeNotOwned, g.send, errors.RangeRetired


@race("retire and retire")
def retire_twice(g: Ground) -> Prepared:
    return g.retire, errors.RangeRetired, g.retire, errors.RangeRetired


@race("export and transfer")
def export_and_transfer(g: Ground) -> Prepared:
    return g.export, errors.RangeNotOwned, g.send, errors.RangeHeld


def close(account: Account) -> Act:
    return lambda: services.close_account(account=account, reason="moved").pk


@race("close an account and send into it")
def close_and_send(g: Ground) -> Prepared:
    return close(g.other), errors.NotEmpty, g.send, errors.AccountClosed


@race("close an account and issue into it")
def close_and_issue(g: Ground) -> Prepared:
    made = g.ring.batch(g.east)
    told = {"batch": made.pk, "account": g.other.pk}
    return close(g.other), errors.NotEmpty, lambda: ledger.issue(key=key(), by=g.east.trader, **told), errors.AccountClosed


@race("close an account and accept into it")
def close_and_accept(g: Ground) -> Prepared:
    offer = g.send(to=g.theirs)
    return close(g.theirs), errors.NotEmpty, g.do(ledger.accept, offer, g.west), errors.AccountClosed


@race("close an account and reverse into it")
def close_and_reverse(g: Ground) -> Prepared:
    done = g.send()
    return close(g.source), errors.NotEmpty, g.do(ledger.reverse, done), errors.AccountClosed


@race("two imports of one export")
def two_imports(g: Ground) -> Prepared:
    export = g.exported()
    return lambda: g.importing(export, 60), errors.BeyondExport, lambda: g.importing(export, 60), errors.BeyondExport


@race("the same serials issued twice")
def two_issues(g: Ground) -> Prepared:
    made = g.ring.batch(g.east)

    def issue(first: int, last: int) -> Act:
        told = {"batch": made.pk, "account": g.source.pk, "first": first, "last": last}
        return lambda: ledger.issue(key=key(), by=g.east.trader, **told)

    return issue(1, 60), errors.AlreadyIssued, issue(40, 100), errors.AlreadyIssued


@race("the same serials as two batches")
def two_batches(g: Ground) -> Prepared:
    def record() -> Batch:
        base = {"serial_base": f"twice {g.batch.pk}", "serial_start": 1, "serial_end": 10}
        told = {"organisation": g.east.organisation, "generator": g.batch.generator, "registry": "mrets", "vintage": g.batch.vintage}
        return services.record_batch(**told, **base)

    return record, errors.SerialsTaken, record, errors.SerialsTaken


@race("a month in two registries")
def two_registries(g: Ground) -> Prepared:
    def record(registry: str) -> Act:
        base = {
            "serial_base": f"{registry} {g.batch.pk}",
            "serial_start": 1,
            "serial_end": 10,
            "vintage": date(1890, g.batch.pk % 12 + 1, 1),
        }
        fresh = {"organisation": g.east.organisation, "generator": plant, "registry": registry}
        return lambda: services.record_batch(**fresh, **base)

    plant = services.record_generator(
        organisation=g.east.organisation, name=f"Plant {g.batch.pk}", fuel="wind", state="IA", capacity_mw=Decimal(1)
    )
    return record("mrets"), errors.IssuedElsewhere, record("gats"), errors.IssuedElsewhere


@race("a batch is deleted and issued")
def deleted_and_issued(g: Ground) -> Prepared:
    made = g.ring.batch(g.east)
    delete = told("DELETE FROM recs_batch WHERE id = %s RETURNING id", made.pk)
    issue = partial(ledger.issue, key=key(), by=g.east.trader, batch=made.pk, account=g.source.pk)
    return delete, errors.StaysWhatItIs, issue, errors.Unknown


@race("accept and expire")
def accept_and_expire(g: Ground) -> Prepared:
    offer = g.send(to=g.theirs)
    ran_out(offer)
    expire = told("SELECT recs_resolve(%s, NULL, 'expire', %s, NULL, NULL, '{}')", key(), offer)
    return g.do(ledger.accept, offer, g.west), errors.AlreadyResolved, expire, errors.AlreadyResolved


def ran_out(command: int) -> None:
    """As if time had passed: nobody but the owner of the tables can."""
    with transaction.atomic():
        sql("ALTER TABLE recs_command DISABLE TRIGGER append_only")
        sql("UPDATE recs_command SET expires_at = now() - interval '1 day' WHERE id = %s", command)
        sql("ALTER TABLE recs_command ENABLE ALWAYS TRIGGER append_only")


def told(statement: str, *values: Any) -> Act:
    """One statement, whose refusal is an error of ours."""

    def act() -> Any:
        with errors.rules_told(), transaction.atomic():
            return sql(statement, *values)

    return act


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


def same_commands(g: Ground) -> dict[str, Act]:
    """Each kind, with a key of its own, ready to be sent any number of times."""
    keys = [key() for _ in range(20)]
    offer = g.send(to=g.theirs, quantity=1)
    short = g.send(quantity=1)
    held = ledger.reserve(key=key(), by=g.east.trader, account=g.source.pk, quantity=1)
    made = g.ring.batch(g.east)
    sold = g.ring.account(g.east, kind="external")
    gone = SerialRange(g.batch.pk, 90, 95)
    g.send(to=sold, ranges=[gone])
    book = {"creditor": g.east.organisation.pk, "debtor": g.west.organisation.pk}
    some = {"account": g.source.pk, "quantity": 1}
    move = {"kind": "transfer", "from_account": g.source.pk, "to_account": g.other.pk, "quantity": 1}
    moves = [ledger.Move(key=one, **move) for one in keys[10:13]]
    return {
        "issue": lambda: ledger.issue(key=keys[0], by=g.east.trader, batch=made.pk, account=g.source.pk),
        "transfer": lambda: g.send(quantity=1, sent=keys[1]),
        "retire": lambda: ledger.retire(key=keys[2], by=g.east.officer, purpose=PURPOSE, **some),
        "reserve": lambda: ledger.reserve(key=keys[3], by=g.east.trader, **some),
        "export": lambda: ledger.export(key=keys[4], by=g.east.trader, to_registry="nar", criteria=Criteria(registry="mrets"), **some),
        "receive": lambda: ledger.receive(key=keys[5], by=g.east.trader, from_account=sold.pk, to_account=g.source.pk, ranges=[gone]),
        "reverse": g.do(ledger.reverse, short),
        "accept": g.do(ledger.accept, offer, g.west),
        "release": g.do(ledger.release, held),
        "credit": lambda: ledger.grant_credit(key=keys[6], by=g.east.trader, limit_usd=Decimal(10_000), **book),
        "pay": lambda: ledger.pay(key=keys[7], by=g.east.trader, creditor=g.east.organisation.pk, external=sold.pk, amount_usd=Decimal(1)),
        "bulk": lambda: ledger.bulk(by=g.east.trader, moves=moves),
    }


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
