"""The node's field of the markets page: found as it is typed, by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from markets.models import Node
from tests.browser.conftest import Open
from tests.markets import world


@pytest.fixture(autouse=True)
def market(served: str) -> None:
    world.nodes()
    world.prices()


def test_the_search_works_by_keyboard(open_page: Open, keep: Callable[[Page, str], None]) -> None:
    page = open_page("/markets/")
    field = page.get_by_role("combobox", name="Node")
    field.focus()
    page.keyboard.type("pec")
    option = page.locator("#node-options [role=option]")
    expect(option).to_have_count(1)
    expect(field).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    assert field.get_attribute("aria-activedescendant") == option.get_attribute("id")
    keep(page, "markets-search")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("PECO")
    assert "node=51297" in page.url


def test_the_search_finds_by_id_and_closes_by_escape(open_page: Open) -> None:
    page = open_page("/markets/")
    field = page.get_by_role("combobox", name="Node")
    field.fill("51291")
    expect(page.locator("#node-options [role=option]")).to_have_text(re.compile("AECO"))
    page.keyboard.press("Escape")
    expect(page.locator("#node-options [role=option]")).to_have_count(0)
    field.fill("no such node")
    expect(page.locator("[data-search-status]")).to_have_text("No node has this name or id")


def test_hubs_are_found_among_many_names_of_lower_ids(open_page: Open) -> None:
    since = datetime(2005, 1, 1, tzinfo=UTC)
    Node.objects.bulk_create(
        Node(sandbox=False, pnode_id=node, name=f"SEWER {node}", type="LOAD", effective_from=since, origin="pnode")
        for node in range(1, 400)
    )
    page = open_page("/markets/")
    page.get_by_role("combobox", name="Node").focus()
    page.keyboard.type("we")
    expect(page.locator("#node-options [role=option]").first).to_have_text(re.compile("WESTERN HUB"))


def test_the_list_stays_closed_behind_somebody_who_went_on(open_page: Open) -> None:
    page = open_page("/markets/", idle=True)
    page.get_by_role("combobox", name="Node").focus()
    page.keyboard.type("pec")
    page.keyboard.press("Tab")
    page.wait_for_timeout(400)  # longer than the search waits for silence
    expect(page.locator("#node-options [role=option]")).to_have_count(0)
