"""The markets page without its scripts: what is asked, shown, linked and refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from django.test import Client

from energyopti.organisations.models import User
from markets.models import LmpBlock, Node
from tests.markets import prices, world
from tests.markets.api.asking import queries_sent

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(client: Client) -> Client:
    client.force_login(User.objects.create_user("trader", password="a long password"))
    return client


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch) -> prices.Clock:
    """Prices that came on 7 November 2024, and one that was restated on the 9th."""
    clock = prices.at_clock(monkeypatch, datetime(2024, 11, 7, tzinfo=UTC))
    world.nodes()
    world.prices()
    clock.now = datetime(2024, 11, 9, tzinfo=UTC)
    world.restate()
    return clock


def cells(page: str, caption: str) -> list[list[str]]:
    """A table's rows as texts, by the heading that names its region."""
    table = re.search(rf'aria-labelledby="{caption}">\s*<table.*?</table>', page, re.DOTALL)[0]
    rows = re.findall(r"<tr.*?</tr>", table, re.DOTALL)
    return [
        [" ".join(unescape(re.sub(r"<[^>]+>", "", cell)).split()) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)]
        for row in rows
        if "colgroup" not in row
    ]


def shown(person: Client, query: str = "") -> str:
    answer = person.get(f"/markets/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_stranger_is_sent_to_log_in(client: Client) -> None:
    assert client.get("/markets/")["Location"] == "/accounts/login/?next=/markets/"


def test_nothing_known_says_what_to_do(person: Client) -> None:
    page = shown(person)
    assert "No data yet" in page
    assert "manage.py sync pjm.pnode" in page
    assert "data-chart" not in page


def test_without_an_address_it_shows_western_hub_on_the_newest_day(person: Client, market) -> None:
    page = shown(person)
    assert "<h1>WESTERN HUB</h1>" in page
    assert cells(page, "table")[1][0] == "Tue 2024-11-05 00:00"
    assert len(cells(page, "table")) == 25


def test_a_row_holds_both_markets_and_their_difference(person: Client, market) -> None:
    row = cells(shown(person), "table")[4]
    assert row == ["03:00", "33.00", "20.00", "12.00", "1.00", "28.00", "20.00", "7.00", "1.00", "5.00", ""]


def test_a_missing_hour_is_a_dash_and_is_counted(person: Client, market) -> None:
    page = shown(person)
    assert cells(page, "table")[1 + world.MISSING][5:10] == ["–", "–", "–", "–", "–"]
    assert "23 of 24 intervals" in page


def test_a_restated_price_says_what_stood_before(person: Client, market) -> None:
    row = cells(shown(person), "table")[1 + world.RESTATED]
    assert (row[5], row[-1]) == ("99.50", "RT v2, was 35.00")


def test_as_of_shows_what_was_known_then(person: Client, market) -> None:
    page = shown(person, "?as_of=2024-11-08T00:00:00Z")
    row = cells(page, "table")[1 + world.RESTATED]
    assert (row[5], row[-1]) == ("35.00", "")
    assert "as known at 2024-11-07 19:00:00 EST (2024-11-08T00:00:00Z)" in page
    assert "as_of=2024-11-08T00%3A00%3A00Z" in page


def test_a_time_in_the_form_is_the_markets(person: Client, market) -> None:
    page = shown(person, "?as_of=2024-11-07T19:00")
    assert "as known at 2024-11-07 19:00:00 EST (2024-11-08T00:00:00Z)" in page
    assert 'value="2024-11-07T19:00"' in page


def test_before_anything_came_nothing_was_known(person: Client, market) -> None:
    page = shown(person, "?as_of=2024-11-06T00:00:00Z")
    assert "No data yet for this node and window" in page
    assert "0 of 24 intervals" in page


@pytest.mark.parametrize(
    ("day", "hours", "there", "absent"),
    [
        ("2024-03-10", 23, ["01:00", "03:00"], "02:00"),
        ("2024-11-03", 25, ["01:00 EDT", "01:00 EST", "02:00"], "01:00"),
    ],
)
def test_the_days_when_clocks_change_are_drawn_right(person: Client, market, day: str, hours: int, there: list[str], absent: str) -> None:
    page = shown(person, f"?start={day}&end={day}")
    labels = [row[0].removeprefix(f"Sun {day} ") for row in cells(page, "table")[1:]]
    assert len(labels) == hours
    assert [text for text in labels if text in there] == there
    assert absent not in labels
    heat = cells(page, "heat")
    assert len(heat[0]) == 1 + hours
    assert [len(row) for row in heat[1:]] == [1 + hours, 1 + hours]


def test_the_repeated_hour_is_marked_in_the_heat_map(person: Client, market) -> None:
    assert cells(shown(person, "?start=2024-11-03"), "heat")[0][:4] == ["Zone", "00", "01EDT", "01EST"]


def test_the_heat_map_has_a_row_a_zone_and_follows_its_link(person: Client, market) -> None:
    page = shown(person)
    heat = cells(page, "heat")
    assert [row[0] for row in heat[1:]] == ["AECO", "PECO"]
    assert heat[1][1:4] == ["32", "33", "34"]
    link = unescape(re.search(r'<a href="([^"]+)">AECO</a>', page)[1])
    assert "<h1>AECO</h1>" in shown(person, link)


def test_the_heat_map_of_real_time_takes_five_minute_prices_where_no_hour_is_stored(person: Client) -> None:
    world.nodes()
    feed = world.feed("rt_unverified_fivemin_lmps")
    rows = prices.flat(feed, world.COMMON, world.AECO, 10.0, slots=[slot for slot in range(36) if slot != 13])
    prices.load(feed, world.COMMON, rows)
    heat = cells(shown(person, "?node=AECO&start=2024-11-05&heat=real_time"), "heat")
    assert heat[1][1:5] == ["16", "missing", "40", "missing"]  # 15.5; an hour that misses a part is missing; 39.5


def test_top_congested_nodes_are_ranked_by_size(person: Client, market) -> None:
    rows = cells(shown(person), "congested")[1:]
    assert [row[1] for row in rows] == ["PECO ZONE", "AECO ZONE", "EASTERN HUB HUB", "WESTERN HUB HUB"]
    assert [row[2] for row in rows] == ["23.50", "22.50", "21.50", "20.50"]


@pytest.mark.parametrize("text", ["51297", "peco", " PECO "])
def test_a_node_is_found_by_id_or_name(person: Client, market, text: str) -> None:
    assert "<h1>PECO</h1>" in shown(person, f"?node={text}")


def test_one_node_that_is_like_what_was_typed_is_taken(person: Client, market) -> None:
    assert "<h1>EASTERN HUB</h1>" in shown(person, "?node=eastern")


def test_several_are_offered(person: Client, market) -> None:
    answer = person.get("/markets/?node=hub")
    page = answer.content.decode()
    assert answer.status_code == 400
    assert re.findall(r'<a href="/markets/\?node=(\d+)">', page) == ["51217", "51288"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("?start=yesterday", "'yesterday' is not a day"),
        ("?start=2024-11-06&end=2024-11-05", "the first day, 2024-11-06, is after the last, 2024-11-05"),
        ("?start=2020-01-01&end=2024-11-05", "at most 366 days are drawn at once"),
        ("?resolution=5min&start=2024-09-01&end=2024-11-05", "at most 31 days are drawn at once"),
        ("?end=0001-01-01", "0001-01-01 is outside 1998-04-01 to 2199-12-31"),
        ("?end=9999-12-31", "9999-12-31 is outside"),
        ("?start=0001-01-01", "0001-01-01 is outside"),
        ("?resolution=2h", "'2h' is none of 1h, 5min"),
        ("?as_of=soon", "'soon' is not an ISO-8601 time"),
        ("?show=lmp,price", "'price' is none of lmp, energy, congestion, loss"),
        ("?node=NOWHERE", "no node is called NOWHERE"),
        ("?node=NO%00WHERE", "no node is called NOWHERE"),
    ],
)
def test_what_cannot_be_understood_is_told_and_the_page_is_shown(person: Client, market, query: str, sentence: str) -> None:
    answer = person.get(f"/markets/{query}")
    assert answer.status_code == 400
    page = unescape(answer.content.decode())
    assert sentence[1:] in re.search(r'class="message error" role="alert">(.*?)</p>', page)[1]
    assert "<h1>WESTERN HUB</h1>" in page


def test_five_minute_prices_stand_beside_the_hour_that_was_sold(person: Client, market) -> None:
    page = shown(person, "?resolution=5min")
    rows = cells(page, "table")[1:]
    assert len(rows) == 288
    assert [row[1] for row in rows[11:13]] == ["30.00", "31.00"]
    assert rows[world.FIVE_MINUTES_MISSING[0]][5] == "–"
    assert "276 of 288 intervals" in page


def test_a_long_window_is_cut_in_the_table_and_says_so(person: Client, market) -> None:
    page = shown(person, "?resolution=5min&start=2024-11-01&end=2024-11-05")
    assert len(cells(page, "table")) == 901
    assert "552 more intervals of the window are not in this table" in page  # 4 days of 288 and one of 300, less 900


def test_days_lead_on(person: Client, market) -> None:
    page = shown(person, "?start=2024-11-04&end=2024-11-05")
    days = dict(reversed(pair) for pair in re.findall(r'<a class="tool" href="([^"]+)"[^>]*>(\w+)</a>', page))
    window = {
        name: re.findall(r"(?:start|end)=([\d-]+)", unescape(link)) for name, link in days.items() if name in ("Earlier", "Later", "Month")
    }
    assert window == {
        "Earlier": ["2024-11-02", "2024-11-03"],
        "Later": ["2024-11-06", "2024-11-07"],
        "Month": ["2024-11-01", "2024-11-30"],
    }


def test_the_download_is_the_same_window(person: Client, market) -> None:
    page = shown(person)
    links = [unescape(link) for link in re.findall(r'href="([^"]+)" download>JSON', page)]
    (ahead, real) = (person.get(link).json() for link in links)
    assert [row["lmp_usd_per_mwh"] for row in ahead["results"]] == [30.0 + hour for hour in range(24)]
    assert [row["interval_start"] for row in real["results"]][:2] == ["2024-11-05T05:00:00Z", "2024-11-05T06:00:00Z"]
    assert len(real["results"]) == 23
    assert f"'http://testserver{links[0].replace('json', 'csv')}' -o 51288_day_ahead_2024-11-05.csv" in unescape(page)


def test_the_licence_is_told_with_its_rights(person: Client, market) -> None:
    page = shown(person)
    assert page.count("for internal use only") == 1
    assert "not to be shown, nothing to be derived, not to be passed on" in page


def test_the_sandbox_is_marked_and_the_real_is_not(person: Client, settings) -> None:
    settings.SANDBOX = "off"
    world.nodes(sandbox=True)
    world.prices(sandbox=True)
    assert "invented by the built-in sandbox" in shown(person)


def test_real_prices_are_not_marked(person: Client, market, settings) -> None:
    settings.SANDBOX = "off"
    assert "sandbox" not in re.sub(r"<a[^>]*>|SANDBOX", "", shown(person))


@pytest.mark.parametrize("query", ["", "?resolution=5min&heat=real_time"])
def test_reading_changes_nothing_and_takes_as_many_queries_for_a_month_as_for_a_day(person: Client, market, query: str) -> None:
    before = LmpBlock.objects.count(), Node.objects.count()
    with queries_sent() as day:
        shown(person, query)
    with queries_sent() as month:
        shown(person, f"{query or '?heat=day_ahead'}&start=2024-10-10&end=2024-11-05")
    assert len(month) == len(day)
    assert len(day) <= 14
    assert (LmpBlock.objects.count(), Node.objects.count()) == before


def test_only_looking_is_possible(person: Client, market) -> None:
    assert person.post("/markets/").status_code == 405


@pytest.mark.parametrize("query", ["", "?resolution=5min"])
def test_nothing_is_inline_and_nothing_is_loaded_from_elsewhere(person: Client, market, query: str) -> None:
    page = shown(person, query)
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src=\"/static/)|<link[^>]+href=\"(?!/static/)|<img src=\"(?!/static/)", page)


def test_what_was_typed_is_never_markup(person: Client, market) -> None:
    page = person.get("/markets/?node=<script>alert(1)</script>").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
