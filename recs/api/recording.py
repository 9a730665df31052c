"""Which batch an issue is about: one that is recorded already, or one that is recorded by it."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model

from energyopti.organisations.models import Organisation
from recs import errors, queries, services
from recs.api.base import Owned
from recs.models import Account, Batch, Command
from recs.queries import usable_generator

Row = TypeVar("Row", bound=Model)


def batch_to_issue(view: Owned, given: dict[str, Any], key: UUID) -> tuple[int, int | None, int | None]:
    """The batch, and the first and last serial of the part (None: all of it). Raises the ledger's errors."""
    if given["new"]:
        return _recorded(view, given, key).pk, None, None
    if "batch_id" in given:
        return given["batch_id"], None, None
    only = given["ranges"][0]
    return only["batch_id"], only["serial_start"], only["serial_end"]


def _recorded(view: Owned, given: dict[str, Any], key: UUID) -> Batch:
    mine = Account.objects.filter(pk=given["account"], organisation__in=view.organisations.values())
    account = mine.select_related("organisation").first()
    organisation = _found(account, "account").organisation
    assert organisation is not None  # the world's accounts belong to nobody
    services.may_write(view.user, organisation)
    generator = _found(usable_generator(given["generator"], organisation=organisation.pk, export="export" in given), "generator")
    described = {
        "registry": given["registry"],
        "serial_base": services.single_blanks(given["serial_base"]),
        "serial_start": given["serial_start"],
        "serial_end": given["serial_end"],
        "vintage": given["vintage"],
    }
    if before := queries.with_key(key):
        more = {name: given.get(name) for name in ("registry_text", "variance_of", "export")}
        return _same(before[1], described | more | {"generator": generator.pk})
    return services.record_batch(
        organisation=organisation,
        generator=generator,
        registry_text=given["registry_text"],
        variance_of=_mine(Batch, given.get("variance_of"), organisation, "variance_of"),
        export=_mine(Command, given.get("export"), organisation, "export"),
        reason=given["reason"],
        **described,
    )


def _same(batch: int | None, described: dict[str, Any]) -> Batch:
    """The batch that the same request recorded, when its answer was not kept. Raises KeyReused."""
    found = _found(Batch.objects.filter(pk=batch or 0).first(), "key")
    told = {
        "registry": found.registry_id,
        "serial_base": found.serial_base,
        "serial_start": found.serials.lower,
        "serial_end": found.serials.upper - 1,
        "vintage": found.vintage,
        "generator": found.generator_id,
        "registry_text": found.registry_text,
        "variance_of": found.variance_of_id,
        "export": found.export_id,
    }
    if told != described:
        raise errors.KeyReused("this key was used for another command; choose a new one", field="key")
    return found


def _mine(model: type[Row], number: int | None, organisation: Organisation, field: str) -> Row | None:
    if number is None:
        return None
    return _found(model._default_manager.filter(pk=number, organisation=organisation).first(), field)


def _found(row: Row | None, field: str) -> Row:
    if row is None:
        raise errors.Unknown("there is nothing of this number that you may use", field=field)
    return row
