"""POST /rec/query by its address: for a link, a browser, a spreadsheet."""

from __future__ import annotations

from typing import Any

from energyopti.api.bodies import read
from energyopti.api.columns import Column
from energyopti.api.columns import Kind as Shown
from energyopti.api.params import Kind, Parameter
from energyopti.api.table import Answer, TableEndpoint
from recs import queries
from recs.api import bodies, shapes
from recs.api.answers import holding_row
from recs.api.base import Owned
from recs.api.records import META, OWNER
from recs.types import Criteria

CRITERIA = ("registry", "fuel_type", "state", "vintage_from", "vintage_to")


class Holdings(TableEndpoint, Owned):
    """Which certificates organisations have, range by range, as `POST /rec/query` answers it; several statuses at once."""

    columns = (*shapes.HOLDINGS, Column("state", Shown.TEXT, "where the generator stands", example="IA"))
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
        owners = self.owners(asked["owner_id"])
        criteria = Criteria(**read(bodies.CriteriaBody, {name: asked[name] for name in CRITERIA if asked[name] is not None}))
        statuses = asked["status"] or queries.STATUSES
        return self.rows(
            self.columns,
            key=("batch_id", "serial_start"),
            name="certificates",
            read=lambda after, limit: queries.holdings(
                [one.pk for one in owners], criteria=criteria, statuses=statuses, after=after, limit=limit
            ),
            shape=holding_row,
            owners=owners,
        )
