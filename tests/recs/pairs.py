"""What people do at the same moment: pairs of acts that compete, and where it happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from recs import errors, ledger, services
from recs.models import Account, Batch, Command, Policy
from recs.types import Criteria, Purpose, SerialRange
from tests.recs.attacks.stage import sql
from tests.recs.contest import Act, Arena
from tests.recs.world import Firm, key

PURPOSE = Purpose(beneficiary="Prairie Wind LLC", reason="Green tariff of March")
DAY = date(2024, 5, 1)


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


REMOVED = """
WITH gone AS (DELETE FROM recs_batch WHERE id = %s RETURNING id), remembered AS (
  INSERT INTO recs_historicalbatch SELECT (jsonb_populate_record(h, jsonb_build_object(
    'history_id', nextval(pg_get_serial_sequence('recs_historicalbatch', 'history_id')), 'history_type', '-'))).*
  FROM recs_historicalbatch h JOIN gone USING (id))
SELECT id FROM gone"""


@race("a batch is deleted and issued")
def deleted_and_issued(g: Ground) -> Prepared:
    made = g.ring.batch(g.east)
    delete = told(REMOVED, made.pk)
    issue = partial(ledger.issue, key=key(), by=g.east.trader, batch=made.pk, account=g.source.pk)
    return delete, errors.StaysWhatItIs, issue, errors.Unknown


@race("reject and expire")
def reject_and_expire(g: Ground) -> Prepared:
    offer = g.send(to=g.theirs)
    ran_out(offer)
    expire = told("SELECT recs_resolve(%s, NULL, 'expire', %s, NULL, NULL, '{}')", key(), offer)
    return g.do(ledger.reject, offer, g.west), errors.AlreadyResolved, expire, errors.AlreadyResolved


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
