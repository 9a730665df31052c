"""The overview's card of power prices."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from django.test import Client

from energyopti.organisations.models import User
from markets import queries
from markets.models import Node
from markets.queries import Asked
from tests.markets import prices, world
from tests.markets.api.asking import queries_sent
from tests.markets.prices import HOUR

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(client: Client) -> Client:
    client.force_login(User.objects.create_user("trader", password="a long password"))
    return client


def card(person: Client) -> str:
    page = unescape(person.get("/").content.decode())
    return re.search(r"Power prices, PJM</h2>(.*?)</section>", page, re.DOTALL)[1]


def rows(person: Client) -> list[list[str]]:
    found = re.findall(r"<tr><th scope=\"row\" class=\"nowrap\">.*?</tr>", card(person).split("Top congestion")[0], re.DOTALL)
    return [[" ".join(re.sub(r"<[^>]+>", "", cell).split()) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)] for row in found]


def test_without_nodes_it_says_which_feed_brings_them(person: Client) -> None:
    assert "the feed <code>pjm.pnode</code> brings the list" in card(person)


def test_without_prices_it_says_so(person: Client) -> None:
    world.nodes()
    assert "No price of a hub or zone is stored yet" in card(person)


def test_the_newest_real_time_price_stands_beside_day_ahead_of_its_hour(person: Client) -> None:
    world.nodes()
    world.prices()
    found = rows(person)
    # the newest 5-minute price is that of 23:55: 25 + 287 against the hour 23 of day-ahead, 30 + 23
    assert ["WESTERN HUB HUB", "312.00", "53.00", "−259.00", "291.00", "2024-11-05 23:55 EST"] in found
    # a node without 5-minute prices has its newest hour
    assert ["AECO ZONE", "50.00", "55.00", "5.00", "29.00", "2024-11-05 23:00 EST hour"] in found
    assert [row[0] for row in found] == ["EASTERN HUB HUB", "WESTERN HUB HUB", "AECO ZONE", "PECO ZONE"]


def test_without_five_minute_prices_hours_are_shown(person: Client) -> None:
    world.nodes()
    feed = world.feed("rt_hrl_lmps")
    prices.load(feed, world.AUTUMN, prices.flat(feed, world.AUTUMN, world.PECO, 10.0))
    assert ["PECO ZONE", "34.00", "–", "–", "13.00", "2024-11-03 23:00 EST hour"] in rows(person)


def test_a_node_that_fell_silent_long_ago_does_not_stretch_the_question(person: Client) -> None:
    world.nodes()
    feed = world.feed("rt_hrl_lmps")
    for node, window in ((world.PECO, world.SPRING), (world.AECO, world.COMMON)):
        prices.load(feed, window, prices.flat(feed, window, node, 10.0))
    assert [row[-1] for row in rows(person)] == ["none stored", "none stored", "2024-11-05 23:00 EST hour", "2024-03-10 23:00 EDT hour"]


def test_top_congestion_is_that_of_the_newest_day(person: Client) -> None:
    world.nodes()
    world.prices()
    text = card(person)
    assert "Top congestion of 2024-11-05, day-ahead" in text
    ranked = queries.top_congested(Asked(tuple(queries.choose(market="day_ahead", resolution=HOUR)), None, world.COMMON), limit=10)
    assert re.findall(r'\?node=(\d+)">', text.split("Top congestion of")[1]) == [str(one.node_id) for one in ranked]


def test_without_day_ahead_prices_real_time_ranks(person: Client) -> None:
    world.nodes()
    feed = world.feed("rt_hrl_lmps")
    prices.load(feed, world.COMMON, prices.flat(feed, world.COMMON, world.PECO, 10.0))
    assert "Top congestion of 2024-11-05, real-time" in card(person)


def test_it_takes_as_many_queries_for_many_nodes_as_for_few(person: Client) -> None:
    world.nodes()
    world.prices()
    with queries_sent() as few:
        person.get("/")
    since = datetime(2005, 1, 1, tzinfo=UTC)
    Node.objects.bulk_create(
        Node(sandbox=False, pnode_id=node, name=f"ZONE {node}", type="ZONE", effective_from=since, origin="pnode") for node in range(1, 60)
    )
    with queries_sent() as many:
        person.get("/")
    assert len(many) == len(few)
    assert len(few) <= 15
