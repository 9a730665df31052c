"""What an attack is: what somebody tries, and what stands in the way. Each row is tried twice, with its guards and without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.recs.attacks.stage import Stage


@dataclass(frozen=True)
class Guard:
    """A rule by the name that it refuses with, and how to take it away."""

    name: str
    drop: tuple[str, ...]


@dataclass(frozen=True)
class Attack:
    """`guards` in the order in which they refuse: without the first the second does, without all of them the attack succeeds.

    `breaks`: what is no longer true then, by the rules of tests/recs/whole.py; empty where none of them tells.
    """

    promise: str  # I1 to I13 of the ledger's promises, or "records": what business records may not become
    what: str
    act: Callable[[Stage], object]
    guards: tuple[Guard, ...]
    breaks: frozenset[str]


ATTACKS: list[Attack] = []


def attack(promise: str, what: str, *guards: Guard, breaks: str = "") -> Callable[[Callable[[Stage], object]], Callable[[Stage], object]]:
    def add(act: Callable[[Stage], object]) -> Callable[[Stage], object]:
        ATTACKS.append(Attack(promise, what, act, guards, frozenset(filter(None, breaks.split("; ")))))
        return act

    return add


def constraint(table: str, name: str) -> Guard:
    return Guard(name, (f"ALTER TABLE {table} DROP CONSTRAINT {name} CASCADE",))


def index(name: str) -> Guard:
    """A unique constraint with a condition is an index."""
    return Guard(name, (f"DROP INDEX {name}",))


def trigger(name: str, *triggers: str) -> Guard:
    """A rule of triggers, each as table.trigger."""
    return Guard(name, tuple("ALTER TABLE {} DISABLE TRIGGER {}".format(*one.split(".")) for one in triggers))


OWNED_ONCE = constraint("recs_holding", "owned_once")
ISSUED_ONCE = constraint("recs_entry", "issued_once")
MOVED_IN_FULL = trigger("entry_conserved", "recs_entry.entry_proved")
STILL_THERE = trigger("entry_conserved", "recs_holding.holding_proved")
CONSERVED = trigger("entry_conserved", "recs_entry.entry_proved", "recs_holding.holding_proved")
PURPOSE_PROVED = trigger("retired_for_a_purpose", "recs_entry.entry_proved")
SAYS_SO = trigger("command_does_what_it_says", "recs_command.command_proved")


def chain(name: str = "entry_chain") -> Guard:
    return trigger(name, "recs_entry.entry_chain")


def follows(name: str) -> Guard:
    return trigger(name, "recs_holding.holding_guard")


def says(name: str) -> Guard:
    """What the row of a command must say."""
    return trigger(name, "recs_command.command_guard")
