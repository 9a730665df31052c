"""What happened to a serial number, and how serial numbers are written and found."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from recs import ledger, queries, services
from recs.models import Batch
from recs.types import SerialRange
from tests.recs.queries.conftest import PURPOSE, World, moved
from tests.recs.world import firm, key

pytestmark = pytest.mark.django_db


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
