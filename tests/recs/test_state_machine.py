"""All commands in any order, and after each the database is where the plain book of tests/recs/bookkeeping.py says.

LEDGER_EXAMPLES=1000 LEDGER_STEPS=60 makes it a long run.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from recs import errors, ledger
from recs.types import Criteria
from tests.recs.attacks.stage import sql
from tests.recs.bookkeeping import ACTIVE, Asked, Serial
from tests.recs.desk import NEXT, NUMBER, SIZE, Desk
from tests.recs.world import batch, firm, key, proved

FUELS = st.sampled_from([None, None, "wind", "solar"])
EVERYTHING = ("issue", "receive", "transfer", "retire", "export", "import", "reverse", "confirm")
WAYS = {
    "approval": ("approve", "reject", "cancel"),
    "acceptance": ("accept", "reject", "cancel"),
    "registry": ("confirm", "refuse"),
    "release": ("release",),
}
RESOLVERS = ("approve", "accept", "confirm", "release", "reject", "cancel", "refuse")


class Ledger(Desk):
    @rule(data=st.data(), month=st.integers(1, 3), fuel=st.sampled_from(["wind", "solar"]), part=st.integers(1, SIZE))
    def issue(self, data: st.DataObject, month: int, fuel: str, part: int) -> None:
        self.issues(data.draw(st.sampled_from(self.own)), month, fuel, part)

    @rule(
        data=st.data(),
        kind=st.sampled_from(["transfer", "transfer", "transfer", "retire", "reserve"]),
        quantity=st.integers(1, 20),
        fuel=FUELS,
    )
    def by_quantity(self, data: st.DataObject, kind: str, quantity: int, fuel: str | None) -> None:
        filled = [place for place in self.own if self.book.at(place)]
        source = data.draw(st.sampled_from(filled * 3 + self.own))
        target = data.draw(st.sampled_from(self.own + self.beyond)) if kind == "transfer" else source
        by, there = self.owner(source).officer, self.book.at(source, fuel=fuel)
        if self.book.places[target].mirrors and any(self.book.worlds[of] == self.registries["nar"] for of, _ in there):
            return  # which of them are chosen, and so whether they may go there, is not the book's business
        expected = self.book.refuses_move(kind, source, target) or (errors.Overdrawn if len(there) < quantity else None)
        asked: dict[str, Any] = {"by": by, "quantity": quantity, "criteria": Criteria(fuel_type=fuel) if fuel else None}
        command = self.sends(kind, expected, source, target, asked)
        if command:
            serials = self.taken(command)
            assert (len(serials), serials <= there) == (quantity, True)
            self._first_in_first_out(serials, there)
            self.moved(kind, source, by, source, target, serials, command)

    def _first_in_first_out(self, taken: frozenset[Serial], there: set[Serial]) -> None:
        """Batches in the order of their vintages, each to its end before the next is begun."""
        order = sorted({one for one, _ in there}, key=lambda one: (self.book.vintages[one], one))
        begun = [one for one in order if any(one == of for of, _ in taken)]
        assert order[: len(begun)] == begun
        assert all(serial in taken for serial in there if serial[0] in begun[:-1])

    @rule(
        data=st.data(),
        kind=st.sampled_from(["transfer", "transfer", "retire", "reserve", "export", "receive"]),
        length=st.integers(1, SIZE),
        fitting=st.sampled_from([True, True, True, False]),
    )
    def by_ranges(self, data: st.DataObject, kind: str, length: int, fitting: bool) -> None:
        """Anywhere; or, fitting, from a serial that is there, and sometimes on to others that are not."""
        sources = [*self.beyond, *self.registries.values()] if kind == "receive" else self.own
        there = sorted((serial, place) for serial, (place, bucket) in self.book.where.items() if bucket == ACTIVE and place in sources)
        anywhere = [((of, 1), place) for of in self.book.vintages for place in sources]
        (one, first), source = data.draw(st.sampled_from(there if fitting and there else anywhere))
        if kind in ("transfer", "receive"):
            target = data.draw(st.sampled_from(self.own + self.beyond * (kind == "transfer")))
        else:
            target = self.book.worlds[one] if kind == "export" else source
        self.takes(kind, source, target, one, first, min(first + length % 5, SIZE))

    @precondition(lambda self: self.book.asked)
    @rule(data=st.data(), fitting=st.sampled_from([True, True, True, False]))
    def resolve(self, data: st.DataObject, fitting: bool) -> None:
        """Anything by anybody; or, fitting, what waits, in a way that it can end, mostly by those whose turn it is."""
        open_ones = [one for one, it in self.book.asked.items() if it.stages]
        command = data.draw(st.sampled_from(open_ones if fitting and open_ones else sorted(self.book.asked)))
        it = self.book.asked[command]
        how = data.draw(st.sampled_from(WAYS[it.stages[0]] if fitting and it.stages else RESOLVERS))
        side = it.counterparty if it.stages[:1] == ("acceptance",) and how != "cancel" else it.organisation
        people = [(person, one.organisation.pk) for one in self.firms for person in (one.officer, one.administrator)]
        who, at = data.draw(st.sampled_from([(person, at) for person, at in people if at == side] * 2 + people))
        more = NUMBER if how == "confirm" else {}
        expected = self.book.refuses_resolving(how, command, who.pk, at)
        if self.attempt(expected, getattr(ledger, how), by=who, command=command, **more):
            self.book.resolve(how, command)

    @precondition(lambda self: any(it.stages for it in self.book.asked.values()))
    @rule(data=st.data())
    def pass_a_stage(self, data: st.DataObject) -> None:
        """As it should be passed: long chains of stages are walked to their end."""
        self.passes(data.draw(st.sampled_from([one for one, it in self.book.asked.items() if it.stages])))

    @rule(data=st.data(), kind=st.sampled_from(["transfer", "export"]), length=st.integers(0, 3), good=st.booleans())
    def walk(self, data: st.DataObject, kind: str, length: int, good: bool) -> None:
        """An offer to the other organisation, or an export: through all of its stages, to a good end or another."""
        there = sorted((serial, place) for serial, (place, bucket) in self.book.where.items() if bucket == ACTIVE and place in self.own)
        if not there:
            return
        (one, first), source = data.draw(st.sampled_from(there))
        theirs = [place for place in self.own if self.owner(place) is not self.owner(source)]
        target = data.draw(st.sampled_from(theirs)) if kind == "transfer" else self.book.worlds[one]
        command = self.takes(kind, source, target, one, first, min(first + length, SIZE))
        while command and len(self.book.asked[command].stages) > 1:
            self.passes(command)
        if command:
            it = self.book.asked[command]
            how = NEXT[it.stages[0]] if good else data.draw(st.sampled_from(WAYS[it.stages[0]][1:]))
            side = it.counterparty if it.stages == ("acceptance",) and how != "cancel" else it.organisation
            owner = self.east if side == self.east.organisation.pk else self.north
            more = NUMBER if how == "confirm" else {}
            assert self.attempt(None, getattr(ledger, how), by=owner.administrator, command=command, **more)
            self.book.resolve(how, command)

    @precondition(lambda self: any(it.stages[:1] in (("approval",), ("acceptance",)) for it in self.book.asked.values()))
    @rule(data=st.data())
    def expire(self, data: st.DataObject) -> None:
        waiting = [one for one, it in self.book.asked.items() if it.stages[:1] in (("approval",), ("acceptance",))]
        command = data.draw(st.sampled_from(waiting))
        sql("ALTER TABLE recs_command DISABLE TRIGGER append_only")
        sql("UPDATE recs_command SET expires_at = now() - interval '1 day' WHERE %s IN (id, root_id)", command)
        proved()
        sql("ALTER TABLE recs_command ENABLE ALWAYS TRIGGER append_only")
        assert ledger.expire() == 1
        self.seen["expire"] += 1
        self.book.resolve("expire", command)

    @precondition(lambda self: self.book.asked)
    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        command = data.draw(st.sampled_from(sorted(self.book.asked)))
        owner = data.draw(st.sampled_from(self.firms))
        expected = self.book.refuses_reversal(command, owner.organisation.pk)
        done = self.attempt(expected, ledger.reverse, by=owner.officer, command=command)
        if done:
            it = self.book.asked[command]
            target = it.source or self.book.worlds[next(iter(it.serials))[0]]
            back_to = self.book.places[target]
            stages = ("approval",) if owner is self.north else ()
            stages += ("acceptance",) if not back_to.outside and back_to.organisation != owner.organisation.pk else ()
            stages += ("registry",) if self.book.places[it.target].mirrors and it.source else ()
            told = Asked("reverse", it.serials, it.target, target, ACTIVE, stages, owner.organisation.pk, None, owner.officer.pk, command)
            if it.organisation != owner.organisation.pk:
                told = replace(told, counterparty=it.organisation)
            self.book.do(done, told)

    @precondition(lambda self: any(it.kind == "export" and not it.stages and it.serials for it in self.book.asked.values()))
    @rule(data=st.data(), quantity=st.integers(1, SIZE))
    def import_what_was_exported(self, data: st.DataObject, quantity: int) -> None:
        exports = [(one, it) for one, it in self.book.asked.items() if it.kind == "export" and not it.stages and it.serials]
        command, it = data.draw(st.sampled_from(exports))
        owner = self.east if it.organisation == self.east.organisation.pk else self.north
        origin = next(iter(it.serials))[0]
        imported = sum(self.imports.get(command, ()))
        vintage, fuel = self.book.vintages[origin], self.book.fuels[origin]
        told = {"registry": "nar", "base": f"B{len(self.book.vintages)}", "last": quantity, "vintage": date(2024, vintage, 1)}
        plant = self.plants[self.plant_of(origin)]
        try:
            with errors.rules_told(), transaction.atomic():
                made = batch(owner, of=plant, export_id=command, **told)
        except errors.BeyondExport:
            assert imported + quantity > len(it.serials)
            return
        assert imported + quantity <= len(it.serials)
        self.seen["import"] += 1
        self.imports.setdefault(command, []).append(quantity)
        self.book.vintages[made.pk], self.book.fuels[made.pk], self.book.worlds[made.pk] = vintage, fuel, self.registries["nar"]
        self.book.recorded[made.pk] = owner.organisation.pk
        place = data.draw(st.sampled_from([one for one in self.own if self.owner(one) is owner and not self.book.places[one].mirrors]))
        done = self.attempt(None, ledger.issue, by=owner.officer, batch=made.pk, account=place, kind="import")
        self.moved("import", place, owner.officer, None, place, frozenset((made.pk, n) for n in range(1, quantity + 1)), done or 0)

    @rule(data=st.data(), quantities=st.lists(st.integers(1, 8), min_size=1, max_size=3))
    def bulk(self, data: st.DataObject, quantities: list[int]) -> None:
        """Inside of one organisation, one after the other; all or nothing."""
        plain = [one for one in self.own if not self.book.places[one].mirrors]
        source, target = data.draw(st.lists(st.sampled_from(plain), min_size=2, max_size=2, unique=True))
        if self.owner(source) is not self.owner(target):
            return
        moves = [ledger.Move(key=key(), kind="transfer", from_account=source, to_account=target, quantity=one) for one in quantities]
        by, there = self.owner(source).officer, self.book.at(source)
        try:
            done = ledger.bulk(by=by, moves=moves)
        except errors.Overdrawn:
            assert sum(quantities) > len(there)
            return
        assert sum(quantities) <= len(there)
        self.seen["bulk"] += 1
        for command in done:
            self.moved("transfer", source, by, source, target, self.taken(command), command)
        assert ledger.bulk(by=by, moves=moves) == done

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        again, before = data.draw(st.sampled_from(self.sent))
        assert again() == before

    # --- after each step -----------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_database_keeps_the_book() -> None:
    Ledger.firms = (firm("east"), firm("north", four_eyes=EVERYTHING))
    for one in Ledger.firms:
        one.account("second")
        one.account("mirror", registry_id="mrets", registry_account=f"R-{one.organisation.slug}")
        one.account("outside", kind="external")
    Ledger.begin()
    Ledger.seen.clear()
    examples, steps = int(os.environ.get("LEDGER_EXAMPLES", 60)), int(os.environ.get("LEDGER_STEPS", 50))
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize="LEDGER_EXAMPLES" not in os.environ,
        ),
    )
    assert set(Ledger.seen) >= {*RESOLVERS, *EVERYTHING, "reserve", "bulk", "expire"}
