"""Accounts, generators, batches, policies: who edits them, why, and what the database had to say."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from energyopti.organisations.models import User
from recs import ledger
from recs.models import Account, Batch, Eligibility, GenerationRead, Generator, Policy, Registration
from tests.backoffice.ledger import client, page, staffed, text
from tests.backoffice.people import confirmed, office
from tests.recs.world import Firm, batch, generator, issued, key, proved

pytestmark = pytest.mark.django_db


@pytest.fixture
def east() -> Firm:
    return staffed("east")


@pytest.fixture
def west() -> Firm:
    return staffed("west")


def errors(answer: Any) -> dict[str, list[str]]:
    assert answer.status_code == 200
    form = answer.context["adminform"].form
    return {name: list(map(str, told)) for name, told in form.errors.items()}


def latest(row: Any) -> tuple[str, str, bool]:
    """Who, why, and whether the request is known."""
    told = row.history.latest()
    return told.history_user.username, told.history_change_reason, bool(told.request_id)


# --- accounts -------------------------------------------------------------------------------------

ACCOUNT = {"name": "second", "kind": "active", "registry": "", "registry_account": "", "reason": "for the new plant"}


def test_an_account_is_opened_with_a_reason(east: Firm) -> None:
    answer = client(east).post(page("account_add"), ACCOUNT | {"organisation": east.organisation.pk})
    made = Account.objects.get(name="second")
    assert (answer.status_code, made.organisation, made.kind, made.sandbox) == (302, east.organisation, "active", False)
    assert latest(made) == ("east-trader", "for the new plant", True)


def test_a_reason_is_required(east: Firm) -> None:
    answer = client(east).post(page("account_add"), ACCOUNT | {"organisation": east.organisation.pk, "reason": " "})
    assert list(errors(answer)) == ["reason"]
    assert Account.objects.filter(organisation=east.organisation).count() == 1


def test_what_the_database_refuses_is_said_in_the_form(east: Firm) -> None:
    answer = client(east).post(page("account_add"), ACCOUNT | {"organisation": east.organisation.pk, "name": "main"})
    assert "there is one like it already" in str(errors(answer))
    assert Account.objects.filter(organisation=east.organisation).count() == 1


def test_a_mirror_names_its_registry(east: Firm) -> None:
    answer = client(east).post(page("account_add"), ACCOUNT | {"organisation": east.organisation.pk, "registry_account": "4711"})
    assert list(errors(answer)) == ["registry"]


def test_nobody_opens_an_account_for_another_organisation(east: Firm, west: Firm) -> None:
    answer = client(east).post(page("account_add"), ACCOUNT | {"organisation": west.organisation.pk})
    assert list(errors(answer)) == ["organisation"]


def test_the_world_is_no_kind_to_choose(east: Firm) -> None:
    answer = client(east).post(page("account_add"), ACCOUNT | {"organisation": east.organisation.pk, "kind": "world"})
    assert list(errors(answer)) == ["kind"]


def test_of_an_account_the_name_alone_is_changed(east: Firm, west: Firm) -> None:
    fields = {"name": "renamed", "reason": "a clearer name", "kind": "reserve", "organisation": west.organisation.pk}
    answer = client(east).post(page("account_change", east.main.pk), fields)
    east.main.refresh_from_db()
    assert (answer.status_code, east.main.name, east.main.kind, east.main.organisation) == (302, "renamed", "active", east.organisation)
    assert latest(east.main) == ("east-trader", "a clearer name", True)


def test_an_empty_account_is_closed_with_a_reason(east: Firm) -> None:
    other = east.account("other")
    answer = confirmed(client(east), page("account_close", other.pk), "not needed any more")
    other.refresh_from_db()
    assert (answer.status_code, other.closed_at is not None) == (302, True)
    assert latest(other)[:2] == ("east-trader", "not needed any more")
    assert client(east).post(page("account_change", other.pk), {"name": "again", "reason": "r"}).status_code == 403


def test_an_account_that_holds_certificates_stays_open(east: Firm) -> None:
    issued(east)
    shown = client(east).get(page("account_close", east.main.pk))
    assert "still holds 1,000 certificates" in text(shown)
    client(east).post(page("account_close", east.main.pk), {"_confirm": "1", "_shown": shown.context["shown"], "reason": "r"})
    east.main.refresh_from_db()
    assert east.main.closed_at is None


def test_the_page_of_an_account_says_what_lies_there(east: Firm) -> None:
    issued(east)
    ledger.reserve(key=key(), by=east.trader, account=east.main.pk, quantity=7)
    assert client(east).get(page("account_change", east.main.pk)).context["figures"] == [
        *[("active", 993), ("held", 7), ("retired", 0)],
        ("ranges", 2),
    ]


# --- generators -----------------------------------------------------------------------------------


def plant(**fields: Any) -> dict[str, Any]:
    """The form of a generator; `registrations=[{...}]` and the like are rows below it."""
    told: dict[str, Any] = {"name": "Prairie Wind", "fuel": "wind", "technology": "", "state": "ia", "capacity_mw": "100", "reason": "r"}
    for prefix in ("registrations", "eligibilities", "reads"):
        rows = fields.pop(prefix, [])
        old = sum("id" in row for row in rows)
        told |= {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": old}
        told |= {f"{prefix}-{place}-{name}": value for place, row in enumerate(rows) for name, value in row.items()}
    return told | fields


READ = {"first_day": "2024-03-01", "last_day": "2024-03-31", "generation_mwh": "999.5"}


def test_a_generator_comes_with_its_names_and_certifications(east: Firm) -> None:
    rows = {
        "registrations": [{"registry": "mrets", "unit_id": "M53"}],
        "eligibilities": [{"programme": "NJ Class I", "first_day": "2020-01-01", "last_day": "", "certification": "NJ-1"}],
        "reads": [READ],
    }
    answer = client(east).post(page("generator_add"), plant(organisation=east.organisation.pk, reason="built", **rows))
    made = Generator.objects.get()
    assert (answer.status_code, made.state, made.sandbox) == (302, "IA", False)
    registration, eligibility, read = Registration.objects.get(), Eligibility.objects.get(), GenerationRead.objects.get()
    assert (registration.unit_id, registration.sandbox) == ("M53", False)
    assert (eligibility.valid.lower, eligibility.valid.upper) == (date(2020, 1, 1), None)
    assert (read.days.lower, read.days.upper) == (date(2024, 3, 1), date(2024, 4, 1))
    assert {latest(row) for row in (made, registration, eligibility, read)} == {("east-trader", "built", True)}


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"fuel": "Wind Power"}, "fuel"), ({"state": "Iowa"}, "state"), ({"capacity_mw": "0"}, "capacity_mw"), ({"name": " "}, "name")],
)
def test_what_a_generator_cannot_be_is_said_at_its_field(east: Firm, fields: dict[str, str], field: str) -> None:
    answer = client(east).post(page("generator_add"), plant(organisation=east.organisation.pk, **fields))
    assert list(errors(answer)) == [field]
    assert not Generator.objects.exists()


def test_days_are_metered_once(east: Firm) -> None:
    made = generator(east)
    first = client(east).post(page("generator_change", made.pk), plant(reads=[READ]))
    old = {"id": GenerationRead.objects.get().pk, "generator": made.pk}
    again = client(east).post(page("generator_change", made.pk), plant(reads=[READ | old, READ | {"first_day": "2024-03-31"}]))
    assert (first.status_code, "generation of these days is recorded already" in str(errors(again))) == (302, True)
    assert GenerationRead.objects.count() == 1


def test_a_row_below_is_changed_and_removed_with_the_reason(east: Firm) -> None:
    made = generator(east)
    client(east).post(page("generator_change", made.pk), plant(registrations=[{"registry": "mrets", "unit_id": "M53"}]))
    unit = Registration.objects.get()
    fields = plant(reason="another plant's", registrations=[{"id": unit.pk, "registry": "mrets", "unit_id": "M53", "DELETE": "on"}])
    assert client(east).post(page("generator_change", made.pk), fields).status_code == 302
    gone = Registration.history.latest()
    assert (Registration.objects.count(), gone.history_type, gone.history_change_reason) == (0, "-", "another plant's")


def test_metered_generation_is_not_removed(east: Firm) -> None:
    made = generator(east)
    client(east).post(page("generator_change", made.pk), plant(reads=[READ]))
    row = READ | {"id": GenerationRead.objects.get().pk, "generator": made.pk, "DELETE": "on"}
    client(east).post(page("generator_change", made.pk), plant(reads=[row]))
    assert GenerationRead.objects.count() == 1


# --- batches --------------------------------------------------------------------------------------


def issue_of(plant: Generator, **fields: Any) -> dict[str, Any]:
    told = {"organisation": plant.organisation_id, "generator": plant.pk, "registry": "mrets", "serial_base": "PW-2024-03"}
    told |= {"serial_start": "1", "serial_end": "100", "registry_text": "PW-2024-03 1 to 100", "vintage": "2024-03", "reason": "as issued"}
    return told | fields


def test_a_batch_is_recorded_and_then_only_looked_at(east: Firm) -> None:
    answer = client(east).post(page("batch_add"), issue_of(generator(east)))
    made = Batch.objects.get()
    assert (answer.status_code, made.serials.lower, made.serials.upper, made.vintage) == (302, 1, 101, date(2024, 3, 1))
    assert (made.fuel, made.state, latest(made)) == ("wind", "IA", ("east-trader", "as issued", True))
    assert client(east).post(page("batch_change", made.pk), issue_of(made.generator, serial_end="99")).status_code == 403
    shown = client(east).get(page("batch_change", made.pk))
    assert "PW-2024-03 1 to 100" in text(shown)


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"serial_start": "50"}, "serial_start", "serial numbers of this base are in another batch already"),
        ({"serial_start": "101", "serial_end": "200", "registry": "nar"}, "vintage", "month is issued in another registry"),
        ({"serial_start": "101", "serial_end": "200", "vintage": "2199-01"}, "vintage", "lies in the future"),
        ({"serial_start": "101", "serial_end": "100"}, "serial_end", "before the first"),
        ({"serial_start": "1.5"}, "serial_start", "whole number"),
        ({"serial_end": str(2**63)}, "serial_end", "less than or equal"),
        ({"vintage": "March"}, "vintage", "Write a month as 2024-03"),
        ({"registry": "caiso"}, "registry", "valid choice"),
        ({"export": "999"}, "export", "no export of this number"),
        ({"variance_of": "999"}, "variance_of", "no batch of this number"),
    ],
)
def test_what_a_batch_cannot_be_is_said_at_its_field(east: Firm, fields: dict[str, str], field: str, words: str) -> None:
    there = batch(east)
    answer = client(east).post(page("batch_add"), issue_of(there.generator, **fields))
    assert list(errors(answer)) == [field]
    assert words in str(errors(answer)[field])
    assert Batch.objects.count() == 1


def test_a_batch_recorded_by_mistake_is_removed_with_a_reason(east: Firm) -> None:
    made, kept = batch(east), issued(east, base="kept", vintage=date(2024, 4, 1))
    answer = confirmed(client(east), page("batch_remove", made.pk), "two digits were swapped")
    gone = Batch.history.latest()
    assert (answer.status_code, Batch.objects.get().pk, gone.history_type, gone.history_change_reason) == (
        *(302, kept.pk),
        *("-", "two digits were swapped"),
    )
    assert "it stays" in text(client(east).get(page("batch_remove", kept.pk)))
    assert page("batch_remove", kept.pk) not in text(client(east).get(page("batch_change", kept.pk)))
    assert client(east, "viewer").get(page("batch_remove", kept.pk)).status_code == 403


def test_a_batch_whose_issue_was_undone_is_void(east: Firm) -> None:
    slip = issued(east, base="slip")
    made = slip.entries.get().command_id
    ledger.reverse(key=key(), by=east.trader, command=made)
    proved()
    assert "Void" in text(client(east).get(page("batch_change", slip.pk)))
    assert confirmed(client(east), page("batch_remove", slip.pk), "the wrong month").status_code == 302
    slip.refresh_from_db()
    assert slip.voided_at
    assert "slip 1-1000 (void)" in text(client(east).get(page("batch_changelist")))
    assert "void already" in text(client(east).get(page("batch_remove", slip.pk)))


def test_a_generator_of_another_organisation_is_no_choice(east: Firm, west: Firm) -> None:
    theirs = generator(west, "Western")
    answer = client(east).post(page("batch_add"), issue_of(theirs, organisation=east.organisation.pk))
    assert list(errors(answer)) == ["generator"]


# --- policies and registries ----------------------------------------------------------------------


def test_only_an_administrator_says_what_needs_a_second_person(east: Firm) -> None:
    address, fields = (
        page("policy_change", east.organisation.pk),
        {"four_eyes": ["retire", "transfer"], "offer_days": "7", "reason": "audit"},
    )
    assert client(east, "trader").post(address, fields).status_code == 403
    assert client(east, "administrator").post(address, fields).status_code == 302
    policy = Policy.objects.get(organisation=east.organisation)
    assert (policy.four_eyes, policy.offer_days) == (["retire", "transfer"], 7)
    assert latest(policy) == ("east-administrator", "audit", True)
    assert list(errors(client(east, "administrator").post(address, fields | {"offer_days": "0"}))) == ["offer_days"]


def test_an_organisation_has_one_policy(east: Firm) -> None:
    fields = {"organisation": east.organisation.pk, "four_eyes": [], "offer_days": "7", "reason": "r"}
    assert list(errors(client(east, "administrator").post(page("policy_add"), fields))) == ["organisation"]
    Policy.objects.filter(organisation=east.organisation).delete()
    assert client(east, "administrator").post(page("policy_add"), fields).status_code == 302
    assert Policy.objects.get(organisation=east.organisation).four_eyes == []


def test_nobody_edits_a_registry(east: Firm) -> None:
    boss = office(User.objects.create_superuser("root"))
    assert (boss.get(page("registry_add")).status_code, boss.post(page("registry_change", "mrets"), {"name": "x"}).status_code) == (
        403,
        403,
    )
    assert client(east, "viewer").get(page("registry_changelist")).status_code == 200


# --- who ------------------------------------------------------------------------------------------

RECORDS = ("account", "generator", "batch", "policy")


def records(firm: Firm) -> dict[str, int]:
    """One of each."""
    made = Batch.objects.get()
    return {"account": firm.main.pk, "generator": made.generator_id, "batch": made.pk, "policy": firm.organisation.pk}


@pytest.mark.parametrize("model", RECORDS)
def test_a_viewer_looks_and_adds_nothing(east: Firm, model: str) -> None:
    issued(east)
    viewer = client(east, "viewer")
    row = {
        "account": east.main.pk,
        "generator": Generator.objects.get().pk,
        "batch": Batch.objects.get().pk,
        "policy": east.organisation.pk,
    }
    assert viewer.get(page(f"{model}_add")).status_code == 403
    assert viewer.get(page(f"{model}_changelist")).status_code == 200
    shown = viewer.get(page(f"{model}_change", row[model]))
    assert (shown.status_code, 'name="_save"' in text(shown), 'name="reason"' in text(shown)) == (200, False, False)
    assert viewer.post(page(f"{model}_change", row[model]), {"name": "x", "reason": "r"}).status_code == 403


@pytest.mark.parametrize("model", RECORDS)
def test_another_organisation_sees_nothing(east: Firm, west: Firm, model: str) -> None:
    issued(east)
    row = {
        "account": east.main.pk,
        "generator": Generator.objects.get().pk,
        "batch": Batch.objects.get().pk,
        "policy": east.organisation.pk,
    }
    theirs = client(west, "administrator")
    assert row[model] not in [found.pk for found in theirs.get(page(f"{model}_changelist")).context["cl"].result_list]
    for address in (page(f"{model}_change", row[model]), page(f"{model}_history", row[model])):
        assert theirs.get(address)["Location"] == "/admin/"  # Django's way to say that there is no such row
    assert theirs.get(page("account_close", east.main.pk)).status_code == 404


def test_what_one_bought_may_be_looked_at(east: Firm, west: Firm) -> None:
    made = issued(east)
    sent = ledger.transfer(key=key(), by=east.trader, from_account=east.main.pk, to_account=west.main.pk, quantity=10)
    ledger.accept(key=key(), by=west.trader, command=sent)
    for address in (page("batch_change", made.pk), page("generator_change", made.generator_id)):
        shown = client(west).get(address)
        assert (shown.status_code, 'name="_save"' in text(shown)) == (200, False)
    assert client(west).post(page("generator_change", made.generator_id), plant()).status_code == 403


def test_what_was_written_about_it_is_its_owners(east: Firm, west: Firm) -> None:
    made = issued(east)
    client(east).post(page("generator_change", made.generator_id), plant(reads=[READ | {"generation_mwh": "4711"}]))
    sent = ledger.transfer(key=key(), by=east.trader, from_account=east.main.pk, to_account=west.main.pk, quantity=10)
    ledger.accept(key=key(), by=west.trader, command=sent)
    for model, number in (("batch", made.pk), ("generator", made.generator_id)):
        assert client(east).get(page(f"{model}_history", number)).status_code == 200
        assert client(west).get(page(f"{model}_history", number)).status_code == 403
        assert page(f"{model}_history", number) not in text(client(west).get(page(f"{model}_change", number)))
    shown = page("generator_change", made.generator_id)
    assert ("4711" in text(client(east).get(shown)), "4711" in text(client(west).get(shown))) == (True, False)


def test_staff_without_an_organisation_find_no_shelf() -> None:
    from tests.backoffice.people import staff

    nobody = office(staff("nobody"))
    assert "Certificates" not in text(nobody.get("/admin/"))
    for name in ("account_changelist", "command_changelist", "portfolio", "waiting", "life", "transfer", "pack"):
        assert nobody.get(page(name)).status_code == 403, name


# --- history --------------------------------------------------------------------------------------


def test_a_history_tells_field_by_field(east: Firm) -> None:
    made = generator(east)
    client(east).post(page("generator_change", made.pk), plant(capacity_mw="101.5", reason="the nameplate", registrations=[]))
    unit = {"registry": "mrets", "unit_id": "M5"}
    client(east).post(page("generator_change", made.pk), plant(capacity_mw="101.5", reason="M-RETS", registrations=[unit]))
    shown = client(east).get(page("generator_history", made.pk))
    newest, second, *_ = shown.context["events"]
    assert (newest.user, newest.reason, bool(newest.request_id)) == ("east-trader", "M-RETS", True)
    assert ("unit_id", None, "M5") in [(one.field, one.old, one.new) for one in newest.changes]
    assert [(one.field, one.old, one.new) for one in second.changes] == [("capacity_mw", "100.000", "101.500")]
    assert second.reason == "the nameplate"
    assert page("generator_history", made.pk) in text(client(east).get(page("generator_change", made.pk)))
