"""The certificate pages in a browser, opened by people of the sandbox pair; the server acts as the application's role, under
the row policies."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings as live
from django.test import Client
from playwright.sync_api import Page, expect

from energyopti import db
from energyopti.organisations.models import User
from recs import samples
from recs.models import Command
from tests.browser.conftest import Open
from tests.browser.test_every_page import violations
from tests.recs import sampled

ADDRESSES = {
    "portfolio": "/recs/",
    "portfolio-all": "/recs/?status=all",
    "portfolio-nothing": "/recs/?fuel_type=coal",
    "serial": "/recs/serial/",
    "serial-found": "/recs/serial/?q=SAMPLENON1{month}+17",
    "serial-unknown": "/recs/serial/?q=nothing",
    "receipt": "/recs/commands/{sale}/",
    "receipt-instructed": "/recs/commands/{instructed}/",
    "receipt-retired": "/recs/commands/{retired}/",
    "overview": "/",
}
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def people(served: str, settings) -> dict[str, User]:
    found = sampled.people()
    samples.load(say=lambda sentence: None)
    db.make_roles()
    settings.DATABASE_ROLE = db.APP_ROLE  # of the connections that the server makes from now on
    return found


@pytest.fixture
def session(served: str, people: dict[str, User]) -> dict[str, str]:
    """The cookie of East's trader; `log_in` makes it somebody else's."""
    return cookie(served, people["east-trader"])


def cookie(served: str, person: User) -> dict[str, str]:
    client = Client()
    client.force_login(person)
    return {"name": live.SESSION_COOKIE_NAME, "value": client.cookies[live.SESSION_COOKIE_NAME].value, "url": served}


def address(name: str) -> str:
    asked = Command.objects.filter(root=None)
    sale, retired = asked.get(kind="transfer", reason="sample data: sale of solar"), asked.get(reason="sample data: obligation")
    instructed = asked.get(kind="retire", reason="sample data: claim", organisation__slug="sandbox-east")
    oldest = Command.objects.filter(kind="issue").earliest("id").entries.get().batch
    return ADDRESSES[name].format(sale=sale.pk, retired=retired.pk, instructed=instructed.pk, month=f"{oldest.vintage:%y%m}")


# One loading of the samples serves all the pages of a test


def test_pages_open_for_a_member_and_axe_finds_nothing_in_either_theme(open_page: Open, keep: Callable[[Page, str], None]) -> None:
    for name in ADDRESSES:
        page = open_page(address(name), idle=True)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            keep(page, f"recs-{name}-1280-{theme}")
            assert violations(page, name) == [], (name, theme)


def test_a_telephone_does_not_scroll_them_sideways(open_page: Open, keep: Callable[[Page, str], None]) -> None:
    for name in ADDRESSES:
        page = open_page(address(name), width=390, theme="dark")
        keep(page, f"recs-{name}-390-dark")
        assert page.evaluate(SIDEWAYS) == 0, name


def test_on_paper_all_of_it_stands_and_no_navigation(open_page: Open, keep: Callable[[Page, str], None], tmp_path: Path) -> None:
    for name in ("portfolio-all", "serial-found", "receipt"):
        page = open_page(address(name), theme="dark")
        assert page.pdf(path=tmp_path / f"{name}.pdf", format="A4").startswith(b"%PDF-")
        page.emulate_media(media="print")
        keep(page, f"recs-{name}-print")
        expect(page.get_by_role("navigation")).to_be_hidden()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        cut = "[...document.querySelectorAll('.scroll')].filter(box => box.scrollHeight > box.clientHeight + 1).length"
        assert page.evaluate(cut) == 0, name


def test_the_bars_are_drawn_in_patterns(open_page: Open) -> None:
    page = open_page("/recs/")
    bars = page.locator("svg[role=img] rect.segment")
    assert bars.count() > 30
    assert all(bars.evaluate_all("bars => bars.map(bar => bar.getBBox().height > 0 && bar.getBBox().width > 5)"))
    filled = page.evaluate("""() => [...document.querySelectorAll("pattern rect.fill")].map(rect => getComputedStyle(rect).fill)""")
    assert len(set(filled)) == len(filled) == 4
    assert "rgb(0, 0, 0)" not in filled
    expect(page.locator("svg[role=img]")).to_have_attribute("aria-label", re.compile(r"^Bar chart of [\d,]+ certificates from"))


def test_a_serial_is_found_from_the_portfolio_by_keyboard(open_page: Open) -> None:
    page = open_page("/recs/")
    page.locator("#q").focus()
    page.keyboard.type(address("serial-found").partition("q=")[2].replace("+", " "))
    page.keyboard.press("Enter")
    page.wait_for_url("**/recs/serial/**")
    expect(page.locator(".timeline > li")).to_have_count(6)  # written down, issued, approved; offered, approved, accepted
    expect(page.locator(".timeline > li").last).to_contain_text("others (active)")


def test_filters_stand_in_the_address_and_back_leads_back(open_page: Open) -> None:
    page = open_page("/recs/")
    page.get_by_label("Fuel", exact=True).select_option("solar")
    page.get_by_label("Status", exact=True).select_option("retired")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**fuel_type=solar**")
    expect(page.get_by_role("region", name="By vintage").locator("tfoot td").last).to_have_text("3,000")
    page.go_back()
    expect(page.get_by_label("Fuel", exact=True)).to_have_value("")


def test_without_scripts_it_is_all_there(open_page: Open) -> None:
    page = open_page("/recs/", script=False)
    expect(page.locator("svg[role=img]")).to_be_visible()
    expect(page.get_by_role("region", name="By vintage").locator("tbody tr")).not_to_have_count(0)


def test_the_other_organisation_is_not_there(
    open_page: Open, served: str, session: dict[str, str], people: dict[str, User], complaints: list[str]
) -> None:
    sale = address("receipt")
    issue = Command.objects.filter(kind="issue", organisation__slug="sandbox-east", root=None).first()
    session |= cookie(served, people["west-viewer"])
    page = open_page(sale)
    expect(page.locator("main")).not_to_contain_text("east-trader")
    expect(page.locator("main")).not_to_contain_text("Trading → ")
    for foreign in ("/recs/?owner_id=sandbox-east", f"/recs/commands/{issue.pk}/"):
        assert open_page(foreign).title().startswith("Not found")
    complaints[:] = [one for one in complaints if "404" not in one]  # the browser complains of them itself


def test_who_may_act_is_told_how(open_page: Open, served: str, session: dict[str, str], people: dict[str, User]) -> None:
    page = open_page("/recs/")
    offered = page.get_by_role("region", name="What waits").locator("tr.yours", has_text="Sandbox West")
    expect(offered).to_contain_text(re.compile(r"POST /api/v1/rec/transfers/\d+/accept"))
    session |= cookie(served, people["east-viewer"])
    offered = open_page("/recs/").get_by_role("region", name="What waits").locator("tr.yours", has_text="Sandbox West")
    expect(offered).to_contain_text("Not for a viewer")
