"""Writes on the records that people keep: each leaves its reason in the history, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from energyopti.errors import EnergyOptiError, InvalidInput, Several
from energyopti.organisations.models import User
from recs import errors, ledger, services
from recs.exact import LARGEST_SERIAL
from recs.models import Account, Batch, Command, Eligibility, GenerationRead, Generator, Policy, Registration
from recs.types import SerialRange
from tests.recs.world import Firm, batch, firm, generator, issued, key

pytestmark = pytest.mark.django_db
MODELS = (Account, Generator, Registration, Eligibility, Batch, GenerationRead, Policy)


@pytest.fixture
def east() -> Firm:
    return firm("east")


def rows() -> list[int]:
    return [count for model in MODELS for count in (model.objects.count(), model.history.count())]


def faults_of(call: Callable[[], Any]) -> list[tuple[str, str | None]]:
    """What it refuses, and that nothing is left of it."""
    before = rows()
    with pytest.raises(EnergyOptiError) as refused:
        call()
    assert rows() == before
    found = refused.value.faults if isinstance(refused.value, Several) else (refused.value,)
    return [(fault.code, fault.field) for fault in found]


def reasons(row: Any) -> list[tuple[str, str]]:
    return [(one.history_type, one.history_change_reason) for one in row.history.order_by("history_id")]


# --- who may ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["trader", "compliance_officer", "administrator"])
def test_these_may_write(east: Firm, role: str) -> None:
    services.may_write(east.people[role], east.organisation)


def test_a_viewer_may_not_and_a_stranger_is_told_nothing(east: Firm) -> None:
    with pytest.raises(errors.RoleTooSmall):
        services.may_write(east.people["viewer"], east.organisation)
    with pytest.raises(errors.Unknown):
        services.may_write(User.objects.create(username="stranger"), east.organisation)


# --- accounts --------------------------------------------------------------------------------------------------


def test_an_account_by_another_name_of_its_registry(east: Firm) -> None:
    made = services.open_account(organisation=east.organisation, name=" GATS ", registry="PJM", registry_account=" 7 ", reason="opened")
    assert (made.name, made.kind, made.registry_id, made.registry_account, made.sandbox, made.mirrors) == (
        "GATS",
        "active",
        "gats",
        "7",
        False,
        True,
    )
    assert reasons(made) == [("+", "opened")]


def test_an_account_of_the_sandbox() -> None:
    assert services.open_account(organisation=firm("play", sandbox=True).organisation, name="a").sandbox is True


def test_renamed_and_closed_once(east: Firm) -> None:
    made = services.open_account(organisation=east.organisation, name="a", reason="opened")
    assert services.rename_account(account=made, name="b", reason="clearer").name == "b"
    closed = services.close_account(account=made, reason="over")
    again = services.close_account(account=made, reason="once more")
    assert closed.closed_at == again.closed_at is not None
    assert reasons(made) == [("+", "opened"), ("~", "clearer"), ("~", "over")]


def test_an_account_that_holds_certificates_stays_open(east: Firm) -> None:
    issued(east)
    assert faults_of(lambda: services.close_account(account=east.main, reason="x")) == [("not-empty", "closed")]
    assert Account.objects.get(pk=east.main.pk).closed_at is None


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({"name": ""}, [("invalid-input", "name")]),
        ({"name": "   "}, [("invalid-input", "name")]),
        ({"name": "x" * 121}, [("invalid-input", "name")]),
        ({"name": "main"}, [("name-taken", "name")]),
        ({"kind": "world"}, [("invalid-input", "kind")]),
        ({"kind": "vault"}, [("invalid-input", "kind")]),
        ({"registry": "atlantis"}, [("unknown-registry", "registry")]),
        ({"registry_account": "7"}, [("invalid-input", "registry")]),
        ({"registry": "nar", "registry_account": "x" * 61}, [("invalid-input", "registry_account")]),
        ({"kind": "external", "registry": "nar", "registry_account": "7"}, [("invalid-input", "registry_account")]),
        ({"reason": "x" * 101}, [("invalid-input", "reason")]),
        (
            {"name": "", "registry": "atlantis", "reason": "x" * 101},
            [("unknown-registry", "registry"), ("invalid-input", "reason"), ("invalid-input", "name")],
        ),
    ],
)
def test_what_no_account_can_be(east: Firm, given: dict[str, Any], faults: list[tuple[str, str | None]]) -> None:
    assert faults_of(lambda: services.open_account(organisation=east.organisation, **({"name": "new"} | given))) == faults


def test_an_organisation_mirrors_a_registrys_account_once(east: Firm) -> None:
    mirror = {"registry": "nar", "registry_account": "7"}
    services.open_account(organisation=east.organisation, name="a", **mirror)
    assert faults_of(lambda: services.open_account(organisation=east.organisation, name="b", **mirror)) == [
        ("name-taken", "registry_account")
    ]


def test_an_organisation_keeps_no_registrys_account_from_another(east: Firm) -> None:
    mirror = {"name": "a", "registry": "gats", "registry_account": "EAST-12345"}
    services.open_account(organisation=firm("west").organisation, **mirror)
    assert services.open_account(organisation=east.organisation, **mirror).mirrors


# --- generators ------------------------------------------------------------------------------------------------


def record(east: Firm, **given: Any) -> Generator:
    usual: dict[str, Any] = {"name": "Mesa", "fuel": "wind", "state": "ca", "capacity_mw": Decimal("1.5")}
    return services.record_generator(organisation=east.organisation, **(usual | given))


def test_a_generator_with_all_that_belongs_to_it_has_one_reason(east: Firm) -> None:
    made = record(
        east,
        registrations=[("pjm", "NON1"), ("caiso", "W1")],
        eligibilities=[("NJ", date(2024, 1, 1), date(2024, 12, 31), "c"), ("NJ", date(2025, 1, 1), None, "")],
        reason="bought",
    )
    assert (made.fuel, made.state, made.sandbox) == ("wind", "CA", False)
    assert list(Registration.objects.filter(generator=made).order_by("id").values_list("registry_id", "unit_id")) == [
        ("gats", "NON1"),
        ("wregis", "W1"),
    ]
    valid = [(one.valid.lower, one.valid.upper) for one in Eligibility.objects.filter(generator=made).order_by("id")]
    assert valid == [(date(2024, 1, 1), date(2025, 1, 1)), (date(2025, 1, 1), None)]
    written = [made, *Registration.objects.filter(generator=made), *Eligibility.objects.filter(generator=made)]
    assert [reasons(row) for row in written] == [[("+", "bought")]] * 5


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({"fuel": "wind power"}, [("invalid-input", "fuel_type")]),
        ({"fuel": ""}, [("invalid-input", "fuel_type")]),
        ({"fuel": "éolien"}, [("invalid-input", "fuel_type")]),
        ({"state": "CAL"}, [("invalid-input", "state")]),
        ({"state": "ÖÄ"}, [("invalid-input", "state")]),
        ({"capacity_mw": Decimal(0)}, [("invalid-input", "capacity_mw")]),
        ({"capacity_mw": Decimal("NaN")}, [("invalid-input", "capacity_mw")]),
        ({"capacity_mw": Decimal("1.2345")}, [("invalid-input", "capacity_mw")]),
        ({"capacity_mw": Decimal("12345678")}, [("invalid-input", "capacity_mw")]),
        ({"name": ""}, [("invalid-input", "name")]),
        ({"registrations": [("atlantis", "1")]}, [("unknown-registry", "registrations")]),
        ({"registrations": [("nar", "")]}, [("invalid-input", "registrations")]),
        ({"registrations": [("nar", "1"), ("nar", "1")]}, [("name-taken", "registrations")]),
        ({"eligibilities": [("X", date(2024, 1, 2), date(2024, 1, 1), "")]}, [("invalid-input", "eligibilities")]),
        ({"eligibilities": [("", None, None, "")]}, [("invalid-input", "eligibilities")]),
        ({"eligibilities": [("X", None, date.max, "")]}, [("invalid-input", "eligibilities")]),
        ({"eligibilities": [("X", None, None, ""), ("X", date(2024, 1, 1), None, "")]}, [("name-taken", "eligibilities")]),
        ({"state": "1", "capacity_mw": Decimal(-1)}, [("invalid-input", "capacity_mw"), ("invalid-input", "state")]),
    ],
)
def test_what_no_generator_can_be(east: Firm, given: dict[str, Any], faults: list[tuple[str, str | None]]) -> None:
    assert faults_of(lambda: record(east, **given)) == faults


def test_a_unit_of_a_registry_is_one_generator(east: Firm) -> None:
    record(east, registrations=[("gats", "NON1")])
    west = firm("west")
    for unit in ("NON1", "non1", "NON 1", " NoN\u00a0 1 "):
        assert faults_of(lambda: record(west, registrations=[("pjm", unit)])) == [("name-taken", "registrations")]  # noqa: B023 -- called at once


def test_a_unit_is_called_what_everybody_can_read(east: Firm) -> None:
    made = record(east, registrations=[("gats", " NON \t 1 ")])
    assert made.registrations.get().unit_id == "NON 1"
    assert faults_of(lambda: record(east, name="b", registrations=[("gats", "NON\u200b1")])) == [("unit-not-plain", "registrations")]


# --- batches ---------------------------------------------------------------------------------------------------


def recorded(east: Firm, **given: Any) -> Batch:
    usual: dict[str, Any] = {"registry": "pjm", "serial_base": "1771330", "serial_start": 1, "serial_end": 10, "vintage": date(2024, 3, 15)}
    of = given.pop("generator", None) or Generator.objects.filter(organisation=east.organisation).first() or generator(east)
    return services.record_batch(organisation=east.organisation, generator=of, **(usual | given))


def test_a_batch_keeps_the_registrys_own_string_letter_by_letter(east: Firm) -> None:
    made = recorded(east, registry_text=" 1771330 -  1 to 10 ", reason="March")
    assert (made.registry_id, made.serials.lower, made.serials.upper, made.vintage) == ("gats", 1, 11, date(2024, 3, 1))
    assert (made.fuel, made.state, made.sandbox, made.registry_text) == ("wind", "IA", False, " 1771330 -  1 to 10 ")
    [kept] = made.history.all()
    assert (kept.fuel, kept.registry_text, kept.history_change_reason) == ("wind", " 1771330 -  1 to 10 ", "March")


def test_a_variance_is_a_linked_batch(east: Firm) -> None:
    first = recorded(east)
    second = recorded(east, serial_base="1771331", variance_of=first)
    assert list(first.variances.all()) == [second]
    other = generator(east, "other")
    assert faults_of(lambda: recorded(east, serial_base="1771332", generator=other, variance_of=first)) == [
        ("stays-what-it-is", "variance_of")
    ]


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({"registry": "atlantis"}, [("unknown-registry", "registry")]),
        ({"serial_base": ""}, [("invalid-input", "serial_base")]),
        ({"serial_start": 11}, [("invalid-input", "serial_end")]),
        ({"serial_start": -1}, [("invalid-input", "serial_start")]),
        ({"serial_end": 2**63 - 1}, [("invalid-input", "serial_start")]),
        ({"vintage": date(2199, 1, 1)}, [("vintage-in-future", "vintage")]),
        ({"registry_text": "x" * 201}, [("invalid-input", "registry_text")]),
        ({"registry": "atlantis", "serial_start": 11}, [("unknown-registry", "registry"), ("invalid-input", "serial_end")]),
    ],
)
def test_what_no_batch_can_be(east: Firm, given: dict[str, Any], faults: list[tuple[str, str | None]]) -> None:
    generator(east)
    assert faults_of(lambda: recorded(east, **given)) == faults


def test_the_largest_serial_number_there_may_be(east: Firm) -> None:
    made = recorded(east, serial_start=LARGEST_SERIAL, serial_end=LARGEST_SERIAL)
    assert ledger.issue(key=key(), by=east.trader, batch=made.pk, account=east.main.pk)


def test_serials_and_months_are_taken_once(east: Firm) -> None:
    recorded(east)
    assert faults_of(lambda: recorded(east, serial_start=10, serial_end=20)) == [("serials-taken", "serial_start")]
    assert faults_of(lambda: recorded(east, registry="mrets")) == [("issued-elsewhere", "vintage")]


@pytest.mark.parametrize("base", ["nar-wi 2024", "NAR-WI 2024", " nar-wi \t\u00a0 2024 ", "Nar-WI2024"])
def test_a_base_is_the_same_in_any_spelling(east: Firm, base: str) -> None:
    made = recorded(east, serial_base=" NAR-WI   2024 ")
    assert made.serial_base == "NAR-WI 2024"
    assert faults_of(lambda: recorded(east, serial_base=base)) == [("serials-taken", "serial_start")]
    assert recorded(east, serial_base=base, serial_start=11, serial_end=20).serials.lower == 11


@pytest.mark.parametrize("base", ["A\u200bB", "A\u00adB", "\ufeffAB", "A\x7fB", "\N{CYRILLIC CAPITAL LETTER A}B", "A\u2013B"])
def test_a_base_has_only_what_everybody_can_read(east: Firm, base: str) -> None:
    generator(east)
    assert faults_of(lambda: recorded(east, serial_base=base)) == [("base-not-plain", "serial_base")]


def test_an_import_follows_an_export_of_its_own_organisation(east: Firm) -> None:
    first = issued(east, base="A", last=100)
    number = ledger.export(key=key(), by=east.trader, account=east.main.pk, to_registry="nar", ranges=[SerialRange(first.pk, 1, 10)])
    export = Command.objects.get(pk=number)
    again: dict[str, Any] = {"registry": "nar", "serial_end": 10, "vintage": first.vintage, "generator": first.generator, "export": export}
    assert faults_of(lambda: recorded(east, **again)) == [("beyond-export", "export")]
    ledger.confirm(key=key(), by=east.trader, command=number, reference="X", reference_date=date(2024, 6, 1))
    west = firm("west")
    assert faults_of(lambda: recorded(west, **again)) == [("unknown", "export")]
    assert recorded(east, **again).export == export


# --- meter reads ------------------------------------------------------------------------------------------------


def test_days_of_a_generator_are_read_once(east: Firm) -> None:
    wind = generator(east)
    days = {"generator": wind, "first_day": date(2024, 3, 1), "last_day": date(2024, 3, 31)}
    made = services.record_read(**days, generation_mwh=Decimal("1000.5"), batch=batch(east, of=wind), reason="meter")
    made.refresh_from_db()
    assert (made.days.lower, made.days.upper) == (date(2024, 3, 1), date(2024, 4, 1))
    assert reasons(made) == [("+", "meter")]
    assert faults_of(lambda: services.record_read(**days, generation_mwh=Decimal(1))) == [("metered-twice", "days")]


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({"last_day": date(2024, 2, 1)}, [("invalid-input", "last_day")]),
        ({"generation_mwh": Decimal(-1)}, [("invalid-input", "generation_mwh")]),
        ({"generation_mwh": Decimal("inf")}, [("invalid-input", "generation_mwh")]),
        ({"generation_mwh": Decimal("1.0001")}, [("invalid-input", "generation_mwh")]),
        ({"last_day": date.max}, [("invalid-input", "last_day")]),
    ],
)
def test_what_no_meter_reads(east: Firm, given: dict[str, Any], faults: list[tuple[str, str | None]]) -> None:
    usual: dict[str, Any] = {"first_day": date(2024, 3, 1), "last_day": date(2024, 3, 31), "generation_mwh": Decimal(5)}
    wind = generator(east)
    assert faults_of(lambda: services.record_read(generator=wind, **(usual | given))) == faults


def test_a_read_backs_a_batch_of_its_own_generator(east: Firm) -> None:
    wind, other = generator(east), generator(east, "other")
    made, days = batch(east, of=wind), {"first_day": date(2024, 3, 1), "last_day": date(2024, 3, 2)}
    assert faults_of(lambda: services.record_read(generator=other, **days, generation_mwh=Decimal(1), batch=made)) == [
        ("invalid-input", "batch_id")
    ]


def test_a_read_backs_a_batch_of_its_own_month(east: Firm) -> None:
    made = batch(east)
    days = {"generator": made.generator, "first_day": date(2024, 4, 1), "last_day": date(2024, 4, 30)}
    assert faults_of(lambda: services.record_read(**days, generation_mwh=Decimal(1), batch=made)) == [("backs-another", "batch_id")]
    over = days | {"first_day": date(2024, 3, 31)}
    assert services.record_read(**over, generation_mwh=Decimal(1), batch=made).batch == made


def test_a_read_is_corrected_until_it_backs_a_batch(east: Firm) -> None:
    made = batch(east)
    days = {"generator": made.generator, "first_day": date(2024, 3, 1), "last_day": date(2024, 3, 31)}
    read = services.record_read(**days, generation_mwh=Decimal(1))
    read.generation_mwh, read.batch = Decimal(2), made
    read.save()
    read.save()  # nothing changes
    for name, value in (("generation_mwh", Decimal(3)), ("batch", batch(east, base="more"))):
        changed = GenerationRead.objects.get(pk=read.pk)
        setattr(changed, name, value)
        with pytest.raises(errors.StaysWhatItIs), errors.rules_told(), transaction.atomic():
            changed.save()
    assert list(GenerationRead.objects.values_list("generation_mwh", "batch")) == [(2, made.pk)]


def test_a_read_lets_go_of_a_batch_that_was_never_issued(east: Firm) -> None:
    wrong, days = batch(east), {"first_day": date(2024, 3, 1), "last_day": date(2024, 3, 31)}
    read = services.record_read(generator=wrong.generator, **days, generation_mwh=Decimal(1), batch=wrong)
    read.batch = None
    read.save()
    wrong.delete()
    read.batch = issued(east)
    read.save()
    read.batch = None
    with pytest.raises(errors.StaysWhatItIs), errors.rules_told(), transaction.atomic():
        read.save()


# --- policies ---------------------------------------------------------------------------------------------------


def test_a_policy_is_set_and_set_again(east: Firm) -> None:
    Policy.objects.all().delete()
    first = services.set_policy(
        organisation=east.organisation, four_eyes=["transfer", "retire", "retire"], offer_days=3, reason="to begin with"
    )
    assert (first.four_eyes, first.offer_days) == (["retire", "transfer"], 3)
    services.set_policy(organisation=east.organisation, four_eyes=[], offer_days=366, reason="we are two")
    policy = Policy.objects.get(organisation=east.organisation)
    assert (policy.four_eyes, policy.offer_days) == ([], 366)
    told = [
        (one.history_change_reason, one.offer_days) for one in Policy.history.filter(organisation=east.organisation).order_by("history_id")
    ][-2:]
    assert told == [("to begin with", 3), ("we are two", 366)]


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({"offer_days": 0}, [("invalid-input", "offer_days")]),
        ({"offer_days": 367}, [("invalid-input", "offer_days")]),
        ({"four_eyes": ["steal"]}, [("invalid-input", "four_eyes")]),
        ({"reason": "x" * 101}, [("invalid-input", "reason")]),
    ],
)
def test_what_no_policy_can_be(east: Firm, given: dict[str, Any], faults: list[tuple[str, str | None]]) -> None:
    usual: dict[str, Any] = {"four_eyes": ["retire"], "offer_days": 14, "reason": "x"}
    assert faults_of(lambda: services.set_policy(organisation=east.organisation, **(usual | given))) == faults


def test_a_fault_alone_is_its_own_error(east: Firm) -> None:
    with pytest.raises(errors.UnknownRegistry):
        services.open_account(organisation=east.organisation, name="x", registry="atlantis")
    with pytest.raises(InvalidInput):
        services.open_account(organisation=east.organisation, name="")
