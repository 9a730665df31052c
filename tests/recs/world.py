"""Organisations with their people, accounts, a generator and batches: what tests of the ledger begin with."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection

from energyopti.organisations.models import Membership, Organisation, User
from recs import ledger
from recs.models import Account, Batch, Generator, Policy

ROLES = ("viewer", "trader", "compliance_officer", "administrator")


def key() -> uuid.UUID:
    return uuid.uuid4()


@dataclass
class Firm:
    """An organisation whose people need no second person, unless told; `people` by role."""

    organisation: Organisation
    people: dict[str, User]
    accounts: dict[str, Account] = field(default_factory=dict)

    @property
    def trader(self) -> User:
        return self.people["trader"]

    @property
    def officer(self) -> User:
        return self.people["compliance_officer"]

    @property
    def administrator(self) -> User:
        return self.people["administrator"]

    @property
    def main(self) -> Account:
        return self.accounts["main"]

    def account(self, name: str, *, kind: str = "active", **more: Any) -> Account:
        made = Account.objects.create(organisation=self.organisation, name=name, kind=kind, sandbox=self.organisation.sandbox, **more)
        self.accounts[name] = made
        return made


def firm(slug: str, *, sandbox: bool = False, four_eyes: tuple[str, ...] = ()) -> Firm:
    organisation = Organisation.objects.create(slug=slug, name=slug.title(), sandbox=sandbox)
    people = {}
    for role in ROLES:
        people[role] = User.objects.create(username=f"{slug}-{role.replace('_', '-')}")
        Membership.objects.create(user=people[role], organisation=organisation, role=role)
    Policy.objects.create(organisation=organisation, four_eyes=list(four_eyes))
    made = Firm(organisation, people)
    made.account("main")
    return made


def generator(owner: Firm, name: str = "Prairie Wind", *, fuel: str = "wind", state: str = "IA") -> Generator:
    return Generator.objects.create(
        organisation=owner.organisation, name=name, fuel=fuel, state=state, capacity_mw=100, sandbox=owner.organisation.sandbox
    )


def batch(
    owner: Firm,
    *,
    of: Generator | None = None,
    registry: str = "mrets",
    base: str = "PW-2024-03",
    first: int = 1,
    last: int = 1000,
    vintage: date = date(2024, 3, 1),
    **more: Any,
) -> Batch:
    of = of or Generator.objects.filter(organisation=owner.organisation).first() or generator(owner)
    return Batch.objects.create(
        organisation=owner.organisation,
        registry_id=registry,
        serial_base=base,
        serials=(first, last + 1),
        generator=of,
        vintage=vintage,
        sandbox=owner.organisation.sandbox,
        **more,
    )


def issued(owner: Firm, *, account: Account | None = None, **batch_options: Any) -> Batch:
    """A batch, all of it issued into an account (`main`)."""
    made = batch(owner, **batch_options)
    ledger.issue(key=key(), by=owner.trader, batch=made.pk, account=(account or owner.main).pk)
    return made


def held(account: Account, bucket: int = 1) -> int:
    """How many certificates lie there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(quantity), 0) FROM recs_holding WHERE account_id = %s AND bucket = %s", [account.pk, bucket])
        return int(cursor.fetchone()[0])


def ranges(account: Account, bucket: int = 1) -> list[tuple[int, int, int]]:
    """(batch, first, last) in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT batch_id, lower(serials), upper(serials) - 1 FROM recs_holding WHERE account_id = %s AND bucket = %s ORDER BY 1, 2",
            [account.pk, bucket],
        )
        return list(cursor.fetchall())


def proved() -> None:
    """Run the proofs that wait for COMMIT, inside of a test's own transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("SET CONSTRAINTS batch_within_export IMMEDIATE")  # as it is outside of tests


def status(command: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT recs_status(c) FROM recs_command c WHERE id = %s", [command])
        return str(cursor.fetchone()[0])
