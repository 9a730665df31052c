"""Accounts, generators, registries and their histories."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from recs import ledger, queries, services
from recs.errors import UnknownRegistry
from recs.models import Account
from tests.markets.api.asking import queries_sent
from tests.recs.queries.conftest import World, moved, retired
from tests.recs.world import batch, key

pytestmark = pytest.mark.django_db


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
