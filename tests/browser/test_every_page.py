"""Every page: no complaint of the browser, accessible, not wider than the screen, readable in both themes and on paper."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.markets import world

PAGES = {
    "overview": "/",
    "markets": "/markets/",
    "recs": "/recs/",
    "recs-serial": "/recs/serial/",
    "status": "/status/",
    "login": "/accounts/login/",
    "admin": "/admin/",
    "admin-feeds": "/admin/feeds/feed/",
    "docs": "/api/docs/",
    "missing": "/nothing-is-here",
}
OURS = [name for name in PAGES if name not in ("admin", "admin-feeds", "docs", "missing")]
LEVELS = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}, "resultTypes": ["violations"]}
# swagger-ui's own markup, which comes as it is: pale text on its labels, and in each operation's heading a button inside a
# button. Every other rule holds there, and these everywhere else.
NOT_OURS = {"docs": {"color-contrast": "#swagger-ui", "nested-interactive": "#swagger-ui"}}


@pytest.fixture(autouse=True)
def market(served: str) -> None:
    world.nodes()
    world.prices()
    world.restate()


def drawn(page: Page, name: str) -> Page:
    if name == "markets":
        expect(page.locator("[data-chart][data-state=revised]")).to_be_attached()
    return page


def opened(open_page: Open, name: str, complaints: list[str], **how: object) -> Page:
    page = drawn(open_page(PAGES[name], known=name != "login", idle=True, **how), name)
    if name == "missing":  # the browser complains of the 404 itself
        complaints[:] = [one for one in complaints if "404" not in one]
    return page


def violations(page: Page, name: str) -> list[tuple[str, list[list[str]], str]]:
    """What axe finds, without what is excused; within the excused markup every other rule holds."""
    found = []
    for one in Axe().run(page, options=LEVELS).response["violations"]:
        excused = NOT_OURS.get(name, {}).get(one["id"])
        nodes = [node for node in one["nodes"] if not (excused and page.locator(excused).locator(node["target"][-1]).count())]
        if nodes:
            found.append((one["id"], [node["target"] for node in nodes][:3], nodes[0]["failureSummary"]))
    return found


@pytest.mark.parametrize("name", PAGES)
def test_it_opens_without_a_complaint_and_axe_finds_nothing_in_either_theme(
    open_page: Open, keep: Callable[[Page, str], None], complaints: list[str], name: str
) -> None:
    page = opened(open_page, name, complaints)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # without motion colours change at once
        keep(page, f"{name}-1280-{theme}")
        assert violations(page, name) == [], theme


@pytest.mark.parametrize("name", OURS)
def test_a_telephone_does_not_scroll_it_sideways(
    open_page: Open, keep: Callable[[Page, str], None], complaints: list[str], name: str
) -> None:
    page = opened(open_page, name, complaints, width=390, theme="dark")
    keep(page, f"{name}-390-dark")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


@pytest.mark.parametrize("name", ["overview", "markets", "status"])
def test_on_paper_there_is_no_navigation(open_page: Open, complaints: list[str], tmp_path: Path, name: str) -> None:
    page = opened(open_page, name, complaints, theme="dark")
    pdf = page.pdf(path=tmp_path / f"{name}.pdf", format="A4")
    assert pdf.startswith(b"%PDF-")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_the_theme_is_chosen_and_remembered(open_page: Open) -> None:
    page = open_page("/status/", theme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    toggle = page.get_by_role("button", name="Theme")
    toggle.click()
    toggle.click()
    assert toggle.inner_text() == "Theme: dark"
    assert page.evaluate(ground) != light
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate(ground) != light


def test_the_first_tab_leads_to_the_content(open_page: Open) -> None:
    page = open_page("/status/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_the_account_menu_opens_by_keyboard(open_page: Open) -> None:
    page = open_page("/")
    page.locator(".account summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
