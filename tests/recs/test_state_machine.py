"""All commands in any order, and after each the database is where the plain book of tests/recs/bookkeeping.py says.

LEDGER_EXAMPLES=1000 LEDGER_STEPS=60 makes it a long run.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from typing import Any, ClassVar

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from energyopti.organisations.models import User
from recs import errors, ledger
from recs.models import Account, Generator
from recs.types import Criteria, Purpose, SerialRange
from tests.recs.attacks.stage import sql
from tests.recs.bookkeeping import ACTIVE, EXPORTED, FORWARD, HELD, RETIRED, Asked, Book, Place, Serial
from tests.recs.whole import violations
from tests.recs.world import Firm, batch, firm, generator, key, proved

SIZE = 12  # serials of a batch
PURPOSE = Purpose(beneficiary="Somebody", reason="Because")
FUELS = st.sampled_from([None, None, "wind", "solar"])
EVERYTHING = ("issue", "receive", "transfer", "retire", "export", "import", "reverse", "confirm")
RESOLVERS = ("approve", "accept", "confirm", "release", "reject", "cancel", "refuse")


class Ledger(RuleBasedStateMachine):
    """`east` decides alone, `north` needs a second person for everything; each has two accounts, one that mirrors a registry, and
    a counterparty without a login."""

    firms: ClassVar[tuple[Firm, Firm]]
    base: ClassVar[Book]  # how each run begins
    seen: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.before = transaction.savepoint()
        self.east, self.north = self.firms
        self.book = deepcopy(self.base)
        self.registries = {of: pk for of, pk in Account.objects.filter(kind="world", sandbox=False).values_list("registry_id", "pk")}  # noqa: C416
        self.plants = {(one.organisation_id, one.fuel): one for one in Generator.objects.order_by("id")}
        self.own = [pk for pk, place in self.book.places.items() if not place.outside]
        self.beyond = [pk for pk, place in self.book.places.items() if place.kind == "external"]
        self.imports: dict[int, list[int]] = {}  # by export, how many each
        self.sent: list[tuple[Callable[[], int], int]] = []  # calls with their key, and what they gave

    def teardown(self) -> None:
        try:
            assert violations() == set()
        finally:
            transaction.set_rollback(False)  # where a step failed in the middle of a statement
            transaction.savepoint_rollback(self.before)

    @classmethod
    def begin(cls) -> None:
        """Some of everything that later steps need: in each account a batch, in two of them a solar one, something outside and abroad."""
        owned = Account.objects.filter(organisation__in=[one.organisation for one in cls.firms]).order_by("id")
        worlds = Account.objects.filter(kind="world", sandbox=False)
        places = {a.pk: Place(a.pk, a.organisation_id, a.kind, bool(a.registry_account)) for a in (*owned, *worlds)}
        cls.base = Book(places, four_eyes=frozenset({cls.firms[1].organisation.pk}))
        for one in cls.firms:
            for fuel in ("wind", "solar"):
                generator(one, f"{fuel} plant", fuel=fuel)
        first = cls()
        for number, place in enumerate(first.own):
            first._issue(place, 3 - number % 3, ("wind", "solar")[number % 2], SIZE)
        for place, sold in zip((first.own[0], first.own[3]), first.beyond, strict=True):
            of = min(serial[0] for serial in first.book.at(place) or first.book.at(place, HELD))
            first._pass_all()
            first._ranges("transfer", place, sold, of, 1, 3)
            first._ranges("export", place, first.registries["mrets"], of, 4, 8)
            first._pass_all()
        cls.base = first.book

    # --- who acts, and what it comes to ---------------------------------------------------------------------------

    def owner(self, place: int) -> Firm:
        return self.east if self.book.places[place].organisation == self.east.organisation.pk else self.north

    def attempt(self, expected: type[errors.LedgerError] | None, how: Callable[..., int], **asked: Any) -> int | None:
        """The command, where nothing is expected to refuse it."""
        sent: dict[str, Any] = {"key": key()} | asked
        try:
            done = how(**sent)
        except errors.LedgerError as problem:
            assert type(problem) is expected, (problem, how.__name__)  # noqa: PT017
            self.seen[type(problem).__name__] += 1
            return None
        assert expected is None, (expected, how.__name__)
        self.seen[how.__name__] += 1
        self.sent.append((lambda: how(**sent), done))
        return done

    def moved(
        self,
        kind: str,
        place: int,
        by: User,
        source: int | None,
        target: int,
        serials: frozenset[Serial],
        command: int,
        **more: Any,
    ) -> None:
        owner = self.owner(place).organisation.pk
        stages = self.book.stages_of(kind, source, target, owner)
        other = self.book.places[target].organisation
        bucket = {"retire": RETIRED, "export": EXPORTED}.get(kind, ACTIVE)
        told = Asked(kind, serials, source, target, bucket, stages, owner, other if "acceptance" in stages else None, by.pk, **more)
        self.book.do(command, told)

    def taken(self, command: int) -> frozenset[Serial]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT batch_id, lower(serials), upper(serials) FROM recs_entry WHERE command_id = %s", [command])
            return frozenset((one, serial) for one, first, end in cursor.fetchall() for serial in range(first, end))

    # --- rules -------------------------------------------------------------------------------------------------------

    @rule(data=st.data(), month=st.integers(1, 3), fuel=st.sampled_from(["wind", "solar"]), part=st.integers(1, SIZE))
    def issue(self, data: st.DataObject, month: int, fuel: str, part: int) -> None:
        self._issue(data.draw(st.sampled_from(self.own)), month, fuel, part)

    def _issue(self, place: int, month: int, fuel: str, part: int) -> None:
        owner = self.owner(place)
        made = batch(
            owner, of=self.plants[owner.organisation.pk, fuel], base=f"B{len(self.book.vintages)}", last=SIZE, vintage=date(2024, month, 1)
        )
        self.book.vintages[made.pk], self.book.fuels[made.pk], self.book.worlds[made.pk] = month, fuel, self.registries["mrets"]
        command = self.attempt(None, ledger.issue, by=owner.officer, batch=made.pk, account=place, first=1, last=part)
        serials = frozenset((made.pk, serial) for serial in range(1, part + 1))
        self.moved("issue", place, owner.officer, None, place, serials, command or 0)

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
        command = self._send(kind, expected, source, target, asked)
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
        self._ranges(kind, source, target, one, first, min(first + length % 5, SIZE))

    def _ranges(self, kind: str, source: int, target: int, one: int, first: int, last: int) -> None:
        serials = frozenset((one, serial) for serial in range(first, last + 1))
        acting = target if kind == "receive" else source
        by = self.owner(acting).officer
        expected = self.book.refuses_move(kind, source, target) or self.book.refuses_ranges(source, serials)
        from_abroad = self.book.worlds[one] == self.registries["nar"]
        if from_abroad and kind == "export" and not self.book.places[source].mirrors:
            expected = errors.WrongRegistry
        elif from_abroad and self.book.places[target].mirrors:
            expected = expected or errors.WrongRegistry
        command = self._send(kind, expected, source, target, {"by": by, "ranges": [SerialRange(one, first, last)]})
        if command:
            assert self.taken(command) == serials
            self.moved(kind, acting, by, source, target, serials, command)

    def _send(self, kind: str, expected: type[errors.LedgerError] | None, source: int, target: int, asked: dict[str, Any]) -> int | None:
        if kind in ("transfer", "receive"):
            how = ledger.transfer if kind == "transfer" else ledger.receive
            return self.attempt(expected, how, from_account=source, to_account=target, **asked)
        if kind == "retire":
            return self.attempt(expected, ledger.retire, account=source, purpose=PURPOSE, **asked)
        if kind == "export":
            return self.attempt(expected, ledger.export, account=source, to_registry="nar", **asked)
        return self.attempt(expected, ledger.reserve, account=source, **asked)

    @precondition(lambda self: self.book.asked)
    @rule(data=st.data(), how=st.sampled_from(RESOLVERS), fitting=st.booleans())
    def resolve(self, data: st.DataObject, how: str, fitting: bool) -> None:
        """By anybody; often of what waits for just that, so that more is done than refused."""
        open_ones = [one for one, it in self.book.asked.items() if it.stages]
        command = data.draw(st.sampled_from(open_ones if fitting and open_ones else sorted(self.book.asked)))
        who, at = data.draw(
            st.sampled_from([(person, one.organisation.pk) for one in self.firms for person in (one.officer, one.administrator)])
        )
        more = {"reference": "X-1", "reference_date": date(2024, 5, 1)} if how == "confirm" else {}
        expected = self.book.refuses_resolving(how, command, who.pk, at)
        if self.attempt(expected, getattr(ledger, how), by=who, command=command, **more):
            self.book.resolve(how, command)

    @precondition(lambda self: any(it.stages for it in self.book.asked.values()))
    @rule(data=st.data())
    def pass_a_stage(self, data: st.DataObject) -> None:
        """As it should be passed: long chains of stages are walked to their end."""
        self._pass(data.draw(st.sampled_from([one for one, it in self.book.asked.items() if it.stages])))

    def _pass_all(self) -> None:
        while waiting := [one for one, it in self.book.asked.items() if it.stages]:
            for command in waiting:
                self._pass(command)

    def _pass(self, command: int) -> None:
        it = self.book.asked[command]
        how = {"approval": "approve", "acceptance": "accept", "registry": "confirm", "release": "release"}[it.stages[0]]
        side = it.counterparty if how == "accept" else it.organisation
        owner = self.east if side == self.east.organisation.pk else self.north
        more = {"reference": "X-1", "reference_date": date(2024, 5, 1)} if how == "confirm" else {}
        assert self.attempt(None, getattr(ledger, how), by=owner.administrator, command=command, **more)
        assert how in FORWARD
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
            mirrored = self.book.places[it.target].mirrors and it.kind == "transfer"
            stages = (("approval",) if owner is self.north else ()) + (("registry",) if mirrored else ())
            told = Asked("reverse", it.serials, it.target, target, ACTIVE, stages, owner.organisation.pk, None, owner.officer.pk, command)
            if it.organisation != owner.organisation.pk:
                told = Asked(*[*vars(told).values()][:7], it.organisation, owner.officer.pk, command)
            self.book.do(done, told)

    @precondition(lambda self: any(it.kind == "export" and not it.stages and it.serials for it in self.book.asked.values()))
    @rule(data=st.data(), quantity=st.integers(1, SIZE))
    def import_what_was_exported(self, data: st.DataObject, quantity: int) -> None:
        exports = [(one, it) for one, it in self.book.asked.items() if it.kind == "export" and not it.stages and it.serials]
        command, it = data.draw(st.sampled_from(exports))
        owner = self.east if it.organisation == self.east.organisation.pk else self.north
        origin = next(iter(it.serials))[0]
        imported = sum(self.imports.get(command, ()))
        told = {
            "registry": "nar",
            "base": f"B{len(self.book.vintages)}",
            "last": quantity,
            "vintage": date(2024, self.book.vintages[origin], 1),
        }
        plant = self.plants[self._plant_of(origin)]
        try:
            with errors.rules_told(), transaction.atomic():
                made = batch(owner, of=plant, export_id=command, **told)
        except errors.BeyondExport:
            assert imported + quantity > len(it.serials)
            return
        assert imported + quantity <= len(it.serials)
        self.seen["import"] += 1
        self.imports.setdefault(command, []).append(quantity)
        vintage, fuel = self.book.vintages[origin], self.book.fuels[origin]
        self.book.vintages[made.pk], self.book.fuels[made.pk], self.book.worlds[made.pk] = vintage, fuel, self.registries["nar"]
        place = data.draw(st.sampled_from([one for one in self.own if self.owner(one) is owner and not self.book.places[one].mirrors]))
        done = self.attempt(None, ledger.issue, by=owner.officer, batch=made.pk, account=place, kind="import")
        self.moved("import", place, owner.officer, None, place, frozenset((made.pk, n) for n in range(1, quantity + 1)), done or 0)

    def _plant_of(self, made: int) -> tuple[int, str]:
        generator_id = sql("SELECT generator_id FROM recs_batch WHERE id = %s", made)
        return next(known for known, plant in self.plants.items() if plant.pk == generator_id)

    @rule(data=st.data(), quantities=st.lists(st.integers(1, 8), min_size=1, max_size=3))
    def bulk(self, data: st.DataObject, quantities: list[int]) -> None:
        """Inside of one organisation, one after the other; all or nothing."""
        source, target = data.draw(
            st.lists(st.sampled_from([one for one in self.own if not self.book.places[one].mirrors]), min_size=2, max_size=2, unique=True)
        )
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

    @invariant()
    def as_the_book_says(self) -> None:
        with transaction.atomic():
            proved()
        with connection.cursor() as cursor:
            cursor.execute("SELECT batch_id, lower(serials), upper(serials), account_id, bucket FROM recs_holding WHERE batch_id > %s", [0])
            rows = cursor.fetchall()
        there = {(of, serial): (account, bucket) for of, first, end, account, bucket in rows for serial in range(first, end)}
        assert there == self.book.where


@pytest.mark.django_db
def test_the_database_keeps_the_book() -> None:
    Ledger.firms = (firm("east"), firm("north", four_eyes=EVERYTHING))
    for one in Ledger.firms:
        one.account("second")
        one.account("mirror", registry_id="mrets", registry_account=f"R-{one.organisation.slug}")
        one.account("outside", kind="external")
    Ledger.begin()
    Ledger.seen.clear()
    examples, steps = int(os.environ.get("LEDGER_EXAMPLES", 40)), int(os.environ.get("LEDGER_STEPS", 50))
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
    often = {"issue", "import", "transfer", "retire", "reserve", "export", "receive", "reverse", "bulk", "expire"}
    assert {*RESOLVERS, *often} - {"reject", "refuse"} <= set(Ledger.seen)  # those two come up in longer runs only
