"""The overview's card of certificates."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from energyopti.organisations.models import User
from energyopti.organisations.scope import seeing
from recs import ledger
from recs.cards import CARDS
from recs.proof import seal
from recs.queries.glance import glance
from recs.types import Purpose
from tests.recs.test_pages import text
from tests.recs.world import Firm, firm, issued, key

pytestmark = pytest.mark.django_db
PURPOSE = Purpose(beneficiary="A bakery", reason="Its claim")


@pytest.fixture
def east() -> Firm:
    made = firm("east")
    issued(made, base="E")
    return made


@pytest.fixture
def west(east: Firm) -> Firm:
    return firm("west", four_eyes=("retire",))


def lines(user: User) -> list[tuple[str, int, int, int, int, int]]:
    told = CARDS[0].context(user)["lines"]
    return [(one.told.owner_id, one.told.active_mwh, one.told.held_mwh, one.told.retired_mwh, one.to_answer, one.others) for one in told]


def test_it_counts_what_there_is_and_what_waits(east: Firm, west: Firm) -> None:
    ledger.retire(key=key(), by=east.officer, account=east.main.pk, quantity=40, purpose=PURPOSE)
    ledger.reserve(key=key(), by=east.trader, account=east.main.pk, quantity=7)
    ledger.transfer(key=key(), by=east.trader, from_account=east.main.pk, to_account=west.main.pk, quantity=3)
    assert lines(east.trader) == [("east", 950, 10, 40, 0, 1)]
    assert lines(west.trader) == [("west", 0, 0, 0, 1, 0)]


def test_a_retirement_counts_once_it_is_done(east: Firm, west: Firm) -> None:
    issued(west, base="W")
    asked = ledger.retire(key=key(), by=west.officer, account=west.main.pk, quantity=40, purpose=PURPOSE)
    assert lines(west.officer) == [("west", 960, 40, 0, 1, 0)]
    ledger.approve(key=key(), by=west.administrator, command=asked)
    assert lines(west.officer) == [("west", 960, 0, 40, 0, 0)]
    again = ledger.retire(key=key(), by=west.officer, account=west.main.pk, quantity=5, purpose=PURPOSE)
    ledger.reject(key=key(), by=west.administrator, command=again)
    assert lines(west.officer) == [("west", 960, 0, 40, 0, 0)]


def test_only_this_years_retirements_count(east: Firm) -> None:
    ledger.retire(key=key(), by=east.officer, account=east.main.pk, quantity=40, purpose=PURPOSE)
    now = timezone.now()
    with seeing(east.trader):
        (before,), (after,) = (glance([east.organisation.pk], since=since) for since in (now - timedelta(days=1), now + timedelta(days=1)))
    assert (before.retired_mwh, after.retired_mwh) == (40, 0)


def test_others_are_not_counted(east: Firm) -> None:
    stranger = firm("north")
    assert lines(stranger.trader) == [("north", 0, 0, 0, 0, 0)]
    assert lines(User.objects.create_user("alone")) == []
    assert [line[0] for line in lines(User.objects.create_superuser("root"))] == ["east", "north"]


def test_it_stands_on_the_overview(client: Client, east: Firm) -> None:
    client.force_login(east.trader)
    page = client.get("/").content.decode()
    card = page[page.index(">Certificates</h2>") :]
    row = re.search(r"<tbody>.*?</tbody>", card, re.DOTALL)[0]
    assert [text(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)] == ["East", "1,000", "0", "0", "0", "0"]
    assert "The journal is not sealed yet." in card


def test_who_belongs_nowhere_is_told_so(client: Client) -> None:
    client.force_login(User.objects.create_user("alone"))
    assert "certificates belong to organisations" in client.get("/").content.decode()


def test_the_newest_seal_is_named(client: Client, east: Firm) -> None:
    made = seal.seal()
    client.force_login(east.trader)
    assert f"up to command {made.upto_command}" in client.get("/").content.decode()


def test_it_takes_few_statements(east: Firm, west: Firm, django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(8):
        CARDS[0].context(east.trader)
