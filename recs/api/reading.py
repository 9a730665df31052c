"""Questions about certificates and commands."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from energyopti.api.params import Kind, Parameter
from energyopti.api.table import Answer, PostedTable, TableEndpoint
from recs import instructions, queries
from recs.api import record_bodies, shapes
from recs.api.answers import command_row, history_row, holding_row, told_whole_command
from recs.api.base import Owned, within
from recs.api.records import META, OWNER
from recs.errors import WrongStage
from recs.pages.instructing import order_of
from recs.types import Criteria

CRITERIA = ("registry", "fuel_type", "state", "vintage_from", "vintage_to")
ROOTS = ("issue", "import", "receive", "transfer", "export", "retire", "reserve", "reverse", "pay", "credit")
STATUSES = ("pending", "instructed", "completed", "rejected", "cancelled", "expired", "reversed")


@extend_schema_view(
    post=extend_schema(
        examples=[
            OpenApiExample(
                "what may move, of one registry and year",
                {"registry": "gats", "vintage_from": "2024-01", "vintage_to": "2024-12", "status": "active"},
                request_only=True,
            )
        ]
    )
)
class Query(PostedTable, Owned):
    """Which certificates organisations have, range by range: active, held for something, retired, or exported.

    The question stands in the body; `limit`, `cursor`, `layout` and `format` may stand there or in the address. `next` is an
    address to which the same body is sent again.
    """

    columns = shapes.HOLDINGS
    body = record_bodies.QueryBody
    meta_example = META

    def answer(self, asked: dict[str, Any]) -> Answer:
        owners = self.owners(asked.get("owner_id"))
        criteria = Criteria(**{name: asked[name] for name in CRITERIA if name in asked})
        statuses = (asked["status"],) if "status" in asked else queries.STATUSES
        return self.rows(
            self.columns,
            key=("batch_id", "serial_start"),
            name="rec-holdings",
            read=lambda after, limit: queries.holdings(
                [one.pk for one in owners], criteria=criteria, statuses=statuses, after=after, limit=limit
            ),
            shape=holding_row,
            owners=owners,
        )


class Commands(TableEndpoint, Owned):
    """What was asked of the ledger, by you or towards you, the newest first."""

    columns = shapes.COMMANDS
    parameters = (
        OWNER,
        Parameter("kind", "only commands of this kind", choices=ROOTS),
        Parameter("status", "only commands that stand here", choices=STATUSES),
        Parameter("open", "true: only those that wait for something", kind=Kind.FLAG, default=False),
    )
    meta_example = META

    def answer(self, asked: dict[str, Any]) -> Answer:
        owners = self.owners(asked["owner_id"])
        read = queries.open_commands if asked["open"] else queries.commands
        return self.rows(
            self.columns,
            key=("id",),
            name="rec-commands",
            read=lambda after, limit: read(
                [one.pk for one in owners], kind=asked["kind"], status=asked["status"], after=after[0] if after else None, limit=limit
            ),
            shape=command_row,
            owners=owners,
        )


_WHOLE = shapes.COMMAND_EXAMPLE | {
    "steps": [
        {
            "id": 4711,
            "kind": "transfer",
            "at": "2026-11-25T14:03:09.512345Z",
            "organisation": "Acme Wind",
            "made_by": "trader",
            "reason": "contract 2026-117",
            "reference": "",
            "reference_date": None,
            "awaiting": ["acceptance"],
            "self_approved": True,
            "request_id": "5f7c1d0e8a9b4c6d9e2f3a4b5c6d7e8f",
            "api_key": "9f2c41d0",
        }
    ],
    "purpose": None,
}


class OneCommand(Owned):
    """A command with its certificates, and how it came to where it stands."""

    @extend_schema(responses=shapes.WholeCommandShape, examples=[OpenApiExample("an offer", _WHOLE, response_only=True)])
    def get(self, request: Request, id: int) -> Response:
        with self.seeing():
            found = queries.command(within(id))
        if found is None:
            raise Http404
        return Response(told_whole_command(found))


class History(TableEndpoint, Owned):
    """What moved certificates of a batch, the oldest first, as far as accounts of yours took part."""

    columns = shapes.HISTORY
    meta_example = META

    def answer(self, asked: dict[str, Any]) -> Answer:
        batch = within(self.kwargs["id"])
        with self.seeing():
            if not queries.batch_seen(batch):
                raise Http404
        return self.rows(
            self.columns,
            key=("entry_id",),
            name=f"rec-batch-{batch}",
            read=lambda after, limit: queries.batch_history(batch, after[0] if after else None, limit) or [],
            shape=history_row,
            owners=self.owners(None),
        )


class Instruction(Owned):
    """What to type into the registry for a command that waits for it: a checklist, and rows.

    Where the registry's own columns are known they are used (`layout_known`), else the columns are ours.
    """

    parameters = (
        Parameter("effective_on", "the day that ERCOT's text names; left out: today, Central time", kind=Kind.DAY, example="2026-11-25"),
    )

    @extend_schema(
        responses=shapes.InstructionShape, examples=[OpenApiExample("ERCOT to M-RETS", shapes.INSTRUCTION_EXAMPLE, response_only=True)]
    )
    def get(self, request: Request, id: int) -> Response:
        with self.seeing():
            found = queries.command(within(id))
            if found is None or not found.mine:
                raise Http404
            if "registry" not in found.awaiting:
                raise WrongStage(f"command {id} does not wait for a registry")
            order = order_of(found, self.asked["effective_on"])
        told = instructions.instruction(order)
        names = ("action", "steps", "text", "layout_known", "columns", "rows", "csv")
        return Response({"command": found.id, "registry": order.registry} | {name: getattr(told, name) for name in names})
