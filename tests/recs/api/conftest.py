from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from recs.models import Account, Batch, Generator
from tests.recs.api.asking import Program, act_as_app
from tests.recs.world import Firm, batch, firm, generator, issued


@dataclass
class Market:
    """Two organisations with a program for each of their people; East has 1000 certificates of M-RETS and 50 of NEPOOL."""

    east: Firm
    west: Firm
    wind: Generator
    solar: Generator
    first: Batch
    second: Batch
    other: Account
    programs: dict[str, Program] = field(default_factory=dict)

    def program(self, name: str) -> Program:
        return self.programs[name]

    @property
    def trader(self) -> Program:
        return self.programs["east-trader"]

    @property
    def officer(self) -> Program:
        return self.programs["east-compliance-officer"]

    @property
    def buyer(self) -> Program:
        return self.programs["west-trader"]


@pytest.fixture
def market(db: None) -> Market:
    """Nothing is asked as anybody but the application's role: what the row policies forbid shows here."""
    east, west = firm("east"), firm("west")
    wind, solar = generator(east), generator(east, "Sunny", fuel="solar", state="MA")
    first = issued(east, of=wind, base="PW-2024-03")
    second = issued(east, of=solar, registry="nepool", base="4086133", first=24, last=73, registry_text="4086133 - 24 to 73")
    made = Market(east, west, wind, solar, first, second, east.account("other"))
    for one in (east, west):
        for person in one.people.values():
            made.programs[person.username] = Program(person)
    act_as_app()
    return made


__all__ = ["Market", "batch", "market"]
