"""Which certificates organisations have: asked by a body, or by an address for a link, a browser, a spreadsheet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view

from energyopti.api.bodies import read
from energyopti.api.columns import Column
from energyopti.api.columns import Kind as Shown
from energyopti.api.listed import RowsAnswer
from energyopti.api.params import Kind, Parameter
from energyopti.api.table import Answer, PostedTable, TableEndpoint
from recs import queries
from recs.api import bodies, record_bodies, tables
from recs.api.answers import holding_row
from recs.api.base import Owned
from recs.api.records import META, OWNER
from recs.types import Criteria

CRITERIA = tuple(bodies.CriteriaBody._declared_fields)


class Held(Owned):
    columns: ClassVar[tuple[Column, ...]]

    def held(self, slug: str | None, statuses: Sequence[str], chosen: dict[str, Any]) -> RowsAnswer:
        owners = self.owners(slug)
        criteria = Criteria(**chosen)
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
class Query(Held, PostedTable):
    """Which certificates organisations have, range by range: active, held for something, retired, or exported.

    The question stands in the body; `limit`, `cursor`, `layout` and `format` may stand there or in the address. `next` is an
    address to which the same body is sent again. Without `owner_id` the sandbox answers only who has nothing else.
    """

    columns = tables.HOLDINGS
    body = record_bodies.QueryBody
    meta_example = META

    def answer(self, asked: dict[str, Any]) -> Answer:
        statuses = (asked["status"],) if "status" in asked else queries.STATUSES
        return self.held(asked.get("owner_id"), statuses, {name: asked[name] for name in CRITERIA if name in asked})


class Holdings(Held, TableEndpoint):
    """Which certificates organisations have, range by range, as `POST /rec/query` answers it; several statuses at once."""

    columns = (*tables.HOLDINGS, Column("state", Shown.TEXT, "where the generator stands", example="IA"))
    parameters = (
        OWNER,
        Parameter("registry", "mrets, nar, wregis, nepool, gats (or pjm), ercot, nyiso; caiso means wregis", example="gats"),
        Parameter("fuel_type", "as the generator has it", example="wind"),
        Parameter("state", "where the generator stands", example="IA"),
        Parameter("vintage_from", "the first month of generation", example="2024-01"),
        Parameter("vintage_to", "the last month of generation, included", example="2024-12"),
        Parameter("status", "separated by commas; left out: all", kind=Kind.TEXTS, choices=queries.STATUSES),
    )
    meta_example = META

    def answer(self, asked: dict[str, Any]) -> Answer:
        chosen = read(bodies.CriteriaBody, {name: asked[name] for name in CRITERIA if asked[name] is not None})
        return self.held(asked["owner_id"], asked["status"] or queries.STATUSES, chosen)
