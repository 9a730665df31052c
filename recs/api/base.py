"""What the ledger's endpoints share: whose rows a request sees, and its key in the ledger."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar, cast

from django.db import connection
from django.http import Http404
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from energyopti.api.base import Endpoint, Meta
from energyopti.api.bodies import Body, read
from energyopti.api.columns import Column
from energyopti.api.cursor import Key
from energyopti.api.idempotency import HEADER, KeyReused, idempotent
from energyopti.api.listed import RowsAnswer
from energyopti.api.schema_problems import Refusals
from energyopti.organisations.models import Organisation, User
from energyopti.organisations.scope import seeing_organisations
from recs import errors, exact, queries
from recs.api.answers import told_command

SOURCE = "this ledger"
KEYS = uuid.UUID("5b0c9e0e-53a5-4c7b-9d8e-6a3d1f0f7a2c")  # under it lie the ledger's keys that were made of Idempotency-Keys
REFUSALS = Refusals(
    "Ledger",
    (
        errors.FloatInLedger("certificates are counted in whole numbers: send an integer", field="quantity"),
        errors.RoleTooSmall("a viewer may not transfer"),
        errors.Unknown("there is nothing of this number that you may use", field="from_account"),
        errors.Overdrawn("the account has 120 of the 250 certificates asked for", field="quantity"),
        errors.RangeRetired("serial 17 of batch 3 is retired: it never moves again", field="ranges"),
        errors.AccountClosed('the account "GATS active" is closed', field="from_account"),
        errors.Busy("others are working on these certificates at this moment; send the same request again"),
    ),
)


class Owned(Endpoint):
    """An endpoint whose rows belong to organisations."""

    @property
    def user(self) -> User:
        return cast(User, self.request.user)

    def seeing(self) -> AbstractContextManager[None]:
        """For reading and writing: the rows of the organisations that the caller belongs to, for one transaction."""
        return seeing_organisations(self.numbers())

    def owners(self, slug: str | None) -> list[Organisation]:
        """The one that was named; else all real ones of the caller's, or all of the sandbox where there are no others: invented
        certificates never stand beside real ones. Raises Unknown."""
        if slug is None:
            every = list(self.organisations.values())
            return [one for one in every if not one.sandbox] or every
        if slug not in self.organisations:
            raise errors.Unknown("there is nothing of this name that you may see", field="owner_id")
        return [self.organisations[slug]]

    def numbers(self) -> list[int]:
        """Of all of them, for what is asked by its own number."""
        return [found.pk for found in self.organisations.values()]

    def owner(self, slug: str | None) -> Organisation:
        """The one that was named, or the caller's only one. Raises Unknown."""
        found = self.owners(slug) if slug else list(self.organisations.values())
        if len(found) != 1:
            known = ", ".join(self.organisations) or "none"
            raise errors.Unknown(f"say for which organisation; yours: {known}", field="owner_id")
        return found[0]

    def rows(
        self,
        columns: Sequence[Column],
        *,
        key: tuple[str, ...],
        name: str,
        read: Callable[[Any, int], Sequence[Any]],
        shape: Callable[[Any], Any],
        owners: Iterable[Organisation] = (),
        sandbox: bool = False,
    ) -> RowsAnswer:
        """A table whose every piece is read in a transaction of its own, in whatever thread, and sees the caller's rows alone."""
        meta = Meta(source=SOURCE, sandbox=sandbox or any(owner.sandbox for owner in owners), freshness=timezone.now())

        def piece(after: Key | None, limit: int) -> list[Any]:
            with self.seeing():
                return [shape(row) for row in read(after, limit)]

        return RowsAnswer(columns=columns, key=key, name=name, read=piece, about=lambda: meta, stamped=_stamp)


def _stamp() -> str:
    """The database's snapshot: it changes with each transaction of anybody. Numbers of the ledger would not do, as a command with
    a lower number may commit after one with a higher."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_snapshot()::text")
        return str(cursor.fetchone()[0])


def within(number: int) -> int:
    """A number of an address. Raises Http404 for one that nothing can have."""
    if not 0 < number <= exact.LARGEST:
        raise Http404
    return number


class Commanding(Owned):
    """A POST that is one command of the ledger. `act` gives the number of the command that was asked for."""

    body: ClassVar[type[Body]]
    status: ClassVar[int] = 201
    refusals = REFUSALS
    names: ClassVar[Mapping[str, str]] = {}  # of the body's fields, where the ledger calls them otherwise
    instead: ClassVar[str] = ""  # where a refusal is told that is about nothing which this request says itself

    def act(self, given: dict[str, Any], key: uuid.UUID, address: dict[str, int]) -> int:
        raise NotImplementedError

    @idempotent
    def post(self, request: Request, /, **address: int) -> Response:
        given = read(self.body, request.data)
        with self.told_here(request.data):
            command = self.act(given, ledger_key(request), {name: within(number) for name, number in address.items()})
        with self.seeing():
            found = queries.outcome(command)
        assert found is not None  # whoever may command may see
        return Response(told_command(found), status=self.status)

    @contextmanager
    def told_here(self, sent: Collection[str]) -> Iterator[None]:
        """What the ledger refuses leaves with the places of this request; the ledger's key is made of the Idempotency-Key."""
        try:
            yield
        except errors.KeyReused:
            raise KeyReused from None
        except errors.LedgerError as fault:
            fault.field = fault.field and (self.place(fault.field, sent) or None)
            raise

    def place(self, field: str, sent: Collection[str]) -> str:
        """Where the request says what the ledger calls so."""
        named = self.names.get(field, field)
        return named if named.partition("/")[0] in {*self.body().fields, *self.kwargs} else self.instead


def ledger_key(request: Request, *more: object) -> uuid.UUID:
    """The same for the same caller and Idempotency-Key: the ledger does nothing twice, even where the answer was not kept."""
    return uuid.uuid5(KEYS, " ".join(map(str, (cast(User, request.user).pk, request.headers[HEADER], *more))))
