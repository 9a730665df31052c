"""Who and what the stress test is about: 3 organisations with 20 accounts, 5 batches of which half is issued."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from recs import ledger
from tests.recs.world import Firm, batch, firm, generator, key

SERIALS = 20_000  # of each batch; the first half is issued at once
STEP = 100  # what is issued later, at a time


@dataclass(frozen=True)
class Stage:
    """Numbers only: it goes into each worker."""

    accounts: tuple[int, ...]  # that hold and trade
    special: dict[str, int]  # retirement, external and mirror accounts, by slug and name
    owners: dict[int, str]  # an account's organisation, by slug
    organisations: dict[str, int]
    people: dict[str, dict[str, int]]  # by slug and role
    batches: dict[int, str]  # and whose they are
    generators: dict[str, int]


def build() -> Stage:
    firms = [firm("east"), firm("west", four_eyes=("confirm",)), firm("north", four_eyes=("transfer", "retire", "reverse", "issue"))]
    for one in firms:
        one.account("second")
        one.account("reserve", kind="reserve")
        one.account("graveyard", kind="retirement")
        one.account("outside", kind="external")
    for one in firms[:2]:
        one.account("mirror", registry_id="mrets", registry_account=f"R-{one.organisation.slug}")
        one.account("third")
    firms[2].account("third")
    batches = _batches(firms)
    _credit(firms)
    every = {account.pk: one.organisation.slug for one in firms for account in one.accounts.values()}
    special = {f"{one.organisation.slug} {name}": one.accounts[name].pk for one in firms for name in ("graveyard", "outside")}
    special |= {f"{one.organisation.slug} mirror": one.accounts["mirror"].pk for one in firms[:2]}
    return Stage(
        accounts=tuple(sorted(set(every) - {pk for name, pk in special.items() if not name.endswith("mirror")})),
        special=special,
        owners=every,
        organisations={one.organisation.slug: one.organisation.pk for one in firms},
        people={one.organisation.slug: {role: user.pk for role, user in one.people.items()} for one in firms},
        batches=batches,
        generators={one.organisation.slug: generator(one, f"{one.organisation.name} Wind 2").pk for one in firms},
    )


def _batches(firms: list[Firm]) -> dict[int, str]:
    made = {}
    for number, owner in enumerate([*firms, *firms[:2]]):
        of = generator(owner, f"Wind {number}", fuel=("wind", "solar")[number % 2])
        one = batch(owner, of=of, base=f"B{number}", last=SERIALS, vintage=date(2024, 1 + number, 1))
        target = owner.accounts["mirror"] if number == 0 else owner.main
        issued = ledger.issue(key=key(), by=owner.trader, batch=one.pk, account=target.pk, first=1, last=SERIALS // 2)
        if owner.organisation.slug == "north":
            ledger.approve(key=key(), by=owner.officer, command=issued)
        made[one.pk] = owner.organisation.slug
    return made


def _credit(firms: list[Firm]) -> None:
    for creditor in firms:
        for debtor in firms:
            if creditor is not debtor:
                owed = {"creditor": creditor.organisation.pk, "debtor": debtor.organisation.pk}
                ledger.grant_credit(key=key(), by=creditor.trader, limit_usd=Decimal(1_000_000), **owed)
