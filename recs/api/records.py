"""Records that people keep: accounts, generators; and the registries."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from energyopti.api.bodies import read
from energyopti.api.cursor import Key
from energyopti.api.idempotency import idempotent
from energyopti.api.params import Parameter
from energyopti.api.schema_problems import Refusals
from energyopti.api.table import Answer, TableEndpoint
from recs import errors, queries, services
from recs.api import record_bodies, shapes, tables
from recs.api.answers import generator_row, told_account, told_generator
from recs.api.base import SOURCE, Owned, within
from recs.models import Account
from recs.types import ALIASES

OWNER = Parameter(
    "owner_id",
    "the organisation's slug; left out: all real ones of yours, or all of the sandbox where you have no other",
    example="acme-wind",
)
META = {"source": SOURCE, "licence": None, "sandbox": False, "freshness": "2026-11-25T14:03:09.512345Z", "complete": None}
_REFUSALS = Refusals(
    "Records",
    (
        errors.RoleTooSmall("a viewer may not change records"),
        errors.Unknown("there is nothing of this name that you may see", field="owner_id"),
        errors.NameTaken("there is one like it already", field="name"),
        errors.NotEmpty('the account "GATS active" still holds certificates', field="closed"),
    ),
)
_ACCOUNT = {
    "owner_id": "acme-wind",
    "name": "GATS active",
    "registry": "gats",
    "registry_account": "12345",
    "reason": "opened with PJM-EIS",
}
_ACCOUNT_ANSWER = tables.example_of(tables.ACCOUNTS)
_GENERATOR = {
    "name": "Prairie Wind",
    "fuel_type": "wind",
    "state": "PA",
    "capacity_mw": "100.5",
    "registrations": [{"registry": "gats", "unit_id": "NON604366"}],
    "eligibilities": [{"programme": "NJ Class I", "first_day": "2019-05-01"}],
}
_GENERATOR_ANSWER = {name: value for name, value in tables.example_of(tables.GENERATORS).items() if name not in ("units", "programmes")} | {
    "registrations": [{"registry": "gats", "unit_id": "NON604366"}],
    "eligibilities": [{"programme": "NJ Class I", "first_day": "2019-05-01", "last_day": None, "certification": ""}],
}


class Accounts(TableEndpoint, Owned):
    """Accounts with what lies in them."""

    columns = tables.ACCOUNTS
    parameters = (OWNER,)
    meta_example = META
    refusals = _REFUSALS

    def answer(self, asked: dict[str, Any]) -> Answer:
        owners = self.owners(asked["owner_id"])
        return self.rows(
            self.columns,
            key=("id",),
            name="rec-accounts",
            read=lambda after, limit: queries.accounts([one.pk for one in owners], after=after[0] if after else 0, limit=limit),
            shape=lambda row: row,
            owners=owners,
        )

    @extend_schema(
        summary="Open an account",
        request=record_bodies.AccountBody,
        responses={201: shapes.AccountShape},
        examples=[
            OpenApiExample("a mirror of a registry's account", _ACCOUNT, request_only=True),
            OpenApiExample("the account", _ACCOUNT_ANSWER, response_only=True, status_codes=["201"]),
        ],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        given = read(record_bodies.AccountBody, request.data)
        owner = self.owner(given.pop("owner_id", None))
        services.may_write(self.user, owner)
        with self.seeing():
            account = services.open_account(organisation=owner, **given)
            return Response(told_account(queries.accounts([owner.pk], account=account.pk)[0]), status=201)


class OneAccount(Owned):
    """An account with what lies in it."""

    refusals = _REFUSALS

    @extend_schema(responses=shapes.AccountShape, examples=[OpenApiExample("an account", _ACCOUNT_ANSWER, response_only=True)])
    def get(self, request: Request, id: int) -> Response:
        with self.seeing():
            return self._told(within(id))

    @extend_schema(
        summary="Rename or close an account",
        request=record_bodies.AccountChangeBody,
        responses=shapes.AccountShape,
        examples=[
            OpenApiExample("closed", {"closed": True, "reason": "moved to another registry"}, request_only=True),
            OpenApiExample("the account", _ACCOUNT_ANSWER | {"closed_at": "2026-11-25T14:03:09.512345Z"}, response_only=True),
        ],
    )
    @idempotent
    def patch(self, request: Request, id: int) -> Response:
        """What it is and whose it is never changes; one that holds certificates cannot be closed."""
        given = read(record_bodies.AccountChangeBody, request.data)
        with self.seeing():
            mine = Account.objects.filter(pk=within(id), organisation__in=self.organisations.values())
            account = mine.select_related("organisation").first()
            if account is None or account.organisation is None:
                raise Http404
            services.may_write(self.user, account.organisation)
            if "name" in given:
                services.rename_account(account=account, name=given["name"], reason=given["reason"])
            if "closed" in given:
                services.close_account(account=account, reason=given["reason"])
            return self._told(id)

    def _told(self, number: int) -> Response:
        found = queries.accounts(self.numbers(), account=number)
        if not found:
            raise Http404
        return Response(told_account(found[0]))


class Generators(TableEndpoint, Owned):
    """Generators with their names at registries and the programmes they are certified for."""

    columns = tables.GENERATORS
    parameters = (OWNER,)
    meta_example = META
    refusals = _REFUSALS

    def answer(self, asked: dict[str, Any]) -> Answer:
        owners = self.owners(asked["owner_id"])
        return self.rows(
            self.columns,
            key=("id",),
            name="rec-generators",
            read=lambda after, limit: queries.generators([one.pk for one in owners], after=after[0] if after else 0, limit=limit),
            shape=generator_row,
            owners=owners,
        )

    @extend_schema(
        summary="Record a generator",
        request=record_bodies.GeneratorBody,
        responses={201: shapes.GeneratorShape},
        examples=[
            OpenApiExample("a generator", _GENERATOR, request_only=True),
            OpenApiExample("the generator", _GENERATOR_ANSWER, response_only=True, status_codes=["201"]),
        ],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        given = read(record_bodies.GeneratorBody, request.data)
        owner = self.owner(given.pop("owner_id", None))
        services.may_write(self.user, owner)
        units = [(one["registry"], one["unit_id"]) for one in given.pop("registrations")]
        names = ("programme", "first_day", "last_day", "certification")
        eligible = [tuple(one[name] for name in names) for one in given.pop("eligibilities")]
        with self.seeing():
            made = services.record_generator(
                organisation=owner,
                fuel=given.pop("fuel_type"),
                registrations=units,
                eligibilities=eligible,
                **given,
            )
            return Response(told_generator(queries.generators([owner.pk], generator=made.pk)[0]), status=201)


class OneGenerator(Owned):
    """A generator with its names at registries and its certifications."""

    @extend_schema(responses=shapes.GeneratorShape, examples=[OpenApiExample("a generator", _GENERATOR_ANSWER, response_only=True)])
    def get(self, request: Request, id: int) -> Response:
        with self.seeing():
            found = queries.generators(self.numbers(), generator=within(id))
        if not found:
            raise Http404
        return Response(told_generator(found[0]))


class Registries(TableEndpoint, Owned):
    """The registries that are places of record, by the names that this API has for them.

    What is sold outside, or received from there without a counterparty's account, goes to and comes from the world of its registry.
    """

    columns = tables.REGISTRIES
    meta_example = META

    def answer(self, asked: dict[str, Any]) -> Answer:
        return self.rows(self.columns, key=("code",), name="rec-registries", read=self.registries, shape=lambda row: row)

    def registries(self, after: Key | None, limit: int) -> list[SimpleNamespace]:
        outside = Account.objects.filter(kind=Account.Kind.WORLD).values_list("registry_id", "sandbox", "pk")
        worlds = {(registry, sandbox): account for registry, sandbox, account in outside}
        return [
            SimpleNamespace(
                code=row.code,
                name=row.name,
                operator=row.operator,
                serial_example=row.serial_example,
                kept_in=row.kept_in_id,
                aliases=", ".join(alias for alias, code in ALIASES.items() if code == row.code and alias != row.code),
                world_account=worlds.get((row.code, False)),
                sandbox_world_account=worlds.get((row.code, True)),
                source=row.source,
            )
            for row in queries.registries()
            if after is None or row.code > after[0]
        ][:limit]
