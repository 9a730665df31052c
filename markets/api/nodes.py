"""Answers about nodes: the list, and the most congested of a day."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from energyopti.api.base import Meta
from energyopti.api.columns import Column, Kind
from energyopti.api.cursor import Key
from energyopti.api.listed import RowsAnswer
from energyopti.calendars import EASTERN
from energyopti.feeds import registry
from energyopti.intervals import local_midnight, market_day
from markets import queries
from markets.api.answers import licence_of, max_age, source_of
from markets.queries import Asked
from markets.types import CongestedNode, Congestion, NodeRow, SeriesSeen

LIST = "pjm.pnode"
NODE_TYPE = Column("node_type", Kind.TEXT, "ZONE, HUB, INTERFACE, LOAD, GEN, AGGREGATE, …; empty where it is not known", example="HUB")
ZONE = Column("zone", Kind.TEXT, "the transmission zone; empty where there is none", example="PECO")
NODES = (
    Column("node_id", Kind.INTEGER, "PJM's pnode id", example=51288),
    Column("node_name", Kind.TEXT, "as PJM writes it, runs of blanks included", example="WESTERN HUB"),
    NODE_TYPE,
    ZONE,
    Column("voltage", Kind.TEXT, "as PJM writes it; empty where it says none", example="13 KV"),
    Column("effective_from", Kind.INSTANT, "since when the node is called so", example="2010-06-01T04:00:00Z"),
    Column("effective_to", Kind.INSTANT, "until when; null: in force", nullable=True, example=None),
)
CONGESTED = (
    Column("rank", Kind.INTEGER, "1: the highest mean congestion, up or down", example=1),
    NODES[0],
    Column("node_name", Kind.TEXT, "the node's name in force at the end of the day", nullable=True, example="WESTERN HUB"),
    NODE_TYPE,
    ZONE,
    Column("congestion_usd_per_mwh", Kind.NUMBER, "mean of the market day's priced intervals", example=-12.5),
    Column("lmp_usd_per_mwh", Kind.NUMBER, "mean of the market day's priced intervals", example=20.75),
    Column("intervals", Kind.INTEGER, "of how many priced intervals", example=24),
    Column("missing", Kind.INTEGER, "intervals of the day without a price", example=0),
)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A row of the ranking."""

    rank: int
    node_id: int
    node_name: str | None
    node_type: str
    zone: str
    congestion_usd_per_mwh: float
    lmp_usd_per_mwh: float
    intervals: int
    missing: int


def node_list(asked: Mapping[str, Any]) -> RowsAnswer:
    sandbox = queries.is_sandbox()
    day: date | None = asked["active_on"]
    active = local_midnight(day, EASTERN) if day else None

    def read(after: Key | None, rows: int) -> Sequence[NodeRow]:
        behind: Any = after
        filters = {name: asked[name] or "" for name in ("q", "type", "zone")}
        return queries.nodes(sandbox=sandbox, active_on=active, after=behind, limit=rows, **filters)

    def about() -> Meta:
        freshness: datetime | None = queries.listed_at(sandbox=sandbox)
        return Meta(source=f"PJM Data Miner 2: {LIST}", licence=registry.feed(LIST).licence.text, sandbox=sandbox, freshness=freshness)

    return RowsAnswer(
        columns=NODES,
        key=("node_id", "effective_from"),
        name="pjm-nodes",
        read=read,
        about=about,
        stamped=queries.list_stamp,
        max_age=max_age(),
    )


def top_congestion(day: date, series: tuple[SeriesSeen, ...], *, most: int, sandbox: bool) -> RowsAnswer:
    asked = Asked(series, None, market_day(day, EASTERN))
    found = functools.cache(lambda: queries.congestion(asked, limit=most))
    seen = functools.cache(lambda: queries.stamp(asked))

    def read(after: Key | None, rows: int) -> Sequence[Ranked]:
        first = after[0] if after else 0
        return _ranked(found().top[max(0, first) : max(0, first) + rows], asked, sandbox=sandbox)

    return RowsAnswer(
        columns=CONGESTED,
        key=("rank",),
        name=f"pjm-top-congestion-{day}",
        read=read,
        about=lambda: _about(found(), series, sandbox=sandbox, freshness=seen().freshness),
        stamped=lambda: f"{seen().text} {queries.list_stamp()}",
        max_age=max_age(),
    )


def _about(found: Congestion, series: Sequence[SeriesSeen], *, sandbox: bool, freshness: datetime | None) -> Meta:
    return Meta(
        source=source_of(found.answered),
        licence=licence_of(found.answered or series),
        sandbox=sandbox,
        freshness=freshness,
        complete=found.missing == 0 if found.nodes else None,
        more={"nodes": found.nodes, "missing": found.missing},
    )


def _ranked(top: Sequence[CongestedNode], asked: Asked, *, sandbox: bool) -> list[Ranked]:
    names = queries.names([row.node_id for row in top], at=asked.span.end, sandbox=sandbox)
    return [
        Ranked(
            rank=row.rank,
            node_id=row.node_id,
            node_name=name.name if (name := names.get(row.node_id)) else None,
            node_type=name.type if name else "",
            zone=name.zone if name else "",
            congestion_usd_per_mwh=row.congestion,
            lmp_usd_per_mwh=row.total,
            intervals=row.intervals,
            missing=row.missing,
        )
        for row in top
    ]
