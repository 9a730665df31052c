"""Does the markets page tell the truth? Instants to the last digit, what is invented, what is known when, what is not there."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from django.test import Client

from energyopti.feeds import registry
from markets.models import Node
from markets.pages.figures import restatements
from markets.queries import prices as read_prices
from markets.queries import revisions
from tests.markets import prices, world
from tests.markets.test_pages import cells, market, person, shown

__all__ = ["market", "person"]
pytestmark = pytest.mark.django_db


def told(page: str, name: str) -> str:
    return unescape(re.search(rf'{name}="([^"]*)"', page)[1])


@pytest.mark.parametrize("instant", ["2024-11-08T00:00:00.250001Z", "2024-11-08T00:00:30Z"])
def test_chart_downloads_and_links_ask_for_the_instant_that_the_page_shows(person: Client, market, instant: str) -> None:
    page = shown(person, f"?as_of={instant}")
    stated = f"as_of={instant}".replace(":", "%3A")
    assert stated in told(page, "data-day-ahead")
    assert stated in re.search(r'href="([^"]+)" download>CSV', page)[1]
    assert stated in re.search(r'<a href="([^"]+)">AECO</a>', page)[1]
    assert told(page, 'name="as_of_exact" value') == instant


def test_the_form_keeps_the_second_of_the_two_hours(person: Client, market) -> None:
    second = "2024-11-03T06:30:00Z"  # 01:30 EST, an hour after 01:30 EDT
    page = shown(person, f"?as_of={second}")
    assert "2024-11-03 01:30:00 EST" in page
    field, exact = told(page, 'name="as_of" type="datetime-local" value'), told(page, 'name="as_of_exact" value')
    query = f"?as_of={field}&as_of_exact={exact}"
    assert query == f"?as_of=2024-11-03T01:30&as_of_exact={second}"
    assert "2024-11-03 01:30:00 EST" in shown(person, query)
    moved = shown(person, query.replace("T01:30&", "T02:30&"))  # who changes the field means the field
    assert "2024-11-03 02:30:00 EST" in moved


def test_an_instant_that_the_field_can_say_needs_no_second_field(person: Client, market) -> None:
    assert "as_of_exact" not in shown(person, "?as_of=2024-11-08T00:00:00Z")


def test_the_ranking_says_that_it_is_of_now(person: Client, market) -> None:
    mark = '<span class="tag">as known now</span>'
    assert mark in shown(person, "?as_of=2024-11-08T00:00:00Z")
    assert mark not in shown(person)


def test_a_node_without_prices_is_not_sent_in_circles(person: Client, market) -> None:
    page = shown(person, f"?node={world.BUS}")
    assert "No price of this node is stored: it may not be followed" in page
    assert "the newest day that has prices" not in page


def test_another_day_of_a_node_with_prices_leads_to_its_newest(person: Client, market) -> None:
    page = shown(person, "?start=2023-01-01")
    link = re.search(r'<a href="([^"]+)">the newest day that has prices, 2024-11-05</a>', page)[1]
    assert "24 of 24" in " ".join(re.sub(r"<[^>]+>", "", shown(person, unescape(link))).split())


def test_only_what_is_invented_is_called_so(person: Client, settings) -> None:
    settings.SANDBOX, settings.SANDBOX_URL, settings.PJM_API_KEY = "auto", "http://127.0.0.1:9", ""
    world.nodes()
    prices.load(world.feed("da_hrl_lmps"), world.COMMON, prices.flat(world.feed("da_hrl_lmps"), world.COMMON, world.PECO, 30.0))
    invented = prices.flat(world.feed("rt_hrl_lmps"), world.COMMON, world.PECO, 25.0)
    prices.load(world.feed("rt_hrl_lmps"), world.COMMON, invented, sandbox=True, run=2)
    page = shown(person, "?node=PECO&start=2024-11-05")
    assert "sandbox: invented real-time prices" in page
    assert "The real-time prices are invented by the built-in sandbox" in page


def test_the_earliest_day_has_nothing_before_it(person: Client, market) -> None:
    page = shown(person, "?start=1998-04-01&end=1998-04-01")
    earlier = re.search(r'<a class="tool" href="([^"]+)"[^>]*>Earlier</a>', page)[1]
    assert "start=1998-04-01&end=1998-04-01" in unescape(earlier)
    assert person.get("/markets/" + unescape(earlier)).status_code == 200


def test_each_group_of_columns_says_which_market_it_is_of(person: Client, market) -> None:
    head = re.search(r'aria-labelledby="table">.*?</thead>', shown(person), re.DOTALL)[0]
    assert re.findall(r'<th scope="colgroup" colspan="4" class="group">(.*?)</th>', head) == ["Day-ahead", "Real-time"]
    assert re.findall(r'<th scope="col" class="number">(.*?)</th>', head) == ["LMP", "Energy", "Congestion", "Losses"] * 2


def test_no_node_known_tells_the_feeds_own_timetable(person: Client) -> None:
    page = shown(person)
    for feed in registry.feeds().values():
        assert f"{feed.title} (<code>{feed.name}</code>)" in page
    assert "(<code>pjm.pnode</code>) at 06:15 Eastern" in page
    assert "(<code>pjm.rt_unverified_fivemin_lmps</code>) every 5 minutes</li>" in page


def test_a_restated_component_does_not_claim_another_price(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = prices.at_clock(monkeypatch, datetime(2024, 11, 7, tzinfo=UTC))
    feed, at = world.feed("rt_hrl_lmps"), world.COMMON.start
    first = prices.flat(feed, world.COMMON, world.PECO, 25.0)
    prices.load(feed, world.COMMON, first)
    clock.now = datetime(2024, 11, 9, tzinfo=UTC)
    prices.load(feed, world.COMMON, [(at, world.PECO, 2, (25.0, 3.0, 2.0, 20.0)), *first[1:]], run=2)
    asked = {"nodes": [world.PECO], "span": world.COMMON, "market": "real_time", "resolution": prices.HOUR}
    assert restatements(read_prices(**asked), revisions(**asked)) == {0: "v2, LMP unchanged"}


def test_the_newest_day_counts_five_minute_prices_where_no_hour_is_stored(person: Client) -> None:
    world.nodes()
    feed = world.feed("rt_unverified_fivemin_lmps")
    prices.load(feed, world.COMMON, prices.flat(feed, world.COMMON, world.AECO, 10.0))
    assert "AECO</h1>" in shown(person, "?node=AECO&resolution=5min")
    assert cells(shown(person, "?node=AECO&resolution=5min"), "table")[1][0] == "Tue 2024-11-05 00:00"


def test_a_followed_set_of_buses_alone_still_shows_every_zone(person: Client, market) -> None:
    from markets.models import FollowedNode

    FollowedNode.objects.create(sandbox=False, pnode_id=world.BUS, since=datetime(2024, 1, 1, tzinfo=UTC))
    assert [row[0] for row in cells(shown(person), "heat")[1:]] == ["AECO", "PECO"]
    FollowedNode.objects.create(sandbox=False, pnode_id=world.PECO, since=datetime(2024, 1, 1, tzinfo=UTC))
    assert [row[0] for row in cells(shown(person), "heat")[1:]] == ["PECO"]
    assert Node.objects.filter(type="ZONE").count() == 2
