"""What waits for whom on the portfolio page, and one command as a receipt."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
from django.test import Client

from energyopti.organisations.models import User
from recs import ledger
from recs.models import Command, Policy
from recs.types import Criteria, Purpose, SerialRange
from tests.recs.test_pages import cells, shown, text
from tests.recs.world import Firm, firm, generator, issued, key

pytestmark = pytest.mark.django_db


@pytest.fixture
def east() -> Firm:
    made = firm("east")
    issued(made, base="E")
    return made


@pytest.fixture
def west(east: Firm) -> Firm:
    made = firm("west", four_eyes=("transfer", "retire"))
    issued(made, of=generator(made, "Mesa Solar", fuel="solar", state="CA"), registry="wregis", base="W")
    for creditor, debtor in ((made, east), (east, made)):
        ledger.grant_credit(
            key=key(), by=creditor.trader, creditor=creditor.organisation.pk, debtor=debtor.organisation.pk, limit_usd=Decimal(10_000)
        )
    return made


def offer(seller: Firm, buyer: Firm, **more: object) -> int:
    return ledger.transfer(
        key=key(), by=seller.trader, from_account=seller.main.pk, to_account=buyer.main.pk, reason="a sale", **({"quantity": 10} | more)
    )


def waiting(client: Client, person: User) -> list[list[str]]:
    """Rows: number, what, certificates, way, price, waits for, what to do."""
    client.force_login(person)
    return [[*row[:6], row[8]] for row in cells(shown(client), "waiting")[1:]]


def receipt(client: Client, person: User, command: int, status: int = 200) -> str:
    client.force_login(person)
    answer = client.get(f"/recs/commands/{command}/")
    assert answer.status_code == status
    return answer.content.decode()


# --- what waits ------------------------------------------------------------------------------------------


def test_nothing_waits(client: Client, east: Firm) -> None:
    client.force_login(east.trader)
    assert 'id="waiting"' not in shown(client)


def test_an_offer_waits_for_the_receiver(client: Client, east: Firm, west: Firm) -> None:
    sent = offer(east, west, price_usd=Decimal("350.00"))
    told, at = [str(sent), "Transfer self-approved", "10"], f"/api/v1/rec/transfers/{sent}"
    assert waiting(client, west.trader) == [[*told, "East → main", "350.00", "West", f"POST {at}/accept POST {at}/reject"]]
    assert waiting(client, east.trader) == [[*told, "main → West", "350.00", "West", f"POST {at}/cancel"]]


def test_a_viewer_looks_on(client: Client, east: Firm, west: Firm) -> None:
    offer(east, west)
    assert waiting(client, west.people["viewer"])[0][-1] == "Not for a viewer"
    assert waiting(client, east.people["viewer"])[0][-1] == "–"


def test_a_second_person_is_another_one(client: Client, east: Firm, west: Firm) -> None:
    sent = offer(west, east)
    asked = [str(sent), "Transfer", "10", "main → East", "–", "a second person of West"]
    assert waiting(client, west.trader) == [[*asked, "You asked for it: a second person answers"]]
    at = f"/api/v1/rec/transfers/{sent}"
    assert waiting(client, west.officer) == [[*asked, f"POST {at}/approve POST {at}/reject"]]


def test_a_trader_does_not_approve_a_retirement(client: Client, west: Firm) -> None:
    purpose = Purpose(beneficiary="A bakery", reason="Its claim")
    asked = ledger.retire(key=key(), by=west.officer, account=west.main.pk, quantity=5, purpose=purpose)
    at = f"/api/v1/rec/transfers/{asked}"
    assert waiting(client, west.trader)[0][-1] == "Not for a trader"
    assert waiting(client, west.administrator)[0][-1] == f"POST {at}/approve POST {at}/reject"


def test_what_the_registry_has_to_confirm_and_what_is_reserved(client: Client, east: Firm) -> None:
    mirror = east.account("at M-RETS", registry_id="mrets", registry_account="1")
    ledger.transfer(key=key(), by=east.trader, from_account=east.main.pk, to_account=mirror.pk, quantity=100)
    kept = ledger.reserve(key=key(), by=east.trader, account=east.main.pk, quantity=7)
    out = ledger.transfer(key=key(), by=east.trader, from_account=mirror.pk, to_account=east.main.pk, quantity=3)
    at, then = f"/api/v1/rec/transfers/{out}", f"/api/v1/rec/reserves/{kept}/release"
    asked = [str(out), "Transfer self-approved", "3", "at M-RETS → main", "–"]
    assert waiting(client, east.officer) == [
        [*asked, "the registry's confirmation", f"POST {at}/confirm POST {at}/refuse"],
        [str(kept), "Reserve", "7", "main", "–", "its release: reserved", f"POST {then}"],
    ]
    page = shown(client)
    assert "1 for East" in page


def test_what_the_organisation_has_to_answer_comes_first(client: Client, east: Firm, west: Firm) -> None:
    first, second = offer(east, west), offer(west, east)
    ledger.approve(key=key(), by=west.officer, command=second)
    assert [row[0] for row in waiting(client, east.trader)] == [str(second), str(first)]


def test_a_superuser_gives_no_commands(client: Client, east: Firm, west: Firm) -> None:
    offer(east, west)
    client.force_login(User.objects.create_superuser("root"))
    rows = cells(shown(client, "?owner_id=west"), "waiting")[1:]
    assert rows[0][8] == "For members of the organisation"


def test_the_latest_commands_say_how_they_ended(client: Client, east: Firm, west: Firm) -> None:
    ended = offer(east, west)
    ledger.reject(key=key(), by=west.trader, command=ended, reason="too dear")
    client.force_login(east.trader)
    row = cells(shown(client), "latest")[1]
    assert [row[0], *row[1:5], row[6], row[7]] == [
        *[str(ended), "Transfer", "rejected self-approved", "10", "main → West"],
        *["east-trader", "a sale"],
    ]


def test_money_is_told_by_who_pays_whom(client: Client, east: Firm, west: Firm) -> None:
    done = offer(east, west, price_usd=Decimal("350.00"))
    ledger.accept(key=key(), by=west.trader, command=done)
    ledger.pay(key=key(), by=east.trader, creditor=east.organisation.pk, debtor=west.organisation.pk, amount_usd=Decimal("100.00"))
    client.force_login(east.trader)
    assert [(row[1], row[4]) for row in cells(shown(client), "latest")[1:3]] == [("Payment", "West → East"), ("Transfer", "main → West")]


# --- the receipt -----------------------------------------------------------------------------------------


def test_a_receipt_tells_stages_and_certificates(client: Client, east: Firm, west: Firm) -> None:
    sent = offer(west, east, price_usd=Decimal("127.50"))
    ledger.approve(key=key(), by=west.officer, command=sent, reason="looks right")
    ledger.accept(key=key(), by=east.trader, command=sent)
    page = receipt(client, west.trader, sent)
    assert f"<h1>Transfer {sent}</h1>" in page
    assert '<span class="complete">completed</span>' in page
    steps = [[*row[1:2], row[3], row[5], row[6]] for row in cells(page, "stages")[1:]]
    assert steps == [
        ["Transfer", "west-trader", "a second person, then the receiver", "a sale"],
        ["Approve", "west-compliance-officer", "the receiver", "looks right"],
        ["Accept", "the other side", "nothing", "–"],
    ]
    assert cells(page, "ranges")[1] == ["W 1-10", "10", "WREGIS", "2024-03", "solar", "CA", "Mesa Solar"]
    assert "127.50 <small>12.75 each</small>" in page
    assert bytes(Command.objects.get(pk=sent).hash).hex() in page


def test_the_other_side_sees_no_accounts_and_no_names(client: Client, east: Firm, west: Firm) -> None:
    west.account("secret")
    sent = offer(west, east)
    receipt(client, east.trader, sent, status=404)
    assert 'aria-labelledby="waiting"' not in shown(client)
    ledger.approve(key=key(), by=west.officer, command=sent, reason="we are long")
    page = receipt(client, east.trader, sent)
    assert "West → main" in text(page)
    assert "west-trader" not in page
    assert "we are long" not in page
    assert cells(page, "ranges")[1][0] == "W 1-10"


def test_a_foreign_command_is_not_there(client: Client, east: Firm, west: Firm) -> None:
    stranger = firm("north")
    sent = offer(east, west)
    receipt(client, stranger.trader, sent, status=404)
    receipt(client, stranger.trader, sent + 1_000_000, status=404)


def test_a_step_has_no_page_of_its_own(client: Client, east: Firm, west: Firm) -> None:
    sent = offer(east, west)
    step = ledger.accept(key=key(), by=west.trader, command=sent)
    receipt(client, east.trader, step, status=404)


def test_a_retirement_says_what_for(client: Client, east: Firm) -> None:
    told = Purpose(beneficiary="A utility", reason="Its obligation", programme="NJ RPS", state="NJ", compliance_year=2025, tier="Class I")
    done = ledger.retire(key=key(), by=east.officer, account=east.main.pk, quantity=5, purpose=told)
    assert "Retired for A utility, NJ RPS 2025 (NJ, Class I): Its obligation" in text(receipt(client, east.officer, done))
    own = ledger.retire(
        key=key(), by=east.officer, account=east.main.pk, quantity=5, purpose=Purpose(beneficiary="A bakery", reason="Its claim")
    )
    assert "Retired for A bakery, voluntarily: Its claim" in text(receipt(client, east.officer, own))


def test_reversed_and_reversing_lead_to_each_other(client: Client, east: Firm, west: Firm) -> None:
    sent = offer(east, west)
    ledger.accept(key=key(), by=west.trader, command=sent)
    back = ledger.reverse(key=key(), by=west.trader, command=sent)
    ledger.accept(key=key(), by=east.trader, command=back)
    page = receipt(client, east.trader, sent)
    assert '<span class="warn">reversed</span>' in page
    assert f'It was reversed by <a href="/recs/commands/{back}/">' in page
    assert f'It reverses <a href="/recs/commands/{sent}/">' in receipt(client, west.trader, back)


def test_a_registrys_confirmation_stands_on_it(client: Client, east: Firm) -> None:
    mirror = east.account("at M-RETS", registry_id="mrets", registry_account="1")
    ledger.transfer(key=key(), by=east.trader, from_account=east.main.pk, to_account=mirror.pk, quantity=100)
    out = ledger.transfer(key=key(), by=east.trader, from_account=mirror.pk, to_account=east.main.pk, quantity=3)
    ledger.confirm(key=key(), by=east.trader, command=out, reference="MR-77", reference_date=date(2024, 5, 3))
    steps = cells(receipt(client, east.trader, out), "stages")[1:]
    assert [(row[1], row[4]) for row in steps] == [
        ("Transfer self-approved", "–"),
        ("Confirmed by the registry self-approved", "MR-77, 2024-05-03"),
    ]


def test_who_is_waited_for_by_a_registry_is_told_what_to_do_there(client: Client, east: Firm, west: Firm) -> None:
    mirror = east.account("at M-RETS", registry_id="mrets", registry_account="A-1")
    ledger.transfer(key=key(), by=east.trader, from_account=east.main.pk, to_account=mirror.pk, quantity=100)
    out = ledger.transfer(key=key(), by=east.trader, from_account=mirror.pk, to_account=west.main.pk, quantity=3)
    assert "What to do at the registry" not in receipt(client, east.trader, out)  # West has not accepted
    ledger.accept(key=key(), by=west.trader, command=out)
    page = receipt(client, east.trader, out)
    told = text(re.search(r'aria-labelledby="instruction">.*?</section>', page, re.DOTALL)[0])
    assert "M-RETS" in told
    assert "A-1" in told
    assert f"POST /api/v1/rec/transfers/{out}/confirm" in told
    assert "What to do at the registry" not in receipt(client, west.trader, out)


def test_many_ranges_are_cut_short_and_counted(client: Client, east: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    from recs.pages import receipt as receipts

    monkeypatch.setattr(receipts, "MOST_RANGES", 2)
    batch = issued(east, base="MANY", last=20)
    ranges = [SerialRange(batch.pk, first, first) for first in (1, 3, 5, 7)]
    other = east.account("other")
    done = ledger.transfer(key=key(), by=east.trader, from_account=east.main.pk, to_account=other.pk, ranges=ranges)
    page = receipt(client, east.trader, done)
    assert [row[0] for row in cells(page, "ranges")[1:]] == ["MANY 1-1", "MANY 3-3"]
    assert "2 more ranges" in page


def test_a_sandbox_command_says_so(client: Client) -> None:
    play = firm("play", sandbox=True)
    issued(play)
    number = Command.objects.get().pk
    assert "sandbox: invented certificates" in receipt(client, play.trader, number)


def test_a_policy_of_nobody_is_four_eyes(client: Client, east: Firm) -> None:
    Policy.objects.filter(organisation=east.organisation).delete()
    done = ledger.transfer(
        key=key(),
        by=east.trader,
        from_account=east.main.pk,
        to_account=east.account("other").pk,
        quantity=5,
        criteria=Criteria(fuel_type="wind"),
    )
    assert "self-approved" not in receipt(client, east.trader, done)
