"""Questions about commands, and what they did."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from energyopti.api.params import Kind, Parameter
from energyopti.api.schema_problems import Refusals
from energyopti.api.table import Answer, TableEndpoint
from recs import instructions, queries
from recs.api import shapes, tables
from recs.api.answers import command_row, history_row, told_whole_command
from recs.api.base import Owned, within
from recs.api.records import META, OWNER
from recs.errors import WrongStage
from recs.instructing import order_of
from recs.models import Batch

ROOTS = ("issue", "import", "receive", "transfer", "export", "retire", "reserve", "reverse", "pay", "credit")
STATUSES = ("pending", "instructed", "completed", "rejected", "cancelled", "expired", "reversed")


class Commands(TableEndpoint, Owned):
    """What was asked of the ledger, by you or towards you, the newest first."""

    columns = tables.COMMANDS
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

    columns = tables.HISTORY
    meta_example = META

    def answer(self, asked: dict[str, Any]) -> Answer:
        batch = within(self.kwargs["id"])
        with self.seeing():
            if not queries.batch_seen(batch):
                raise Http404
            sandbox = Batch.objects.values_list("sandbox", flat=True).get(pk=batch)
        return self.rows(
            self.columns,
            key=("entry_id",),
            name=f"rec-batch-{batch}",
            read=lambda after, limit: queries.batch_history(batch, after[0] if after else None, limit) or [],
            shape=history_row,
            sandbox=sandbox,
        )


class Instruction(Owned):
    """What to type into the registry for a command that waits for it: a checklist, and rows.

    Where the registry's own columns are known they are used (`layout_known`), else the columns are ours.
    """

    read_refusals = Refusals("Instruction", (WrongStage("command 4711 does not wait for a registry"),), reads=True)
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
