"""What is asked about: two organisations, asked as the application's role, whom the row policies bind, and as the tables' owner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from django.db import connection

from energyopti.db import APP_ROLE
from energyopti.organisations.scope import seeing
from recs import ledger
from recs.models import Batch, Generator
from recs.types import Purpose, SerialRange
from tests.recs.world import Firm, firm, generator, issued, key

PURPOSE = Purpose(beneficiary="City", reason="tariff")


@dataclass
class World:
    east: Firm
    west: Firm
    wind: Generator
    solar: Generator
    first: Batch
    second: Batch
    role: str

    @contextmanager
    def seen_by(self, *firms: Firm) -> Iterator[list[int]]:
        """The organisations of somebody who belongs to them, under whose scope the queries run."""
        with seeing(firms[0].trader), connection.cursor() as cursor:
            if self.role:
                cursor.execute(f"SET LOCAL ROLE {self.role}")
            yield [one.organisation.pk for one in firms]
            cursor.execute("RESET ROLE")


@pytest.fixture(params=["", APP_ROLE], ids=["owner", "app"])
def world(request: pytest.FixtureRequest) -> World:
    east, west = firm("east"), firm("west")
    wind, solar = generator(east), generator(east, "Sunny", fuel="solar", state="NJ")
    first = issued(east, of=wind, base="PW")
    second = issued(
        east, of=solar, registry="gats", base="1771330", first=1, last=50, vintage=date(2023, 7, 1), registry_text="1771330 - 001 to 050"
    )
    return World(east, west, wind, solar, first, second, request.param)


def moved(world: World, **more: Any) -> int:
    asked = {"from_account": world.east.main.pk, "to_account": world.west.main.pk, "ranges": [SerialRange(world.first.pk, 1, 10)]} | more
    return ledger.transfer(key=key(), by=world.east.trader, **asked)


def retired(world: World, first: int, last: int) -> int:
    some = [SerialRange(world.first.pk, first, last)]
    return ledger.retire(key=key(), by=world.east.officer, account=world.east.main.pk, ranges=some, purpose=PURPOSE)
