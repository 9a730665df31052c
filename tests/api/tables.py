"""A table of tests alone: every kind of value, nulls among them, over the real base."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from django.urls import include, path

from energyopti.api.base import Meta, Parameter
from energyopti.api.columns import Chunk, Coded, Column, Kind, Nullable
from energyopti.api.params import Kind as Given
from energyopti.api.table import TableEndpoint
from energyopti.errors import InvalidInput

COLUMNS = (
    Column("node_id", Kind.INTEGER, "the node"),
    Column("node_name", Kind.TEXT, "its name", nullable=True),
    Column("interval_start", Kind.INSTANT, "when"),
    Column("market_day", Kind.DAY, "the day"),
    Column("price", Kind.NUMBER, "the price", nullable=True),
    Column("version", Kind.INTEGER, "which", nullable=True),
    Column("seen_at", Kind.INSTANT, "when it came", nullable=True),
    Column("peak", Kind.BOOLEAN, "on peak"),
    Column("note", Kind.TEXT, "a text of its own", nullable=True),
)
NAMES = ('COMMA, "QUOTE"', "ÜMLAUT\nLINE", None)
HOURS = 30
START = datetime(2024, 3, 10, 0, tzinfo=UTC)  # the clocks of US/Eastern go forward at 07:00


class Rows:
    """`nodes` × 30 hours, in chunks of one node. `stops` raises in the midst of the chunk of that node."""

    columns, key, zone, name, max_age = COLUMNS, ("node_id", "interval_start"), ZoneInfo("America/New_York"), "rows", 300
    stamped = "1"

    def __init__(self, nodes: int, *, stops: int | None = None) -> None:
        self.nodes, self.stops = nodes, stops

    def stamp(self) -> str:
        return f"{self.nodes} {Rows.stamped}"

    def meta(self) -> Meta:
        return Meta("tests", licence="none", sandbox=True, freshness=START, complete=False, more={"expected": self.nodes * HOURS})

    def chunks(self, *, after: tuple[Any, ...] | None, at_most: int | None, fields: frozenset[str]) -> Iterator[Chunk]:
        for node in range(after[0] if after else 0, self.nodes):
            if node == self.stops:
                raise InvalidInput("this node cannot be read")
            chunk = of_node(node)
            if after and node == after[0]:
                later = chunk["interval_start"] > np.datetime64(after[1].replace(tzinfo=None))
                chunk = {name: values[later] for name, values in chunk.items()}
            yield {name: values for name, values in chunk.items() if name in fields}


def of_node(node: int) -> dict[str, Any]:
    rng = np.random.default_rng(node)
    start = np.datetime64(START.replace(tzinfo=None), "s") + np.arange(HOURS) * np.timedelta64(3600, "s")
    price = np.round(rng.normal(30, 1000, HOURS), 6)
    price[::7] = np.nan
    price[3:6] = (1e-5, -0.0, 1e16)
    seen = (start + np.timedelta64(1, "h")).astype("datetime64[us]") + rng.integers(0, 2, HOURS)
    seen[4:9] = np.datetime64("NaT")
    note = np.empty(HOURS, object)
    note[:] = [None if hour % 5 == 0 else f"{node};{hour}" for hour in range(HOURS)]
    return {
        "node_id": np.full(HOURS, node),
        "node_name": Coded(np.full(HOURS, node % 3, np.int16), NAMES),
        "interval_start": start,
        "market_day": start.astype("datetime64[D]"),
        "price": price,
        "version": Nullable(np.arange(HOURS) % 4, np.arange(HOURS) % 4 == 0),
        "seen_at": seen,
        "peak": rng.integers(0, 2, HOURS).astype(bool),
        "note": note,
    }


class Table(TableEndpoint):
    parameters = (
        Parameter("nodes", "how many", kind=Given.WHOLE, minimum=0, maximum=100_000, default=5),
        Parameter("stops", "where it breaks", kind=Given.WHOLE),
        Parameter("since", "a time", kind=Given.INSTANT),
        Parameter("day", "a day", kind=Given.DAY),
    )
    columns = COLUMNS

    def answer(self, asked: dict[str, Any]) -> Rows:
        return Rows(asked["nodes"], stops=asked["stops"])


urlpatterns = [path("api/v1/probe/table", Table.as_view()), path("", include("energyopti.urls"))]
handler404 = "energyopti.api.fallback.not_found"
handler500 = "energyopti.api.fallback.server_error"
