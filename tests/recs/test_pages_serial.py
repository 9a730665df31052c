"""The life of a serial number: found as people type it, and told as far as the asker took part."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from energyopti.organisations.models import User
from recs import ledger
from recs.types import Purpose, SerialRange
from tests.recs.test_pages import text
from tests.recs.world import Firm, firm, generator, issued, key

pytestmark = pytest.mark.django_db


@pytest.fixture
def east() -> Firm:
    return firm("east")


@pytest.fixture
def west() -> Firm:
    return firm("west")


def page(client: Client, person: User, **asked: object) -> str:
    client.force_login(person)
    answer = client.get("/recs/serial/", asked)
    assert answer.status_code == 200
    return answer.content.decode()


def steps(found: str) -> list[str]:
    """Each step's words, without its time."""
    line = re.search(r'<ol class="timeline">.*?</ol>', found, re.DOTALL)
    return [re.sub(r"^[\d: -]+UTC ", "", text(item)) for item in re.findall(r"<li.*?</li>", line[0], re.DOTALL)] if line else []


def sale(seller: Firm, buyer: Firm, batch: int, first: int, last: int) -> int:
    done = ledger.transfer(
        key=key(),
        by=seller.trader,
        from_account=seller.main.pk,
        to_account=buyer.main.pk,
        ranges=[SerialRange(batch, first, last)],
        reason="sold",
    )
    ledger.accept(key=key(), by=buyer.trader, command=done)
    return done


def test_without_a_number_it_says_how_to_write_one(client: Client, east: Firm) -> None:
    found = page(client, east.trader)
    assert "1771330 17" in found
    assert "Timeline" not in found


def test_from_issue_to_retirement(client: Client, east: Firm) -> None:
    batch = issued(east, registry="gats", base="1771330", last=10, registry_text="1771330 1-10")
    made = ledger.retire(
        key=key(),
        by=east.officer,
        account=east.main.pk,
        ranges=[SerialRange(batch.pk, 4, 6)],
        purpose=Purpose(beneficiary="A bakery", reason="Its claim"),
        reason="as agreed",
    )
    found = page(client, east.people["viewer"], q="1771330 5")
    first, second, third = steps(found)
    assert first.startswith("Batch written down As 1771330 5-5, one of 10.")
    assert re.fullmatch(r"Issue command \d+ the registry → main \(active\) by east-trader", second)
    assert third.startswith(f"Retire command {made} main (active) → main (retired) Retired for A bakery, voluntarily: Its claim")
    assert third.endswith("by east-compliance-officer: as agreed")
    assert "retired <small>in main</small>" in found
    assert "1771330 1-10" in found


@pytest.mark.parametrize("typed", ["B 7", "b-7", "B 7-9", "B - 7 to 9", " B  7 "])
def test_as_people_write_it(client: Client, east: Firm, typed: str) -> None:
    issued(east, base="B")
    assert steps(page(client, east.trader, q=typed))[0].startswith("Batch written down As B 7-7")


def test_several_that_may_be_meant(client: Client, east: Firm) -> None:
    one = issued(east, base="B")
    two = issued(east, of=generator(east, "Garden", fuel="solar", state="NJ"), registry="gats", base="B")
    found = page(client, east.trader, q="B 7")
    assert "2 batches may be meant" in found
    assert not steps(found)
    listed = re.findall(r'href="/recs/serial/\?q=B%207&amp;batch=(\d+)"', found)
    assert listed == [str(one.pk), str(two.pk)]
    chosen = page(client, east.trader, q="B 7", batch=two.pk)
    assert "Garden" in re.search(r"<dl.*?</dl>", chosen, re.DOTALL)[0]
    assert f'batch={two.pk}" aria-current="true"' in chosen


def test_a_foreign_serial_is_as_unknown_as_none(client: Client, east: Firm, west: Firm) -> None:
    batch = issued(east, base="B")
    for asked in ({"q": "B 7"}, {"q": "B 7", "batch": batch.pk}, {"q": "nothing like it"}, {"q": "' OR 1=1"}):
        found = page(client, west.trader, **asked)
        assert "Nothing that your organisations may see is called" in found
        assert not steps(found)


def test_the_buyer_sees_it_from_the_sale_on(client: Client, east: Firm, west: Firm) -> None:
    batch = issued(east, base="B")
    inside = east.account("shelf")
    ledger.transfer(key=key(), by=east.trader, from_account=east.main.pk, to_account=inside.pk, ranges=[SerialRange(batch.pk, 900, 999)])
    sale(east, west, batch.pk, 1, 10)
    told = steps(page(client, west.trader, q="B 7"))
    assert told[0].endswith("by somebody of another organisation")
    assert "Others had it: what happened there is not shown." in told
    assert told[-1].startswith("Accept")
    assert "others (held) → main (active)" in told[-1]
    assert not any("Issue" in one or "shelf" in one or "east-trader" in one for one in told)
    assert not steps(page(client, west.trader, q="B 500"))[1:]


def test_what_others_did_in_between_is_a_gap(client: Client, east: Firm, west: Firm) -> None:
    north = firm("north")
    batch = issued(east, base="B")
    sale(east, west, batch.pk, 1, 10)
    sale(west, north, batch.pk, 1, 10)
    sale(north, east, batch.pk, 1, 10)
    told = steps(page(client, east.trader, q="B 7"))
    gap = told.index("Others had it: what happened there is not shown.")
    assert "main (held) → others (active)" in told[gap - 1]
    assert not any("west" in one.lower() or "north" in one.lower() for one in told)
    assert "Steps between others are not shown" in page(client, east.trader, q="B 7")


def test_a_long_text_is_cut_and_nothing_breaks(client: Client, east: Firm) -> None:
    issued(east, base="B")
    for typed in ("9" * 500, "B " + "9" * 30, "B -1", "B 1\x00", "<script>alert(1)</script>"):
        assert "<script>alert" not in page(client, east.trader, q=typed)


def test_a_sandbox_serial_says_so(client: Client) -> None:
    play = firm("play", sandbox=True)
    issued(play, base="B")
    assert "sandbox: an invented certificate" in page(client, play.trader, q="B 7")
