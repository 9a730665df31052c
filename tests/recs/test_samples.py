"""The sample certificates of a first start."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from energyopti.organisations.models import Organisation, User
from energyopti.organisations.scope import seeing_all
from recs import queries, samples
from recs.models import Account, Batch, Command, Entry, Generator, Kind
from recs.samples import issues, stories
from tests.recs import sampled
from tests.recs.world import proved

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> dict[str, User]:
    return sampled.people()


def load() -> list[str]:
    told: list[str] = []
    samples.load(say=told.append)
    proved()
    return told


def everything() -> dict[str, int]:
    """How many rows each table of the ledger holds, histories included."""
    tables = [name for name in connection.introspection.table_names() if name.startswith("recs_")]
    with connection.cursor() as cursor:
        return {name: cursor.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}


def test_a_first_start_calls_them() -> None:
    assert apps.get_app_config("recs").samples == "recs.samples:load"


def test_without_the_pair_there_are_none() -> None:
    before = everything()
    assert load() == ["  recs: without the sandbox organisations and their people there are no sample certificates"]
    assert everything() == before


def test_a_real_organisation_of_that_name_gets_none() -> None:
    for slug in ("sandbox-east", "sandbox-west"):
        Organisation.objects.create(slug=slug, name=slug, sandbox=False)
    load()
    assert not Account.objects.exclude(kind="world").exists()


def test_eighteen_months_of_both(people, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 3, 15, tzinfo=UTC))
    assert load() == ["  recs: 108 batches of sample certificates from 2024-09 to 2026-02"]
    assert {f"{month:%Y-%m}" for month in Batch.objects.values_list("vintage", flat=True)} == {
        *(f"2024-{month:02}" for month in range(9, 13)),
        *(f"2025-{month:02}" for month in range(1, 13)),
        *("2026-01", "2026-02"),
    }


def test_a_second_run_changes_nothing_not_even_months_later(people, monkeypatch: pytest.MonkeyPatch) -> None:
    load()
    before = everything()
    load()
    assert everything() == before
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now.replace(year=now.year + 1, day=1))
    load()
    assert everything() == before


def test_a_run_that_was_cut_short_is_finished(people, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(stories, "between", lambda east, west: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            load()
    half = everything()
    load()
    whole = everything()
    assert half["recs_command"] < whole["recs_command"]
    load()
    assert everything() == whole


def test_there_is_one_of_each(people) -> None:
    load()
    with seeing_all():
        rows = queries.commands(Organisation.objects.values_list("pk", flat=True), limit=1000)
    seen = {(row.kind, row.status) for row in rows}
    assert {kind for kind, _ in seen} == {
        *("issue", "import", "transfer", "export", "retire", "reserve", "reverse", "pay", "credit"),
    }
    assert {
        ("transfer", "completed"),
        ("transfer", "pending"),
        ("transfer", "rejected"),
        ("transfer", "instructed"),
        ("transfer", "reversed"),
        ("retire", "completed"),
        ("retire", "instructed"),
        ("retire", "pending"),
        ("export", "completed"),
        ("import", "completed"),
        ("issue", "pending"),
        ("reserve", "pending"),
    } <= seen
    assert {row.purpose is None for row in rows} == {True}
    assert any(row.self_approved for row in rows)
    assert {True, False} == {row.price_usd is not None for row in rows if row.kind == "transfer"}
    assert set(Batch.objects.values_list("registry", flat=True)) == {
        "mrets",
        "gats",
        "nar",
        "nepool",
        "wregis",
        "ercot",
    }
    assert {generator.fuel for generator in Generator.objects.all()} == {"wind", "solar", "hydro", "biomass", "geothermal"}


@pytest.mark.parametrize("slug", ["sandbox-east", "sandbox-west"])
def test_each_organisation_has_something_of_each_kind_to_look_at(people, slug: str) -> None:
    load()
    own = Organisation.objects.get(slug=slug)
    kinds = list(Account.objects.filter(organisation=own).values_list("kind", flat=True))
    assert set(kinds) == {"active", "reserve", "retirement", "external"}
    assert Account.objects.filter(organisation=own).exclude(registry_account="").count() == 1
    with seeing_all():
        waits = queries.open_commands([own.pk])
        lines = queries.portfolio([own.pk])
    assert any(row.stage == "acceptance" and row.counterparty_id == own.pk for row in waits)
    assert any(row.stage == "registry" and row.organisation_id == own.pk for row in waits)
    assert {line.status for line in lines} >= {"active", "held", "retired"}


def test_nothing_pretends_to_be_real(people) -> None:
    load()
    assert all(batch.sandbox and batch.serial_base.startswith("SAMPLE") for batch in Batch.objects.all())
    assert all(name.startswith("Sample ") for name in Generator.objects.values_list("name", flat=True))
    assert not Entry.objects.filter(to_account__sandbox=False).exists()
    assert all(command.organisation.sandbox for command in Command.objects.select_related("organisation"))
    texts = set(Batch.objects.exclude(registry_text="").values_list("registry_id", flat=True))
    assert texts == {"gats", "nepool", "ercot"}  # of which a layout is known
    for batch in Batch.objects.filter(registry_id__in=["gats", "nepool"]):
        assert batch.registry_text == queries.written(
            batch.registry_id, batch.serial_base, "", (1, batch.serials.upper - 1), (1, batch.serials.upper - 1)
        )


def test_the_ledger_proves_what_they_made(people) -> None:
    load()
    with pytest.raises(SystemExit) as proof:
        call_command("verify_ledger")
    assert proof.value.code == 0


def test_certificates_are_whole_megawatt_hours_of_what_ran(people) -> None:
    load()
    plant = next(one for one in issues.PLANTS["sandbox-east"] if one.fuel == "wind")
    for batch in Batch.objects.filter(generator__name=plant.name, registry=plant.registry):
        generated = issues.Issue(plant, batch.vintage).generated_mwh
        assert batch.serials.upper - 1 == int(generated)
        assert generated < plant.capacity_mw * 24 * 31


def test_commands_are_never_of_a_kind_that_the_ledger_does_not_have(people) -> None:
    load()
    assert set(Command.objects.values_list("kind", flat=True)) <= set(Kind.values)
