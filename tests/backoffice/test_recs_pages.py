"""Portfolios, what waits, the journal's lists, the life of a serial, the auditor's pack, and what all of them cost."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from datetime import date
from typing import Any

import pytest
import requests
from django.conf import settings
from django.test import Client, override_settings

from energyopti.db import APP_ROLE
from energyopti.organisations.models import User
from recs import ledger
from recs.models import Account, CashAccount, Entry, Holding, Policy
from recs.proof import seal, verify_pack
from tests.backoffice.ledger import client, page, staffed, text
from tests.backoffice.people import office
from tests.recs.world import Firm, generator, issued, key

pytestmark = pytest.mark.django_db


@pytest.fixture
def east() -> Firm:
    made = staffed("east")
    issued(made)
    issued(made, of=generator(made, "Sunny", fuel="solar", state="NJ"), base="S", registry="gats", last=50, vintage=date(2025, 6, 1))
    return made


@pytest.fixture
def west() -> Firm:
    return staffed("west")


def sold(east: Firm, west: Firm, quantity: int = 10) -> int:
    sent = ledger.transfer(key=key(), by=east.trader, from_account=east.main.pk, to_account=west.main.pk, quantity=quantity)
    ledger.accept(key=key(), by=west.trader, command=sent)
    return sent


# --- portfolios -----------------------------------------------------------------------------------


def test_a_portfolio_adds_up(east: Firm) -> None:
    other = east.account("other")
    ledger.transfer(key=key(), by=east.trader, from_account=east.main.pk, to_account=other.pk, quantity=40)
    ledger.reserve(key=key(), by=east.trader, account=east.main.pk, quantity=7)
    whole = client(east).get(page("portfolio")).context
    assert [(line.vintage, line.fuel_type, line.figures) for line in whole["lines"]] == [
        (date(2024, 3, 1), "wind", [993, 7, 0, 0]),
        (date(2025, 6, 1), "solar", [50, 0, 0, 0]),
    ]
    assert whole["totals"] == [1043, 7, 0, 0]
    assert [(one.name, one.active_mwh, one.held_mwh) for one in whole["accounts"]] == [("main", 1003, 7), ("other", 40, 0)]
    one = client(east).get(f"{page('portfolio')}?account={other.pk}").context
    assert (one["totals"], one["accounts"]) == ([40, 0, 0, 0], [])


@pytest.mark.parametrize(
    ("asked", "total"),
    [
        ("fuel_type=solar", 50),
        ("state=nj", 50),
        ("registry=mrets", 1000),
        ("vintage_from=2024-04", 50),
        ("vintage_to=2024-03", 1000),
        ("fuel_type=coal", 0),
    ],
)
def test_a_portfolio_is_narrowed(east: Firm, asked: str, total: int) -> None:
    assert client(east).get(f"{page('portfolio')}?{asked}").context["totals"][0] == total


def test_what_cannot_be_asked_for_is_said(east: Firm, west: Firm) -> None:
    for asked in ("vintage_from=March", f"account={west.main.pk}", f"organisation={west.organisation.pk}", "registry=x"):
        shown = client(east).get(f"{page('portfolio')}?{asked}")
        assert (shown.status_code, shown.context["lines"], list(shown.context["form"].errors)) == (200, [], [asked.split("=")[0]])


def test_another_organisations_portfolio_is_empty(east: Firm, west: Firm) -> None:
    assert client(west).get(page("portfolio")).context["lines"] == []
    assert [one.name for one in client(west).get(page("portfolio")).context["accounts"]] == ["main"]


def test_a_line_fills_the_form_in(east: Firm) -> None:
    shown = text(client(east).get(f"{page('portfolio')}?account={east.main.pk}"))
    address = re.search(rf'href="({page("transfer")}\?account=[^"]*fuel_type=solar[^"]*)"', shown)
    assert address
    form = client(east).get(address[1].replace("&amp;", "&")).context["form"]
    assert (form.initial["registry"], form.initial["state"], form.initial["vintage_from"]) == ("gats", "NJ", "2025-06")


# --- what waits -----------------------------------------------------------------------------------


def sections(answer: Any) -> dict[str, list[str]]:
    return {one.slug: [row.row.kind for row in one.rows] for one in answer.context["sections"]}


def test_what_waits_for_whom(east: Firm, west: Firm) -> None:
    Policy.objects.filter(organisation=east.organisation).update(four_eyes=["retire", "transfer"])
    other = east.account("other")
    ledger.transfer(key=key(), by=east.trader, from_account=east.main.pk, to_account=other.pk, quantity=5)
    criteria = ledger.Criteria(registry="mrets")
    ledger.export(key=key(), by=east.trader, account=east.main.pk, to_registry="nar", quantity=5, criteria=criteria)
    issued(west, base="W", of=generator(west, "Western"))
    ledger.transfer(key=key(), by=west.trader, from_account=west.main.pk, to_account=east.main.pk, quantity=5)
    officer, trader, theirs = client(east, "compliance_officer"), client(east), client(west)
    assert sections(officer.get(page("waiting"))) == {"approve": ["transfer"], "accept": ["transfer"], "confirm": ["export"], "others": []}
    assert sections(trader.get(page("waiting")))["others"] == ["transfer"]
    assert sections(theirs.get(page("waiting"))) == {"approve": [], "accept": [], "confirm": [], "others": ["transfer"]}
    notes = {name: re.search(r"What waits</a>\s*<span class=\"note\">([^<]*)", who.get("/admin/").content.decode()) for name, who in
             {"officer": officer, "trader": trader, "west": theirs}.items()}  # fmt: skip
    assert {name: found[1] for name, found in notes.items() if found} == {
        "officer": "3 wait for you",
        "trader": "1 waits for you",
        "west": "nothing waits for you",
    }


def test_only_those_who_may_retire_approve_a_retirement(east: Firm) -> None:
    Policy.objects.filter(organisation=east.organisation).update(four_eyes=["retire"])
    purpose = ledger.Purpose(beneficiary="us", reason="tariff")
    ledger.retire(key=key(), by=east.officer, account=east.main.pk, quantity=5, purpose=purpose)
    assert sections(client(east).get(page("waiting")))["approve"] == []
    assert sections(client(east, "administrator").get(page("waiting")))["approve"] == ["retire"]


# --- the journal ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "kinds"),
    [
        ("", {"issue", "transfer", "reserve", "export"}),
        ("standing=open", {"reserve", "export"}),
        ("standing=pending", {"reserve"}),
        ("standing=instructed", {"export"}),
        ("kind=transfer", {"transfer"}),
        ("standing=alone", {"issue", "transfer", "export"}),
    ],
)
def test_commands_are_found_by_where_they_stand(east: Firm, west: Firm, asked: str, kinds: set[str]) -> None:
    sold(east, west)
    ledger.reserve(key=key(), by=east.trader, account=east.main.pk, quantity=5)
    criteria = ledger.Criteria(registry="mrets")
    ledger.export(key=key(), by=east.trader, account=east.main.pk, to_registry="nar", quantity=5, criteria=criteria)
    listed = client(east).get(f"{page('command_changelist')}?{asked}").context["cl"]
    assert {row.kind for row in listed.result_list} == kinds


def test_the_journal_is_never_written_by_a_form(east: Firm) -> None:
    boss = office(User.objects.create_superuser("root"))
    rows = {"entry": Entry.objects.first(), "holding": Holding.objects.first()}
    for model in ("command", "entry", "holding", "cashaccount", "seal"):
        assert boss.get(page(f"{model}_add")).status_code == 403
    for model, row in rows.items():
        assert boss.post(page(f"{model}_change", row.pk), {"serials_0": "1"}).status_code == 403
        assert boss.post(page(f"{model}_delete", row.pk), {"post": "yes"}).status_code == 403


def test_the_other_sides_account_has_a_number_and_no_name(east: Firm, west: Firm) -> None:
    Account.objects.filter(pk=east.main.pk).update(name="secret desk")
    sold(east, west)
    for address in (page("entry_changelist"), page("command_changelist")):
        theirs, ours = text(client(west).get(address)), text(client(east).get(address))
        assert ("secret desk" in theirs, f"account {east.main.pk}" in theirs) == (False, True)
        assert "secret desk" in ours
    entry = Entry.objects.filter(to_account=west.main).get()
    assert "secret desk" not in text(client(west).get(page("entry_change", entry.pk)))
    assert bytes(entry.hash).hex() in text(client(west).get(page("entry_change", entry.pk)))


def test_another_organisation_sees_none_of_the_journal(east: Firm, west: Firm) -> None:
    for model in ("command", "entry", "holding", "cashaccount"):
        assert not client(west).get(page(f"{model}_changelist")).context["cl"].result_list
    entry = Entry.objects.first()
    assert client(west).get(page("entry_change", entry.pk))["Location"] == "/admin/"


def test_cash_shows_who_owes_whom(east: Firm, west: Firm) -> None:
    ledger.grant_credit(key=key(), by=east.trader, creditor=east.organisation.pk, debtor=west.organisation.pk, limit_usd=100)
    sent = ledger.transfer(
        key=key(), by=east.trader, from_account=east.main.pk, to_account=west.main.pk, quantity=10, price_usd=ledger.Decimal("35.50")
    )
    ledger.accept(key=key(), by=west.trader, command=sent)
    line = CashAccount.objects.get(organisation=west.organisation, kind="party")
    told = text(client(west).get(page("cashaccount_change", line.pk)))
    assert ("-35.50" in told, "100.00" in told, f"{page('command_change', sent)}" in told) == (True, True, False)
    money = text(client(west).get(page("command_change", sent)))
    assert ("Counterparty: East" in money, "Counterparty: West" in money) == (True, False)


def test_a_long_journal_is_not_counted_to_its_end(east: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recs.admin.base.COUNTED", 1)
    assert "The first 1 entries: filter to reach the others" in text(client(east).get(page("entry_changelist")))


# --- the life of a serial -------------------------------------------------------------------------


def test_a_serial_is_typed_and_its_life_is_told(east: Firm, west: Firm) -> None:
    sold(east, west)
    ours = client(east).get(page("life"), {"serial": "PW-2024-03 5"})
    assert [step.kind for step in ours.context["steps"]] == ["recorded", "issue", "transfer", "accept"]
    theirs = client(west).get(page("life"), {"serial": "pw-2024-03 5-9"})
    assert "accept" in [step.kind for step in theirs.context["steps"]]
    others = client(west).get(page("life"), {"serial": "PW-2024-03 500"}).context["steps"]  # of a batch that they know
    assert [step.kind for step in others] == ["recorded"]


def test_several_that_are_written_alike_are_told_apart(east: Firm) -> None:
    issued(east, base="PW-2024-03", registry="nar", first=5, last=9, vintage=date(2024, 5, 1), of=generator(east, "Third"))
    shown = client(east).get(page("life"), {"serial": "PW-2024-03 5"})
    assert len(shown.context["found"]) == 2
    assert re.search(r'href="\?batch=\d+&amp;serial=5"', shown.content.decode())


@pytest.mark.parametrize("typed", ["nothing of ours", "PW-2024-03 99999999999999999999999", "%", "5", "\x00"])
def test_what_is_no_serial_is_said(east: Firm, typed: str) -> None:
    shown = client(east).get(page("life"), {"serial": typed})
    assert (shown.status_code, shown.context["steps"]) == (200, [])


# --- seals and the auditor's pack -----------------------------------------------------------------


def test_only_administrators_take_the_pack(east: Firm) -> None:
    assert client(east, "trader").get(page("pack")).status_code == 403
    shown = client(east, "administrator").get(page("pack"))
    assert ([one.slug for one in shown.context["organisations"]], shown.context["whole"]) == (["east"], "")
    assert client(east, "administrator").get(page("pack_download")).status_code == 405
    for asked in ("west", "whole", ""):
        assert client(east, "administrator").post(page("pack_download"), {"organisation": asked}).status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("name", "asked"), [("administrator", "east"), ("root", "whole")])
def test_the_pack_proves_itself(served: str, tmp_path: Any, name: str, asked: str) -> None:
    east = staffed("east")
    issued(east)
    seal.seal()
    browser = Client()
    browser.force_login(User.objects.create_superuser("root") if name == "root" else User.objects.get(pk=east.administrator.pk))
    cookies = {settings.SESSION_COOKIE_NAME: browser.cookies[settings.SESSION_COOKIE_NAME].value}
    with override_settings(DATABASE_ROLE=APP_ROLE):
        shown = requests.get(served + page("pack"), cookies=cookies, timeout=20)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', shown.text)
        assert token
        sent = {"organisation": asked, "csrfmiddlewaretoken": token[1]}
        answer = requests.post(
            served + page("pack_download"), sent, cookies=cookies | shown.cookies.get_dict(), headers={"Referer": served}, timeout=60
        )
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip")
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert "manifest.json" in zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    pack = tmp_path / "pack.zip"
    pack.write_bytes(answer.content)
    proof = subprocess.run([sys.executable, "-I", verify_pack.__file__, pack], capture_output=True, text=True, check=False)
    assert proof.returncode == 0, proof.stdout


def test_a_seal_is_looked_at(east: Firm) -> None:
    made = seal.seal()
    assert made
    assert bytes(made.digest).hex() in text(client(east).get(page("seal_change", made.pk)))


# --- what pages cost ------------------------------------------------------------------------------

# Ten of them are everybody's: session, user, rights, roles, and the scope around the view
COSTS = {
    "account_changelist": 14,
    "generator_changelist": 16,
    "batch_changelist": 18,
    "policy_changelist": 12,
    "registry_changelist": 12,
    "command_changelist": 13,
    "entry_changelist": 15,
    "holding_changelist": 16,
    "cashaccount_changelist": 13,
    "seal_changelist": 14,
    "portfolio": 15,
    "waiting": 11,
}


@pytest.mark.parametrize("name", COSTS)
def test_a_page_takes_few_queries_however_much_there_is(east: Firm, west: Firm, name: str, django_assert_max_num_queries: Any) -> None:
    for _ in range(12):
        sold(east, west, 2)
        ledger.reserve(key=key(), by=east.trader, account=east.main.pk, quantity=1)
    for number in range(12):
        east.account(f"account {number}")
        issued(east, base=f"B{number}", of=generator(east, f"Plant {number}"))
    trader = client(east)
    with django_assert_max_num_queries(COSTS[name]):
        assert trader.get(page(name)).status_code == 200


def test_the_index_takes_few_queries(east: Firm, django_assert_max_num_queries: Any) -> None:
    trader = client(east)
    with django_assert_max_num_queries(14):
        shown = text(trader.get("/admin/"))
    for part in ("Certificates", "1 open", "0 under way", "nothing waits for you"):
        assert part in shown


def test_nothing_is_inline(east: Firm, west: Firm) -> None:
    sent = sold(east, west)
    for address in ("/admin/", page("portfolio"), page("waiting"), page("life"), page("transfer"), page("command_change", sent)):
        found = client(east).get(address).content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*(src=|application/json))", found), address
