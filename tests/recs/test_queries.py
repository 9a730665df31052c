"""What the queries show, to whom; asked as the application's role, whom the row policies bind, and as the owner of the tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from energyopti.db import APP_ROLE
from energyopti.organisations.scope import seeing
from recs import ledger, queries, services
from recs.errors import UnknownRegistry
from recs.models import Account, Batch, Generator, Policy
from recs.types import Criteria, Purpose, SerialRange
from tests.markets.api.asking import queries_sent
from tests.recs.world import Firm, batch, firm, generator, issued, key, proved

pytestmark = pytest.mark.django_db
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


# --- portfolio and holdings ---------------------------------------------------------------------------------


def test_a_portfolio_by_month_registry_fuel_and_state(world: World) -> None:
    moved(world)
    retired(world, 11, 15)
    with world.seen_by(world.east) as east:
        lines = [
            (line.vintage, line.registry, line.fuel_type, line.state, line.status, line.quantity_mwh, line.batches)
            for line in queries.portfolio(east)
        ]
    march, july = date(2024, 3, 1), date(2023, 7, 1)
    assert lines == [
        (july, "gats", "solar", "NJ", "active", 50, 1),
        (march, "mrets", "wind", "IA", "active", 985, 1),
        (march, "mrets", "wind", "IA", "held", 10, 1),
        (march, "mrets", "wind", "IA", "retired", 5, 1),
    ]
    with world.seen_by(world.west) as west:
        assert queries.portfolio(west) == []
        assert queries.portfolio([world.east.organisation.pk]) == []  # named, but not theirs to see


@pytest.mark.parametrize(
    ("criteria", "statuses", "quantities"),
    [
        (Criteria(fuel_type="solar"), queries.STATUSES, [50]),
        (Criteria(registry="mrets"), ("active",), [990]),
        (Criteria(registry="mrets"), ("held",), [10]),
        (Criteria(state="NJ", vintage_from=date(2024, 1, 1)), queries.STATUSES, []),
        (Criteria(vintage_to=date(2023, 12, 1)), queries.STATUSES, [50]),
        (Criteria(eligibility="NJ Class I"), queries.STATUSES, []),
    ],
)
def test_a_portfolio_of_what_is_asked_for(world: World, criteria: Criteria, statuses: tuple[str, ...], quantities: list[int]) -> None:
    moved(world)
    with world.seen_by(world.east) as east:
        assert [line.quantity_mwh for line in queries.portfolio(east, criteria=criteria, statuses=statuses)] == quantities


def test_holdings_in_order_and_behind_the_last_one_that_was_shown(world: World) -> None:
    retired(world, 11, 15)
    other = world.east.account("other")
    moved(world, to_account=other.pk, ranges=[SerialRange(world.first.pk, 20, 20), SerialRange(world.second.pk, 7, 7)])
    with world.seen_by(world.east) as east:
        rows = queries.holdings(east)
        told = [(row.batch_id, row.serial_start, row.serial_end, row.serials, row.account, row.status) for row in rows]
        one, two = world.first.pk, world.second.pk
        assert told == [
            (one, 1, 10, "PW 1-10", "main", "active"),
            (one, 11, 15, "PW 11-15", "main", "retired"),
            (one, 16, 19, "PW 16-19", "main", "active"),
            (one, 20, 20, "PW 20-20", "other", "active"),
            (one, 21, 1000, "PW 21-1000", "main", "active"),
            (two, 1, 6, "1771330 - 001 to 006", "main", "active"),
            (two, 7, 7, "1771330 - 007 to 007", "other", "active"),
            (two, 8, 50, "1771330 - 008 to 050", "main", "active"),
        ]
        for limit in (1, 3, 100):
            pages, after = [], None
            while page := queries.holdings(east, after=after, limit=limit):
                pages += page
                after = (page[-1].batch_id, page[-1].serial_start)
            assert pages == rows
        assert [row.serials for row in queries.holdings(east, criteria=Criteria(batch_id=two), statuses=("active",))] == [
            row[3] for row in told[5:]
        ]


def test_portfolio_and_holdings_are_one_statement_each(world: World) -> None:
    with world.seen_by(world.east) as east, queries_sent() as sent:
        queries.portfolio(east)
        queries.holdings(east)
    assert len([one for one in sent if "recs_" in one]) == 2


# --- commands -------------------------------------------------------------------------------------------------


def test_an_offer_to_each_side_and_to_nobody_else(world: World) -> None:
    offer = moved(world, price_usd=None, reason="a sale")
    third = firm("third")
    with world.seen_by(world.east) as east:
        [row] = queries.open_commands(east)
        assert (row.id, row.kind, row.status, row.stage, row.mine, row.incoming) == (
            offer,
            "transfer",
            "pending",
            "acceptance",
            True,
            False,
        )
        assert (row.made_by, row.from_account, row.to_account) == ("east-trader", "main", "")
    with world.seen_by(world.west) as west:
        [row] = queries.open_commands(west)
        assert (row.mine, row.incoming, row.made_by, row.owner_id, row.counterparty) == (False, True, "", "east", "west")
        assert (row.from_account, row.to_account, row.quantity, row.reason) == ("", "main", 10, "a sale")
        whole = queries.command(offer)
        assert whole is not None
        assert [(piece.serials, piece.fuel_type, piece.generator, piece.vintage) for piece in whole.ranges] == [
            ("PW 1-10", "wind", "Prairie Wind", date(2024, 3, 1))
        ]
        assert queries.life(world.first.pk, 1) == []  # not theirs yet
    with world.seen_by(third) as others:
        assert (queries.open_commands(others), queries.commands(others), queries.command(offer), queries.pieces([offer])) == (
            [],
            [],
            None,
            {},
        )
        assert queries.outcome(offer) is None


def test_an_offer_is_the_other_sides_when_it_is_approved(world: World) -> None:
    Policy.objects.filter(organisation=world.east.organisation).update(four_eyes=["transfer"])
    waits, rejected, approved = (moved(world, ranges=[SerialRange(world.first.pk, n, n)], reason="a sale") for n in (1, 2, 3))
    ledger.reject(key=key(), by=world.east.officer, command=rejected, reason="too cheap")
    ledger.approve(key=key(), by=world.east.officer, command=approved, reason="we are long")
    with world.seen_by(world.west) as west:
        assert [row.id for row in queries.open_commands(west)] == [approved]
        assert [row.id for row in queries.commands(west)] == [approved]
        assert [queries.commands(west, status=status) for status in ("rejected", "cancelled", "expired")] == [[], [], []]
        assert [row.id for row in queries.commands(west, status="pending")] == [approved]
        assert [queries.command(number) for number in (waits, rejected)] == [None, None]
        assert [queries.outcome(number) for number in (waits, rejected)] == [None, None]
        assert set(queries.pieces([waits, rejected, approved])) == {approved}
        found = queries.command(approved)
        assert found is not None
        assert (found.incoming, found.reason, [(step.kind, step.reason) for step in found.steps]) == (
            *(True, "a sale"),
            [("transfer", "a sale"), ("approve", "")],
        )
    ledger.accept(key=key(), by=world.west.trader, command=approved, reason="thanks")
    with world.seen_by(world.west):
        assert [step.reason for step in queries.life(world.first.pk, 3)[1:]] == ["a sale", "", "thanks"]
    with world.seen_by(world.east) as east:
        assert {row.id for row in queries.commands(east)} >= {waits, rejected, approved}
        found = queries.command(approved)
        assert found is not None
        assert [step.reason for step in found.steps] == ["a sale", "we are long", "thanks"]


def test_the_steps_of_a_command_and_its_purpose(world: World) -> None:
    offer = moved(world)
    ledger.reject(key=key(), by=world.west.officer, command=offer, reason="too dear")
    with world.seen_by(world.east):
        found = queries.command(offer)
        assert found is not None
        assert (found.status, found.stage, found.changed_at >= found.created_at) == ("rejected", "", True)
        assert [(step.kind, step.organisation, step.made_by, step.reason, step.awaiting) for step in found.steps] == [
            ("transfer", "East", "east-trader", "", ("acceptance",)),
            ("reject", "West", "", "too dear", ()),
        ]
        assert found.purpose is None
    used = retired(world, 1, 1)
    with world.seen_by(world.east):
        found = queries.command(used)
        assert found is not None
        assert found.purpose == PURPOSE


def test_a_step_is_not_a_command_of_its_own(world: World) -> None:
    offer = moved(world)
    step = ledger.cancel(key=key(), by=world.east.trader, command=offer)
    with world.seen_by(world.east) as east:
        assert queries.command(step) is None
        assert [row.id for row in queries.commands(east, kind="transfer")] == [offer]


def test_commands_by_kind_status_and_page(world: World) -> None:
    for start in (1, 11, 21):
        moved(world, ranges=[SerialRange(world.first.pk, start, start)])
    retired(world, 500, 500)
    with world.seen_by(world.east) as east:
        rows = queries.commands(east)
        assert [row.kind for row in rows] == ["retire", "transfer", "transfer", "transfer", "issue", "issue"]
        assert [row.id for row in rows] == sorted((row.id for row in rows), reverse=True)
        assert queries.commands(east, kind="transfer", after=rows[1].id) == rows[2:4]
        assert queries.commands(east, status="pending", limit=2) == rows[1:3]
        assert queries.commands(east, status="completed", kind="retire") == rows[:1]
        assert queries.open_commands(east, after=rows[1].id, limit=1) == rows[2:3]


def test_commands_by_each_status(world: World) -> None:
    east, west = world.east, world.west
    moves = [moved(world, ranges=[SerialRange(world.first.pk, start, start)]) for start in range(1, 7)]
    ledger.reject(key=key(), by=west.trader, command=moves[0])
    ledger.cancel(key=key(), by=east.trader, command=moves[1])
    for number in moves[2:4]:
        ledger.accept(key=key(), by=west.trader, command=number)
    back = ledger.reverse(key=key(), by=west.trader, command=moves[3])
    ledger.accept(key=key(), by=east.trader, command=back)
    proved()
    with connection.cursor() as cursor:  # time passes
        cursor.execute("ALTER TABLE recs_command DISABLE TRIGGER USER")
        cursor.execute("UPDATE recs_command SET expires_at = now() - interval '1 day' WHERE id = %s", [moves[4]])
        cursor.execute("ALTER TABLE recs_command ENABLE TRIGGER USER")
    assert ledger.expire() == 1
    expected = {"rejected": 0, "cancelled": 1, "completed": 2, "reversed": 3, "expired": 4, "pending": 5}
    for one in (east, west):
        with world.seen_by(one) as own:
            for status, place in expected.items():
                found = queries.commands(own, kind="transfer", status=status)
                assert [(row.id, row.status) for row in found] == [(moves[place], status)], status
                assert queries.commands(own, kind="retire", status=status) == []
                assert queries.commands(own, kind="transfer", status=status, after=moves[place]) == []
            assert queries.commands(own, status="instructed") == []
    third = firm("third")
    with world.seen_by(third):
        for status in expected:
            assert queries.commands([east.organisation.pk], status=status) == []


def test_who_belongs_to_both_sides_sees_a_command_once(world: World) -> None:
    from energyopti.organisations.models import Membership

    Membership.objects.create(user=world.east.trader, organisation=world.west.organisation, role="trader")
    offer = moved(world)
    with world.seen_by(world.east, world.west) as both:
        [row] = queries.open_commands(both)
        assert (row.id, row.mine, row.incoming) == (offer, True, True)
        assert [one.id for one in queries.commands(both, kind="transfer")] == [offer]


def test_pieces_that_touch_are_told_as_one(world: World) -> None:
    other = world.east.account("other")
    for start in (1, 2, 3):
        moved(world, to_account=other.pk, ranges=[SerialRange(world.first.pk, start, start)])
    done = moved(world, from_account=other.pk, to_account=world.east.main.pk, ranges=None, quantity=3)
    with world.seen_by(world.east):
        assert [(piece.serial_start, piece.serial_end) for piece in queries.pieces([done])[done]] == [(1, 3)]


# --- the life of a serial -------------------------------------------------------------------------------------


def steps(told: list[queries.Step]) -> list[tuple[Any, ...]]:
    return [(one.kind, one.from_account, one.from_status, one.to_account, one.to_status, one.organisation, one.made_by) for one in told]


def test_the_life_of_a_serial_from_both_ends(world: World) -> None:
    offer = moved(world, reason="sale")
    ledger.accept(key=key(), by=world.west.trader, command=offer)
    third = firm("third")
    sold = ledger.transfer(key=key(), by=world.west.trader, from_account=world.west.main.pk, to_account=third.main.pk, quantity=10)
    ledger.accept(key=key(), by=third.trader, command=sold)
    with world.seen_by(world.east):
        assert steps(queries.life(world.first.pk, 5)) == [
            ("recorded", "", "", "", "", "East", ""),
            ("issue", "", "", "main", "active", "East", "east-trader"),
            ("transfer", "main", "active", "main", "held", "East", "east-trader"),
            ("accept", "main", "held", "", "active", "West", ""),
        ]
        assert [one.serials for one in queries.life(world.first.pk, 5)] == ["PW 5-5"] * 4
        assert len(queries.life(world.first.pk, 11)) == 2
    with world.seen_by(world.west):
        assert steps(queries.life(world.first.pk, 5)) == [
            ("recorded", "", "", "", "", "East", ""),
            ("transfer", "", "", "", "", "East", ""),  # the offer, whose certificates were not theirs yet
            ("accept", "", "held", "main", "active", "West", "west-trader"),
            ("transfer", "main", "active", "main", "held", "West", "west-trader"),
            ("accept", "main", "held", "", "active", "Third", ""),
        ]
    with world.seen_by(third):
        assert [one.kind for one in queries.life(world.first.pk, 5)] == ["recorded", "transfer", "accept"]
        assert [one.kind for one in queries.life(world.first.pk, 11)] == [
            "recorded"
        ]  # of serials that they never had they see the batch, and nothing else


def test_the_end_of_a_life_says_for_whom_and_by_which_number(world: World) -> None:
    mirror = world.east.account("mirror", registry_id="mrets", registry_account="77")
    moved(world, to_account=mirror.pk)
    some = [SerialRange(world.first.pk, 1, 1)]
    asked = ledger.retire(key=key(), by=world.east.officer, account=mirror.pk, ranges=some, purpose=PURPOSE)
    ledger.confirm(key=key(), by=world.east.officer, command=asked, reference="R-1", reference_date=date(2024, 6, 1))
    with world.seen_by(world.east):
        *_, asking, last = queries.life(world.first.pk, 1)
        assert (asking.kind, asking.to_status, asking.reason, asking.beneficiary) == ("retire", "held", "tariff", "City")
        assert (last.kind, last.to_status, last.reference, last.reference_date, last.root_id) == (
            "confirm",
            "retired",
            "R-1",
            date(2024, 6, 1),
            asked,
        )


@pytest.mark.parametrize("serial", [-1, 0, 1001, 2**63 - 1])
def test_a_serial_outside_of_its_batch_has_no_life(world: World, serial: int) -> None:
    with world.seen_by(world.east):
        assert queries.life(world.first.pk, serial) == []
        assert queries.life(999_999, 1) == []


def test_an_approval_that_moved_nothing_is_part_of_the_life(world: World) -> None:
    services.set_policy(organisation=world.east.organisation, four_eyes=["transfer"], offer_days=14, reason="")
    offer = moved(world)
    ledger.approve(key=key(), by=world.east.officer, command=offer)
    with world.seen_by(world.east):
        assert [(one.kind, one.entry_id is None) for one in queries.life(world.first.pk, 1)] == [
            ("recorded", True),
            ("issue", False),
            ("transfer", False),
            ("approve", True),
        ]


# --- serial numbers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("registry", "base", "own", "whole", "part", "told"),
    [
        ("nepool", "4086133", "", (24, 137), (24, 137), "4086133 - 24 to 137"),
        ("nepool", "4086133", "4086133 - 24 to 137", (24, 137), (30, 31), "4086133 - 30 to 31"),
        ("gats", "1771330", "", (1, 10), (2, 3), "1771330 2-3"),
        ("gats", "1771330", "1771330 1-10", (1, 10), (2, 3), "1771330 2-3"),
        ("gats", "1771330", "1771330 - 1 to 10", (1, 10), (5, 5), "1771330 - 5 to 5"),
        ("mrets", "U1-0324-IA-1", "", (1, 10), (2, 3), "U1-0324-IA-1 2-3"),
        ("ercot", "LS", "000001 -- 000031", (1, 31), (3, 9), "000003 -- 000009"),
        ("ercot", "LS", "0001 -- 1000", (1, 1000), (3, 900), "0003 -- 0900"),
        ("ercot", "LS", "001 -- 1000", (1, 1000), (3, 1000), "003 -- 1000"),
        ("nar", "1-10", "1-10 1-10", (1, 10), (2, 3), "1-10 2-3"),
        ("nar", "X", "any other text", (1, 10), (1, 10), "any other text"),
        ("nar", "X", "any other text", (1, 10), (2, 3), "X 2-3"),
        ("nar", "X", "X 5", (5, 5), (5, 5), "X 5"),
        ("nar", "X", "X 1-10 of 2024", (1, 10), (2, 3), "X 2-3 of 2024"),
    ],
)
def test_serials_as_their_registry_writes_them(
    registry: str, base: str, own: str, whole: tuple[int, int], part: tuple[int, int], told: str
) -> None:
    assert queries.written(registry, base, own, whole, part) == told


def test_the_serials_of_a_batch(world: World) -> None:
    assert queries.serials_text(Batch.objects.get(pk=world.second.pk), 7, 9) == "1771330 - 007 to 009"


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("1771330 - 007 to 009", [("1771330", 7)]),
        ("1771330 7", [("1771330", 7)]),
        ("1771330-7", [("1771330", 7)]),
        (" 1771330   -  7 ", [("1771330", 7)]),
        ("1771330", [("1771330", 1)]),
        ("1771330 - 001 TO 050", [("1771330", 1)]),
        ("1771330 51", []),
        ("pw 1000", [("PW", 1000)]),
        ("PW-0012", [("PW", 12)]),
        ("PW 12-15", [("PW", 12)]),
        ("nothing 1", []),
        ("", []),
        ("7", []),
        ("\0", []),
        ("PW 99999999999999999999999", []),
        ("PW 9223372036854775807", []),
    ],
)
def test_a_serial_is_found_as_people_type_it(world: World, typed: str, found: list[tuple[str, int]]) -> None:
    with world.seen_by(world.east):
        assert [(one.serial_base, serial) for one, serial in queries.find_serial(typed)] == found
    with world.seen_by(world.west):
        assert queries.find_serial(typed) == []


# --- records ----------------------------------------------------------------------------------------------------


def test_accounts_with_what_lies_in_them(world: World) -> None:
    moved(world)
    retired(world, 100, 104)
    with world.seen_by(world.east) as east:
        [main] = queries.accounts(east)
        assert (main.name, main.owner_id, main.active_mwh, main.held_mwh, main.retired_mwh) == ("main", "east", 1035, 10, 5)
        assert queries.accounts([world.west.organisation.pk]) == []
        assert queries.accounts(east, account=world.west.main.pk) == []


def test_generators_with_units_and_certifications(world: World) -> None:
    services.record_generator(
        organisation=world.east.organisation,
        name="Mesa",
        fuel="wind",
        state="CA",
        capacity_mw=Decimal("1.5"),
        registrations=[("gats", "N1"), ("nar", "9")],
        eligibilities=[("NJ", date(2024, 1, 1), date(2024, 12, 31), "c"), ("NJ", date(2025, 1, 1), None, "")],
    )
    with world.seen_by(world.east) as east, queries_sent() as sent:
        *_, mesa = queries.generators(east)
    assert len([one for one in sent if "recs_" in one]) == 1
    assert mesa.registrations == (queries.Unit("gats", "N1"), queries.Unit("nar", "9"))
    assert mesa.eligibilities == (
        queries.Eligible("NJ", date(2024, 1, 1), date(2024, 12, 31), "c"),
        queries.Eligible("NJ", date(2025, 1, 1), None, ""),
    )
    with world.seen_by(world.west) as west:
        assert queries.generators(west) == []


def test_a_generator_is_usable_for_imports_by_whoever_got_its_certificates(world: World) -> None:
    wind, solar = world.wind.pk, world.solar.pk
    west = {"organisation": world.west.organisation.pk}
    with world.seen_by(world.west):
        assert queries.usable_generator(wind, **west, export=True) is None
    ledger.accept(key=key(), by=world.west.trader, command=moved(world))
    with world.seen_by(world.west):
        assert queries.usable_generator(wind, **west, export=True) == world.wind
        assert queries.usable_generator(wind, **west, export=False) is None
        assert queries.usable_generator(solar, **west, export=True) is None
    with world.seen_by(world.east):
        assert queries.usable_generator(wind, organisation=world.east.organisation.pk, export=False) == world.wind


@pytest.mark.parametrize(("typed", "code"), [("gats", "gats"), ("PJM", "gats"), (" caiso ", "wregis"), ("nyiso", "nyiso")])
def test_a_registry_by_any_of_its_names(typed: str, code: str) -> None:
    assert queries.registry_code(typed) == code


def test_an_unknown_registry_is_told_the_known_ones() -> None:
    with pytest.raises(UnknownRegistry, match="mrets, nar, wregis, nepool, gats, ercot, caiso, nyiso") as refused:
        queries.registry_code("atlantis", field="to_registry")
    assert refused.value.field == "to_registry"


def test_every_registry_that_is_known_is_one_of_the_tables(world: World) -> None:
    assert {queries.registry_code(one.code) for one in queries.registries()} == {one.code for one in queries.registries()} - {"caiso"}


def test_the_history_of_a_record_field_by_field(world: World) -> None:
    account = services.open_account(organisation=world.east.organisation, name="a", reason="why")
    services.rename_account(account=account, name="b", reason="clearer")
    services.close_account(account=account, reason="over")
    with world.seen_by(world.east):
        changes = queries.field_history(Account, account.pk)
    told = [(one.reason, one.field, one.old, one.new) for one in changes]
    assert ("why", "name", None, "a") in told
    assert next(one for one in told if one[0] != "why") == ("clearer", "name", "a", "b")
    assert [(one[0], one[1], one[2]) for one in told][-1] == ("over", "closed_at", None)
    if world.role:
        with world.seen_by(world.west):
            assert queries.field_history(Account, account.pk) == []


def test_batches_that_were_recorded_and_never_issued_have_a_history(world: World) -> None:
    recorded = batch(world.east, of=world.wind, base="later")
    with world.seen_by(world.east):
        told = queries.batch_history(recorded.pk)
        assert told is not None
        assert [one.kind for one in told] == ["recorded"]
        assert queries.batch_seen(recorded.pk)
    with world.seen_by(world.west):
        assert (queries.batch_seen(recorded.pk), queries.batch_history(recorded.pk)) == (False, None)


def test_without_a_scope_there_is_nothing(world: World) -> None:
    moved(world)
    east = [world.east.organisation.pk]
    assert (queries.portfolio(east), queries.holdings(east), queries.commands(east), queries.accounts(east)) == ([], [], [], [])
