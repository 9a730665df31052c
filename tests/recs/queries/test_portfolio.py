"""What organisations have, and who sees it."""

from __future__ import annotations

from datetime import date

import pytest

from recs import queries
from recs.types import Criteria, SerialRange
from tests.markets.api.asking import queries_sent
from tests.recs.queries.conftest import World, moved, retired

pytestmark = pytest.mark.django_db


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
