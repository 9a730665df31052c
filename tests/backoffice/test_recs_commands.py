"""Commands given in the back office: shown before, done once, refused in words, seen by the right people."""

from __future__ import annotations

import threading
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections

from recs import ledger
from recs.models import Account, CashAccount, Command, Holding, Policy
from recs.types import Purpose
from tests.backoffice.ledger import PURPOSE, client, confirming, given, page, staffed, text
from tests.backoffice.people import confirmed, selected
from tests.recs.world import Firm, batch, held, issued, key, proved, status

pytestmark = pytest.mark.django_db
WHICH = {
    "quantity": "",
    "registry": "",
    "fuel_type": "",
    "state": "",
    "vintage_from": "",
    "vintage_to": "",
    "eligibility": "",
    "ranges": "",
}


@pytest.fixture
def east() -> Firm:
    made = staffed("east")
    issued(made)
    return made


@pytest.fixture
def west() -> Firm:
    return staffed("west")


@pytest.fixture
def careful() -> Firm:
    """Every deed needs a second person."""
    made = staffed("careful")
    issued(made)
    Policy.objects.filter(organisation=made.organisation).update(four_eyes=[action.value for action in Policy.Action])
    return made


def newest() -> Command:
    return Command.objects.filter(root=None).latest("id")


def move(firm: Firm, **fields: Any) -> dict[str, Any]:
    return WHICH | {"account": firm.main.pk} | fields


def errors(answer: Any) -> dict[str, str]:
    return {name: " ".join(told) for name, told in answer.context["form"].errors.items()}


# --- giving them ----------------------------------------------------------------------------------


def test_a_transfer_is_shown_then_done(east: Firm) -> None:
    other = east.account("other")
    fields = move(east, to_account=other.pk, quantity="300", fuel_type="Wind", vintage_from="2024-01", vintage_to="2024-12")
    shown = client(east).post(page("transfer"), fields | {"_show": "1"})
    for part in ("300 certificates go from main to other.", "With that it is done.", "self-approved", "PW-2024-03 1-300"):
        assert part in text(shown)
    assert (held(other), Command.objects.filter(kind="transfer").count()) == (0, 0)
    answer = given(client(east), page("transfer"), "rebalanced", **fields)
    done = newest()
    assert (answer.status_code, held(other), held(east.main)) == (302, 300, 700)
    assert (done.kind, done.reason, done.made_by, bool(done.request_id)) == ("transfer", "rebalanced", east.trader, True)
    proved()


def test_an_offer_to_another_organisation_by_its_accounts_number(east: Firm, west: Firm) -> None:
    given(client(east), page("transfer"), **move(east, to_number=west.main.pk, quantity="10", price_usd="0.00"))
    assert (status(newest().pk), held(east.main, 2)) == ("pending", 10)
    told = text(client(west).get(page("waiting")))
    assert "10 certificates go from account" in told
    assert f'href="{page("command_accept", newest().pk)}"' in told


def test_serials_are_named(east: Firm) -> None:
    number = Holding.objects.get().batch_id
    other = east.account("other")
    given(client(east), page("transfer"), **move(east, to_account=other.pk, ranges=f"{number}: 11-20\n{number}:100"))
    assert held(other) == 11


def test_a_retirement_has_a_purpose(east: Firm) -> None:
    given(client(east, "compliance_officer"), page("retire"), "Green tariff", **move(east, quantity="5"), **PURPOSE)
    purpose = newest().retirement
    assert (held(east.main, 9), purpose.beneficiary, purpose.reason) == (5, "Prairie Wind LLC", "Green tariff")
    proved()


def test_reserve_and_release(east: Firm) -> None:
    given(client(east), page("reserve"), **move(east, quantity="5"))
    assert (held(east.main, 2), newest().awaiting) == (5, ["release"])
    assert confirmed(client(east), page("command_release", newest().pk)).status_code == 302
    assert held(east.main, 2) == 0
    assert "5 certificates in main were kept apart." in text(client(east).get(page("command_change", newest().pk)))


def test_an_export_is_instructed_confirmed_and_imported(east: Firm) -> None:
    given(client(east), page("export"), **move(east, quantity="100", registry="mrets", to_registry="nar"))
    export = newest()
    assert status(export.pk) == "instructed"
    sheet = client(east).get(page("command_instruction", export.pk))
    assert "100 certificates" in text(sheet)
    assert b"PW-2024-03" in client(east).get(page("command_rows", export.pk)).content
    told = {"reference": "X-1", "reference_date": "2024-05-01"}
    assert given(client(east, "compliance_officer"), page("command_confirm", export.pk), "as told", **told).status_code == 302
    step = export.steps.get()
    assert (step.kind, step.reference, step.reference_date, status(export.pk)) == ("confirm", "X-1", date(2024, 5, 1), "completed")
    assert f"{page('batch_add')}?export={export.pk}&amp;registry=nar" in text(client(east).get(page("command_change", export.pk)))


def test_issue_of_a_batch(careful: Firm) -> None:
    made = batch(careful, base="new", first=1, last=10)
    link = f'href="{page("issue")}?batch={made.pk}"'
    assert link in text(client(careful).get(page("batch_change", made.pk)))
    given(client(careful), page("issue"), batch=made.pk, kind="issue", account=careful.main.pk, first="", last="")
    assert (status(newest().pk), newest().quantity) == ("pending", 10)


def test_receive_from_outside(east: Firm) -> None:
    world = Account.objects.get(kind="world", registry="mrets", sandbox=False)
    given(client(east), page("transfer"), **move(east, to_account=world.pk, quantity="10"))
    number = Holding.objects.first().batch_id
    given(client(east), page("receive"), account=world.pk, to_account=east.main.pk, ranges=f"{number}: 1-10", price_usd="")
    assert held(east.main) == 1000


def test_credit_and_payment(east: Firm, west: Firm) -> None:
    shared = {"organisation": east.organisation.pk, "counterparty": "west"}
    given(client(east), page("credit"), **shared, limit_usd="100")
    given(client(east), page("transfer"), **move(east, to_number=west.main.pk, quantity="10", price_usd="60"))
    assert given(client(west), page("command_accept", newest().pk)).status_code == 302
    given(client(east), page("payment"), **shared, amount_usd="25.50", external="")
    owed = CashAccount.objects.get(organisation=east.organisation, kind="party")
    assert (owed.balance_cents, CashAccount.objects.get(organisation=west.organisation, kind="party").credit_limit_cents) == (3450, 10000)
    listed = text(client(east).get(page("cashaccount_changelist")))
    assert "34.50" in listed
    unknown = client(east).post(page("credit"), shared | {"counterparty": "nobody", "limit_usd": "1", "_show": "1"})
    assert "no organisation of this name" in errors(unknown)["counterparty"]


@pytest.mark.parametrize(
    ("kind", "fields", "field", "words"),
    [
        ("reserve", {"quantity": "1001"}, "quantity", "the account has 1000 of the 1001 certificates"),
        ("reserve", {"quantity": "0"}, "quantity", "greater than or equal to 1"),
        ("reserve", {"quantity": "1.5"}, "quantity", "whole number"),
        ("reserve", {"quantity": str(2**63)}, "quantity", "less than or equal"),
        ("reserve", {}, "quantity", "Say how many"),
        ("reserve", {"ranges": "1-10"}, "ranges", "write a range as 12: 1-100"),
        ("reserve", {"ranges": "999: 1-10"}, "ranges", "serial 1 of batch 999 is not in this account"),
        ("reserve", {"ranges": "1: 10-1"}, "ranges", "is empty"),
        ("reserve", {"ranges": "1: 1-10", "fuel_type": "wind"}, "ranges", "Serial numbers say it all"),
        ("reserve", {"quantity": "5", "vintage_from": "2024"}, "vintage_from", "Write a month"),
        ("transfer", {"quantity": "5"}, "to_account", "Choose an account"),
        ("transfer", {"quantity": "5", "to_number": "999999"}, "to_account", "nothing of this number"),
        ("transfer", {"quantity": "5", "to_number": "1", "price_usd": "1.999"}, "price_usd", "2 decimal"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(east: Firm, kind: str, fields: dict[str, str], field: str, words: str) -> None:
    answer = client(east).post(page(kind), move(east) | fields | {"_show": "1"})
    assert list(errors(answer)) == [field]
    assert words in errors(answer)[field]
    assert (held(east.main), Command.objects.filter(kind=kind).count()) == (1000, 0)


def test_only_accounts_of_ones_own_are_choices(east: Firm, west: Firm) -> None:
    answer = client(east).post(page("reserve"), move(east) | {"account": west.main.pk, "quantity": "1", "_show": "1"})
    assert list(errors(answer)) == ["account"]


def test_only_what_was_shown_is_done(east: Firm) -> None:
    shown = client(east).post(page("reserve"), move(east, quantity="5") | {"_show": "1"})
    answer = client(east).post(page("reserve"), confirming(shown, **move(east, quantity="6")))
    assert "not what you were shown before" in text(answer)
    assert held(east.main, 2) == 0


def test_a_reason_is_required(east: Firm) -> None:
    shown = client(east).post(page("reserve"), move(east, quantity="5") | {"_show": "1"})
    answer = client(east).post(page("reserve"), confirming(shown, " ", **move(east, quantity="5")))
    assert list(errors(answer)) == ["reason"]
    assert held(east.main, 2) == 0


# --- once -----------------------------------------------------------------------------------------


def test_a_page_that_is_sent_twice_does_it_once(east: Firm) -> None:
    shown = client(east).post(page("reserve"), move(east, quantity="5") | {"_show": "1"})
    sent = confirming(shown, **move(east, quantity="5"))
    first, second = client(east).post(page("reserve"), sent), client(east).post(page("reserve"), sent)
    assert (first.status_code, second.status_code) == (302, 302)
    assert (held(east.main, 2), Command.objects.filter(kind="reserve").count()) == (5, 1)


def test_a_page_that_was_sent_is_not_sent_with_something_else(east: Firm) -> None:
    shown = client(east).post(page("reserve"), move(east, quantity="5") | {"_show": "1"})
    sent = confirming(shown, **move(east, quantity="5"))
    client(east).post(page("reserve"), sent)
    again = client(east).post(page("reserve"), sent | {"reason": "another"})
    assert "this key was used for another command" in text(again)
    assert Command.objects.filter(kind="reserve").count() == 1


def test_an_approval_that_is_sent_twice_is_given_once(careful: Firm) -> None:
    asked = ledger.reserve(key=key(), by=careful.trader, account=careful.main.pk, quantity=5)
    address = page("command_release", asked)
    sent = confirming(client(careful).get(address))
    assert [client(careful).post(address, sent).status_code for _ in range(2)] == [302, 302]
    assert Command.objects.filter(root=asked).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_double_click_does_it_once() -> None:
    """Both requests are under way at the same moment."""
    east = staffed("east")
    issued(east)
    shown = client(east).post(page("reserve"), move(east, quantity="5") | {"_show": "1"})
    sent, answers = confirming(shown, **move(east, quantity="5")), []

    def click() -> None:
        try:
            answers.append(client(east).post(page("reserve"), sent).status_code)
        finally:
            connections.close_all()

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    assert answers == [302, 302]
    assert (held(east.main, 2), Command.objects.filter(kind="reserve").count()) == (5, 1)


# --- a second person ------------------------------------------------------------------------------


@pytest.fixture
def waiting(careful: Firm) -> int:
    other = careful.account("other")
    return ledger.transfer(key=key(), by=careful.trader, from_account=careful.main.pk, to_account=other.pk, quantity=5)


def test_whoever_asked_does_not_approve(careful: Firm, waiting: int) -> None:
    shown = client(careful).get(page("command_approve", waiting))
    assert "this needs a second person: you asked for it yourself" in text(shown)
    forced = {"_confirm": "1", "_shown": shown.context["shown"], "reason": "r"}
    assert "this needs a second person" in text(client(careful).post(page("command_approve", waiting), forced))
    assert status(waiting) == "pending"
    assert page("command_approve", waiting) not in text(client(careful).get(page("command_change", waiting)))


def test_a_second_person_approves(careful: Firm, waiting: int) -> None:
    second = client(careful, "compliance_officer")
    shown = second.get(page("command_approve", waiting))
    assert "5 certificates go from main to other. With that it is done." in text(shown).replace("</p><p>", " ")
    assert confirmed(second, page("command_approve", waiting), "seen").status_code == 302
    step = Command.objects.get(root=waiting)
    assert (status(waiting), step.made_by, step.reason) == ("completed", careful.officer, "seen")


@pytest.mark.parametrize(("deed", "role", "left"), [("reject", "compliance_officer", "rejected"), ("cancel", "trader", "cancelled")])
def test_it_goes_back(careful: Firm, waiting: int, deed: str, role: str, left: str) -> None:
    assert confirmed(client(careful, role), page(f"command_{deed}", waiting)).status_code == 302
    assert (status(waiting), held(careful.main)) == (left, 1000)
    again = text(client(careful, role).get(page(f"command_{deed}", waiting)))
    assert "awaits nothing any more" in again


def test_several_are_approved_at_once_or_none(careful: Firm, waiting: int) -> None:
    other = Account.objects.get(name="other")
    second = ledger.transfer(key=key(), by=careful.officer, from_account=careful.main.pk, to_account=other.pk, quantity=6)
    rows = Command.objects.filter(pk__in=[waiting, second])
    address = page("command_changelist")
    refused = text(client(careful).post(address, selected("approve", *rows)))
    assert "this needs a second person" in refused
    answer = confirmed(client(careful, "administrator"), address, "the day's", **selected("approve", *rows))
    assert (answer.status_code, status(waiting), status(second), held(other)) == (302, "completed", "completed", 11)


def test_a_viewer_is_offered_nothing(careful: Firm, waiting: int) -> None:
    viewer = client(careful, "viewer")
    for name in ("transfer", "retire", "reserve", "export", "issue", "receive", "payment", "credit"):
        assert viewer.get(page(name)).status_code == 403
    assert "approve" not in viewer.get(page("command_changelist")).context["cl"].model_admin.get_actions(viewer.get("/admin/").wsgi_request)
    assert page("command_approve", waiting) not in text(viewer.get(page("waiting")))
    assert "a viewer may not transfer" in text(viewer.get(page("command_approve", waiting)))


def test_a_trader_retires_nothing(east: Firm) -> None:
    assert client(east).get(page("retire")).status_code == 403
    asked = text(client(east).get(f"{page('portfolio')}?account={east.main.pk}"))
    assert (page("transfer") in asked, page("retire") in asked) == (True, False)


# --- offers, confirmations, reversals --------------------------------------------------------------


@pytest.fixture
def offer(east: Firm, west: Firm) -> int:
    return ledger.transfer(key=key(), by=east.trader, from_account=east.main.pk, to_account=west.main.pk, quantity=10, reason="as agreed")


def test_an_offer_is_accepted(west: Firm, offer: int) -> None:
    assert confirmed(client(west), page("command_accept", offer), "thanks").status_code == 302
    assert (status(offer), held(west.main)) == ("completed", 10)


def test_an_offer_beyond_the_credit_is_refused_in_words(east: Firm, west: Firm) -> None:
    dear = ledger.transfer(
        key=key(), by=east.trader, from_account=east.main.pk, to_account=west.main.pk, quantity=10, price_usd=Decimal("5.00")
    )
    assert "owe more than the seller" in text(client(west).get(page("command_accept", dear)))
    assert status(dear) == "pending"


def test_whoever_offers_does_not_accept(east: Firm, offer: int) -> None:
    assert "nothing of this number that you may use" in text(client(east).get(page("command_accept", offer)))


def test_a_third_organisation_finds_nothing(offer: int) -> None:
    third = client(staffed("third"))
    for address in (page("command_change", offer), page("command_accept", offer), page("command_instruction", offer)):
        assert third.get(address).status_code == 404
    assert not third.get(page("command_changelist")).context["cl"].result_list.count()


def test_the_other_side_is_not_told_who_asked(west: Firm, offer: int) -> None:
    told = text(client(west).get(page("command_change", offer)))
    assert "10 certificates go from account" in told
    for hidden in ("east-trader", ">main</dd>", str(Command.objects.get(pk=offer).key)):
        assert hidden not in told


def test_it_is_reversed_by_whoever_received_it(west: Firm, east: Firm, offer: int) -> None:
    ledger.accept(key=key(), by=west.trader, command=offer)
    assert confirmed(client(west), page("command_reverse", offer), "wrong vintage").status_code == 302
    back = newest().pk
    assert (status(offer), status(back)) == ("completed", "pending")
    ledger.accept(key=key(), by=east.trader, command=back)
    assert (status(offer), held(east.main)) == ("reversed", 1000)
    told = text(client(west).get(page("command_change", offer)))
    assert f"command {back}" in told


def test_a_registrys_refusal(careful: Firm) -> None:
    mirror = careful.account("mirror", registry_id="mrets", registry_account="4711")
    Policy.objects.filter(organisation=careful.organisation).update(four_eyes=["confirm"])
    ledger.transfer(key=key(), by=careful.trader, from_account=careful.main.pk, to_account=mirror.pk, quantity=50)
    asked = ledger.transfer(key=key(), by=careful.trader, from_account=mirror.pk, to_account=careful.main.pk, quantity=20)
    assert status(asked) == "instructed"
    fields = {"reference": "X-9", "reference_date": "2024-05-01"}
    mine = client(careful).post(page("command_confirm", asked), fields | {"_show": "1"})
    assert "this needs a second person" in text(mine)
    given(client(careful, "compliance_officer"), page("command_refuse", asked), "their mistake", reference="")
    assert (status(asked), held(mirror)) == ("rejected", 50)


def test_a_confirmation_needs_number_and_date(careful: Firm) -> None:
    Policy.objects.filter(organisation=careful.organisation).update(four_eyes=[])
    of = ledger.Criteria(registry="mrets")
    asked = ledger.export(key=key(), by=careful.trader, account=careful.main.pk, to_registry="nar", quantity=5, criteria=of)
    answer = client(careful).post(page("command_confirm", asked), {"reference": "", "reference_date": "", "_show": "1"})
    assert sorted(errors(answer)) == ["reference", "reference_date"]


def test_a_step_leads_to_its_command(west: Firm, offer: int) -> None:
    ledger.accept(key=key(), by=west.trader, command=offer)
    step = Command.objects.get(root=offer)
    assert client(west).get(page("command_change", step.pk))["Location"] == page("command_change", offer)


def test_the_entries_of_a_step_are_linked_to(west: Firm, offer: int) -> None:
    ledger.accept(key=key(), by=west.trader, command=offer)
    step = Command.objects.get(root=offer)
    address = f"{page('entry_changelist')}?command__id__exact={step.pk}"
    assert f'href="{address}"' in text(client(west).get(page("command_change", offer)))
    assert [row.command_id for row in client(west).get(address).context["cl"].result_list] == [step.pk]


def test_a_retired_one_shows_its_purpose(east: Firm) -> None:
    purpose = Purpose(beneficiary="Town of Ames", reason="tariff", programme="IA RPS", state="IA", compliance_year=2024, tier="1")
    done = ledger.retire(key=key(), by=east.officer, account=east.main.pk, quantity=5, purpose=purpose)
    told = text(client(east).get(page("command_change", done)))
    assert "Town of Ames, for IA RPS (IA) 2024, tier 1: tariff" in told
