"""What was asked of the ledger, and who sees it."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection

from recs import ledger, queries
from recs.models import Policy
from recs.types import SerialRange
from tests.recs.queries.conftest import PURPOSE, World, moved, retired
from tests.recs.world import firm, key, proved

pytestmark = pytest.mark.django_db


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
