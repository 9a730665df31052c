"""Somebody belongs to a real organisation and to one of the sandbox: invented certificates never stand beside real ones."""

from __future__ import annotations

import pytest

from energyopti.organisations.models import Membership
from recs.models import Batch
from tests.recs.api.asking import Program, as_owner
from tests.recs.api.conftest import Market
from tests.recs.world import Firm, firm, issued

LISTS = ("/rec/holdings", "/rec/commands", "/rec/accounts", "/rec/generators")


@pytest.fixture
def play(market: Market) -> tuple[Firm, Batch]:
    """East's trader is in it, too."""
    with as_owner():
        made = firm("play", sandbox=True)
        batch = issued(made, base="PLAY")
        Membership.objects.create(user=market.east.trader, organisation=made.organisation, role="trader")
    return made, batch


def owners(program: Program, path: str, **query: str) -> tuple[set[str], bool]:
    answer = program.get(path, **query).json()
    return {row["owner_id"] for row in answer["results"]}, answer["meta"]["sandbox"]


@pytest.mark.parametrize("path", LISTS)
def test_who_names_none_gets_the_real_ones_alone(market: Market, play: tuple[Firm, Batch], path: str) -> None:
    assert owners(market.trader, path) == ({"east"}, False)
    assert owners(market.trader, path, owner_id="play") == ({"play"}, True)
    with as_owner():
        player = Program(play[0].trader)
    assert owners(player, path) == ({"play"}, True)


def test_the_question_in_a_body_as_well(market: Market, play: tuple[Firm, Batch]) -> None:
    told = market.trader.query().json()
    assert ({row["owner_id"] for row in told["results"]}, told["meta"]["sandbox"]) == ({"east"}, False)
    told = market.trader.query({"owner_id": "play"}).json()
    assert ({row["owner_id"] for row in told["results"]}, told["meta"]["sandbox"]) == ({"play"}, True)


def test_what_has_a_number_is_there_and_a_batchs_history_says_which_world_it_is_of(market: Market, play: tuple[Firm, Batch]) -> None:
    mine, batch = play
    for number, sandbox in ((market.first.pk, False), (batch.pk, True)):
        assert market.trader.get(f"/rec/batches/{number}/history").json()["meta"]["sandbox"] is sandbox
    assert market.trader.get(f"/rec/accounts/{mine.main.pk}").json()["sandbox"] is True
    move = {"account": mine.main.pk, "quantity": 1}
    assert market.trader.done("/rec/reserve", move)["owner_id"] == "play"
    new = {"account": mine.main.pk, "generator": batch.generator_id, "registry": "nar", "serial_base": "N", "serial_start": 1}
    assert market.trader.done("/rec/issue", new | {"quantity": 1, "vintage": "2024-05"})["owner_id"] == "play"
