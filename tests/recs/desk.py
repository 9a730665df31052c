"""The desk at which the state machine sits: its world, and each thing that it does told to the ledger and to the book."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from typing import Any, ClassVar

from django.db import connection, transaction
from hypothesis.stateful import RuleBasedStateMachine, invariant

from energyopti.organisations.models import User
from recs import errors, ledger
from recs.models import Account, Generator
from recs.types import Purpose, SerialRange
from tests.recs.attacks.stage import sql
from tests.recs.bookkeeping import ACTIVE, EXPORTED, HELD, RETIRED, Asked, Book, Place, Serial
from tests.recs.whole import violations
from tests.recs.world import Firm, batch, generator, key, proved

SIZE = 12  # serials of a batch
PURPOSE = Purpose(beneficiary="Somebody", reason="Because")
NUMBER = {"reference": "X-1", "reference_date": date(2024, 5, 1)}
NEXT = {"approval": "approve", "acceptance": "accept", "registry": "confirm", "release": "release"}


class Desk(RuleBasedStateMachine):
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
        self.registries = dict(Account.objects.filter(kind="world", sandbox=False).values_list("registry_id", "pk"))
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
            first.issues(place, 3 - number % 3, ("wind", "solar")[number % 2], SIZE)
        for place, sold in zip((first.own[0], first.own[3]), first.beyond, strict=True):
            of = min(serial[0] for serial in first.book.at(place) or first.book.at(place, HELD))
            first.passes_all()
            first.takes("transfer", place, sold, of, 1, 3)
            first.takes("export", place, first.registries["mrets"], of, 4, 8)
            first.passes_all()
        cls.base = first.book

    # --- who acts, and what it comes to ---------------------------------------------------------------------------

    def owner(self, place: int) -> Firm:
        return self.east if self.book.places[place].organisation == self.east.organisation.pk else self.north

    def attempt(self, expected: type[errors.LedgerError] | None, how: Callable[..., int], **asked: Any) -> int | None:
        """The command, where nothing is expected to refuse it."""
        sent: dict[str, Any] = {"key": key()} | asked
        done, problem = None, None
        try:
            done = how(**sent)
        except errors.LedgerError as refused_with:
            problem = refused_with
        assert (type(problem) if problem else None) is expected, (problem, how.__name__)
        if done is None:
            self.seen[type(problem).__name__] += 1
            return None
        self.seen[how.__name__] += 1
        self.sent.append((lambda: how(**sent), done))
        return done

    def moved(self, kind: str, place: int, by: User, source: int | None, target: int, serials: frozenset[Serial], command: int) -> None:
        owner = self.owner(place).organisation.pk
        stages = self.book.stages_of(kind, source, target, owner)
        other = self.book.places[target].organisation
        bucket = {"retire": RETIRED, "export": EXPORTED}.get(kind, ACTIVE)
        told = Asked(kind, serials, source, target, bucket, stages, owner, other if "acceptance" in stages else None, by.pk)
        self.book.do(command, told)

    def taken(self, command: int) -> frozenset[Serial]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT batch_id, lower(serials), upper(serials) FROM recs_entry WHERE command_id = %s", [command])
            return frozenset((one, serial) for one, first, end in cursor.fetchall() for serial in range(first, end))

    # --- what is done ---------------------------------------------------------------------------------------------

    def issues(self, place: int, month: int, fuel: str, part: int) -> None:
        owner = self.owner(place)
        made = batch(
            owner, of=self.plants[owner.organisation.pk, fuel], base=f"B{len(self.book.vintages)}", last=SIZE, vintage=date(2024, month, 1)
        )
        self.book.vintages[made.pk], self.book.fuels[made.pk], self.book.worlds[made.pk] = month, fuel, self.registries["mrets"]
        self.book.recorded[made.pk] = owner.organisation.pk
        command = self.attempt(None, ledger.issue, by=owner.officer, batch=made.pk, account=place, first=1, last=part)
        serials = frozenset((made.pk, serial) for serial in range(1, part + 1))
        self.moved("issue", place, owner.officer, None, place, serials, command or 0)

    def takes(self, kind: str, source: int, target: int, one: int, first: int, last: int) -> int | None:
        serials = frozenset((one, serial) for serial in range(first, last + 1))
        acting = target if kind == "receive" else source
        by = self.owner(acting).officer
        expected = self.book.refuses_move(kind, source, target)
        if kind == "receive":
            expected = expected or self.book.refuses_foreign(source, target, serials)
        expected = expected or self.book.refuses_ranges(source, serials)
        from_abroad = self.book.worlds[one] == self.registries["nar"]
        if from_abroad and kind == "export" and not self.book.places[source].mirrors:
            expected = errors.WrongRegistry
        elif from_abroad and self.book.places[target].mirrors:
            expected = expected or errors.WrongRegistry
        command = self.sends(kind, expected, source, target, {"by": by, "ranges": [SerialRange(one, first, last)]})
        if command:
            assert self.taken(command) == serials
            self.moved(kind, acting, by, source, target, serials, command)
        return command

    def sends(self, kind: str, expected: type[errors.LedgerError] | None, source: int, target: int, asked: dict[str, Any]) -> int | None:
        if kind in ("transfer", "receive"):
            how = ledger.transfer if kind == "transfer" else ledger.receive
            return self.attempt(expected, how, from_account=source, to_account=target, **asked)
        if kind == "retire":
            return self.attempt(expected, ledger.retire, account=source, purpose=PURPOSE, **asked)
        if kind == "export":
            return self.attempt(expected, ledger.export, account=source, to_registry="nar", **asked)
        return self.attempt(expected, ledger.reserve, account=source, **asked)

    def passes_all(self) -> None:
        while waiting := [one for one, it in self.book.asked.items() if it.stages]:
            for command in waiting:
                self.passes(command)

    def passes(self, command: int) -> None:
        it = self.book.asked[command]
        how = NEXT[it.stages[0]]
        side = it.counterparty if how == "accept" else it.organisation
        owner = self.east if side == self.east.organisation.pk else self.north
        more = NUMBER if how == "confirm" else {}
        assert self.attempt(None, getattr(ledger, how), by=owner.administrator, command=command, **more)
        self.book.resolve(how, command)

    def plant_of(self, made: int) -> tuple[int, str]:
        generator_id = sql("SELECT generator_id FROM recs_batch WHERE id = %s", made)
        return next(known for known, plant in self.plants.items() if plant.pk == generator_id)

    @invariant()
    def as_the_book_says(self) -> None:
        with transaction.atomic():
            proved()
        with connection.cursor() as cursor:
            cursor.execute("SELECT batch_id, lower(serials), upper(serials), account_id, bucket FROM recs_holding")
            rows = cursor.fetchall()
        there = {(of, serial): (account, bucket) for of, first, end, account, bucket in rows for serial in range(first, end)}
        assert there == self.book.where
