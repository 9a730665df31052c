"""Accounts of one organisation with certificates, and as many of django-hordak's with dollars."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.management import call_command
from django.db import connection

from energyopti.organisations.models import User
from recs import ledger
from recs.types import Criteria
from tests.recs import world as records

ACCOUNTS, BATCHES = 500, 20
EACH = 1_000_000  # certificates, or dollars, in each account


@dataclass(frozen=True, slots=True)
class World:
    trader: User
    accounts: list[int]
    batches: list[int]
    books: list[Any]  # hordak's accounts

    def pair(self, draw: random.Random, *, out_of: Sequence[int] = range(ACCOUNTS)) -> tuple[int, int, Criteria]:
        """From (one of these), to (any other), and the batch that the first was given."""
        one, other = draw.choice(out_of), draw.randrange(ACCOUNTS)
        if one == other:
            return self.pair(draw, out_of=out_of)
        return self.accounts[one], self.accounts[other], Criteria(batch_id=self.batches[one % BATCHES])

    def books_pair(self, draw: random.Random) -> tuple[Any, Any]:
        one, other = draw.sample(self.books, 2)
        return one, other


def make() -> World:
    """As the login, which may migrate hordak's tables; nothing is left connected."""
    call_command("migrate", verbosity=0)
    trader, accounts, batches = _certificates()
    world = World(trader, accounts, batches, _dollars())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    connection.close()
    return world


def _certificates() -> tuple[User, list[int], list[int]]:
    firm = records.firm(f"race-{uuid.uuid4().hex[:8]}")
    accounts = [firm.account(f"Desk {n}").pk for n in range(ACCOUNTS)]
    base = firm.organisation.slug
    batches = [records.batch(firm, base=f"{base}-{n}", last=ACCOUNTS // BATCHES * EACH).pk for n in range(BATCHES)]
    for n, account in enumerate(accounts):
        first = n // BATCHES * EACH + 1
        last = first + EACH - 1
        ledger.issue(key=uuid.uuid4(), by=firm.trader, batch=batches[n % BATCHES], account=account, first=first, last=last)
    return firm.trader, accounts, batches


def _dollars() -> list[Any]:
    from djmoney.money import Money
    from hordak.models import Account

    bank = Account.objects.create(name="Bank", type="AS", currencies=["USD"])
    roots = {"type": "AS", "currencies": ["USD"], "lft": 1, "rght": 2, "level": 0}  # each a tree of its own
    books = [Account(name=f"Desk {n}", tree_id=bank.tree_id + 1 + n, **roots) for n in range(ACCOUNTS)]
    for book in Account.objects.bulk_create(books):
        bank.transfer_to(book, Money(EACH, "USD"))
    return books
