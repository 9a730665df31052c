"""The ledger's back office in a browser: no complaint, accessible in both themes, not wider than a telephone; a command is given."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from energyopti.organisations.models import Membership, User
from recs import ledger
from recs.models import Batch, CashAccount, Command, Holding, Policy
from recs.proof import seal
from tests.backoffice.ledger import page as address
from tests.browser.conftest import Open
from tests.browser.test_every_page import violations
from tests.recs.world import Firm, firm, generator, issued, key


@pytest.fixture
def east(session: dict[str, str]) -> Firm:
    """The browser's superuser is an administrator of it, and others have asked for something."""
    made, west = firm("east"), firm("west")
    Membership.objects.create(user=User.objects.get(username="root"), organisation=made.organisation, role="administrator")
    Policy.objects.filter(organisation=made.organisation).update(four_eyes=["retire", "confirm"])
    issued(made)
    mirror = made.account("mirror", registry_id="mrets", registry_account="4711")
    ledger.grant_credit(key=key(), by=made.trader, creditor=made.organisation.pk, debtor=west.organisation.pk, limit_usd=Decimal(100))
    sold = {"from_account": made.main.pk, "to_account": west.main.pk, "quantity": 10, "price_usd": Decimal("35.50"), "reason": "note 17"}
    ledger.accept(key=key(), by=west.trader, command=ledger.transfer(key=key(), by=made.trader, **sold))
    ledger.transfer(key=key(), by=made.trader, from_account=made.main.pk, to_account=mirror.pk, quantity=20)
    ledger.transfer(key=key(), by=made.trader, from_account=mirror.pk, to_account=made.main.pk, quantity=5)
    purpose = ledger.Purpose(beneficiary="Prairie Wind LLC", reason="tariff")
    ledger.retire(key=key(), by=made.officer, account=made.main.pk, quantity=5, purpose=purpose, reason="tariff")
    issued(west, of=generator(west, "Western"), base="W")
    ledger.transfer(key=key(), by=west.trader, from_account=west.main.pk, to_account=made.main.pk, quantity=7)
    seal.seal()
    return made


def pages(east: Firm) -> dict[str, str]:
    batch = Batch.objects.get(serial_base="PW-2024-03")
    numbers = {kind: Command.objects.filter(kind=kind).latest("id").pk for kind in ("transfer", "retire")}
    return {
        "waiting": address("waiting"),
        "portfolios": address("portfolio"),
        "portfolio": f"{address('portfolio')}?account={east.main.pk}",
        "commands": address("command_changelist"),
        "command": address("command_change", numbers["retire"]),
        "approve": address("command_approve", numbers["retire"]),
        "accept": address("command_accept", numbers["transfer"]),
        "accounts": address("account_changelist"),
        "account": address("account_change", east.accounts["mirror"].pk),
        "generator": address("generator_change", batch.generator_id),
        "history": address("generator_history", batch.generator_id),
        "batch": address("batch_change", batch.pk),
        "batch-add": address("batch_add"),
        "entries": address("entry_changelist"),
        "holding": address("holding_change", Holding.objects.filter(account=east.main, bucket=1).latest("id").pk),
        "cash": address("cashaccount_change", CashAccount.objects.get(organisation=east.organisation, kind="party").pk),
        "policy": address("policy_change", east.organisation.pk),
        "life": f"{address('life')}?batch={batch.pk}&serial=1",
        "transfer": address("transfer"),
        "retire": address("retire"),
        "credit": address("credit"),
        "pack": address("pack"),
    }


def forget(complaints: list[str]) -> None:
    """axe follows the @import of Django's forms.css by itself: to the wrong address, and by a style that the policy forbids."""
    complaints[:] = [one for one in complaints if not any(of_axe in one for of_axe in ("404", "preload assets", "inline style"))]


def test_pages_open_without_a_complaint_and_axe_finds_nothing_in_either_theme(
    open_page: Open, east: Firm, keep: Callable[[Page, str], None], complaints: list[str]
) -> None:
    found = {}
    for name, path in pages(east).items():
        page = open_page(path, idle=True)
        assert complaints == [], name
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            keep(page, f"office-{name}-1280-{theme}")
            if wrong := violations(page, "admin"):
                found[f"{name}, {theme}"] = wrong
        page.close()
        forget(complaints)
    assert found == {}


def test_a_telephone_does_not_scroll_them_sideways(open_page: Open, east: Firm, keep: Callable[[Page, str], None]) -> None:
    wide = {}
    for name, path in pages(east).items():
        page = open_page(path, width=390, theme="dark")
        keep(page, f"office-{name}-390-dark")
        wide[name] = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        page.close()
    assert {name: by for name, by in wide.items() if by} == {}


def test_a_command_is_shown_given_and_linked_to(open_page: Open, east: Firm) -> None:
    page = open_page(f"{address('portfolio')}?account={east.main.pk}")
    page.get_by_role("link", name="Reserve certificates").click()
    page.get_by_label("How many, MWh").fill("3")
    page.get_by_role("button", name="Show what will happen").click()
    expect(page.get_by_text("3 certificates in main are kept apart.")).to_be_visible()
    page.get_by_label("Reason").fill("kept for the auditor")
    page.get_by_role("button", name="Reserve").click()
    page.locator(".messagelist a").click()
    expect(page.get_by_role("heading", name="Reserve", exact=False).first).to_be_visible()
    page.get_by_role("link", name="Release").click()
    page.get_by_label("Reason").fill("seen")
    page.get_by_role("button", name="Release").click()
    expect(page.locator(".subtitle .completed")).to_be_visible()
