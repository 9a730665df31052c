"""Commands: certificates come in, move, retire, and go back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from energyopti.api.bodies import read
from energyopti.api.idempotency import idempotent
from recs import ledger, queries
from recs.api import bodies, issue_bodies, shapes
from recs.api.answers import told_command
from recs.api.base import Commanding, ledger_key
from recs.api.recording import batch_to_issue


def told(example: dict[str, Any], *, status: int = 201, answer: dict[str, Any] | None = None) -> Any:
    """How the schema tells a command: its body by an example, and what it answers."""
    return extend_schema_view(
        post=extend_schema(
            responses={status: shapes.CommandShape},
            examples=[
                OpenApiExample("a request", example, request_only=True),
                OpenApiExample("an answer", shapes.COMMAND_EXAMPLE | (answer or {}), response_only=True, status_codes=[str(status)]),
            ],
        )
    )


@told(
    {
        "account": 3,
        "registry": "gats",
        "serial_base": "1771330",
        "serial_start": 1,
        "quantity": 1000,
        "generator": 5,
        "vintage": "2024-03",
        "reason": "March issuance",
    },
    answer={"kind": "issue", "status": "completed", "awaiting": [], "counterparty": None, "from_account": None, "price_usd": None},
)
class Issue(Commanding):
    """Certificates come into being, as their registry issued them.

    Either a new batch is recorded (registry, serial_base, serial_start, serial_end or quantity, generator, vintage) and all of
    it is issued, or some or all of a batch that is recorded already (batch_id, or one range). `kind` import needs `export`.
    """

    body = issue_bodies.IssueBody
    names = {"from_account": "account", "to_account": "account"}

    def place(self, field: str, sent: Collection[str]) -> str:
        which = next(name for name in ("ranges", "batch_id", "serial_start") if name in sent)
        return which if field in ("ranges", "batch_id") else super().place(field, sent)

    def act(self, given: dict[str, Any], key: UUID, address: dict[str, int]) -> int:
        with self.seeing():
            batch, first, last = batch_to_issue(self, given, key)
            return ledger.issue(
                key=key,
                by=self.user,
                batch=batch,
                account=given["account"],
                first=first,
                last=last,
                kind=given["kind"],
                reason=given["reason"],
            )


@told(
    {"from_account": 12, "to_account": 3, "ranges": [{"batch_id": 17, "serial_start": 1, "serial_end": 250}], "reason": "bought back"},
    answer={"kind": "receive", "status": "completed", "awaiting": [], "counterparty": None, "price_usd": None},
)
class Receive(Commanding):
    """Certificates that this ledger knows come back from outside: from a counterparty, or from a registry's world."""

    body = bodies.ReceiveBody

    def act(self, given: dict[str, Any], key: UUID, address: dict[str, int]) -> int:
        names = ("from_account", "to_account", "ranges", "reason")
        return ledger.receive(key=key, by=self.user, price_usd=given.get("price_usd"), **{name: given[name] for name in names})


@told(
    {"from_account": 3, "to_account": 9, "quantity": 250, "registry": "gats", "vintage_from": "2024-01", "price_usd": "3125.50"},
)
class Transfer(Commanding):
    """Certificates go to another account; another organisation has to accept them first.

    Chosen by `quantity` and criteria (the oldest vintages first), or by `ranges`. From an account that mirrors one at a registry
    the transfer is instructed, and done once the registry's confirmation is entered.
    """

    body = bodies.TransferBody

    def act(self, given: dict[str, Any], key: UUID, address: dict[str, int]) -> int:
        return ledger.transfer(
            key=key,
            by=self.user,
            from_account=given["from_account"],
            to_account=given["to_account"],
            price_usd=given.get("price_usd"),
            reason=given["reason"],
            **given["wanted"],
        )


@told(
    {
        "account": 3,
        "quantity": 250,
        "criteria": {"state": "PA", "eligibility": "NJ Class I"},
        "beneficiary": "City Utility",
        "reason": "RPS obligation",
        "programme": "NJ Class I",
        "state": "NJ",
        "compliance_year": 2024,
    },
    answer={"kind": "retire", "status": "completed", "awaiting": [], "counterparty": None, "price_usd": None},
)
class Retire(Commanding):
    """Certificates are used up for somebody, for good: nothing brings them back.

    `state` is the programme's; certificates of a state are chosen inside `criteria`. For compliance officers and administrators.
    """

    body = bodies.RetireBody
    names = {"from_account": "account"}

    def act(self, given: dict[str, Any], key: UUID, address: dict[str, int]) -> int:
        return ledger.retire(
            key=key,
            by=self.user,
            account=given["account"],
            purpose=given["purpose"],
            to_account=given.get("to_account"),
            reason=given["reason"],
            **given["wanted"],
        )


@told(
    {"account": 3, "quantity": 250, "reason": "for the auction of June"},
    answer={"kind": "reserve", "status": "pending", "awaiting": ["release"], "counterparty": None, "price_usd": None, "expires_at": None},
)
class Reserve(Commanding):
    """Certificates are held until they are released: nothing else can take them."""

    body = bodies.ReserveBody
    names = {"from_account": "account"}

    def act(self, given: dict[str, Any], key: UUID, address: dict[str, int]) -> int:
        return ledger.reserve(key=key, by=self.user, account=given["account"], reason=given["reason"], **given["wanted"])


@told(
    {"account": 3, "to_registry": "nar", "quantity": 250, "reason": "sold into NAR"},
    answer={
        "kind": "export",
        "status": "instructed",
        "awaiting": ["registry"],
        "counterparty": None,
        "to_registry": "nar",
        "price_usd": None,
    },
)
class Export(Commanding):
    """Certificates go into another registry: instructed, and gone once the registry's confirmation is entered.

    What comes in there is issued with `kind` import, and names this command.
    """

    body = bodies.ExportBody
    names = {"from_account": "account", "to_account": "to_registry"}

    def act(self, given: dict[str, Any], key: UUID, address: dict[str, int]) -> int:
        names = ("account", "to_registry", "reason")
        return ledger.export(key=key, by=self.user, **{name: given[name] for name in names}, **given["wanted"])


@told(
    {"id": 4711, "reason": "sent to the wrong account"},
    answer={"kind": "reverse", "status": "completed", "awaiting": [], "reverses": 4711},
)
class Reverse(Commanding):
    """A completed transfer, receipt or issue goes back, by whoever received it and still has all of its certificates."""

    body = bodies.ReverseBody
    instead = "id"

    def act(self, given: dict[str, Any], key: UUID, address: dict[str, int]) -> int:
        return ledger.reverse(key=key, by=self.user, command=given["id"], reason=given["reason"])


# --- many at once --------------------------------------------------------------------------------------------

_BULK = {
    "moves": [
        {"kind": "transfer", "from_account": 3, "to_account": 9, "quantity": 250, "reason": "contract 2026-117"},
        {"kind": "retire", "from_account": 3, "quantity": 10, "beneficiary": "City Utility", "reason": "green tariff of March"},
    ]
}


class Bulk(Commanding):
    """Up to 1000 transfers, retirements, reservations and exports in one transaction: all of them, or none."""

    body = bodies.BulkBody

    @extend_schema(
        responses={201: shapes.BulkShape},
        examples=[
            OpenApiExample("two moves", _BULK, request_only=True),
            OpenApiExample("an answer", {"commands": [shapes.COMMAND_EXAMPLE]}, response_only=True, status_codes=["201"]),
        ],
    )
    @idempotent
    def post(self, request: Request, /, **address: int) -> Response:
        given = read(self.body, request.data)["moves"]
        moves = [_move(one, ledger_key(request, place)) for place, one in enumerate(given)]
        with self.told_here(request.data):
            made = ledger.bulk(by=self.user, moves=moves)
        with self.seeing():
            return Response({"commands": [told_command(row) for row in queries.outcomes(made)]}, status=201)


def _move(given: dict[str, Any], key: UUID) -> ledger.Move:
    more = {name: given.get(name) for name in ("to_account", "price_usd", "purpose", "to_registry")}
    return ledger.Move(key=key, kind=given["kind"], from_account=given["from_account"], reason=given["reason"], **more, **given["wanted"])
