"""Endpoints of PJM's prices and nodes."""

from __future__ import annotations

from typing import Any

from energyopti.api.params import Kind, Parameter
from energyopti.api.table import COMMON, Answer, TableEndpoint
from markets.api import nodes, questions
from markets.api.answers import LatestAnswer, ResampledAnswer, RevisionsAnswer, WindowAnswer
from markets.api.fields import PRICES, RESAMPLED, REVISIONS, columns_of
from markets.queries import Asked
from markets.queries.latest import EVER
from markets.queries.resample import Aggregate, Bucket, Peak

MOST_RANKED = 1000
WINDOW = (questions.START, questions.END, questions.NODES, questions.MARKET, questions.RESOLUTION, questions.QUALITY)


_ANSWERED = {
    "source": "PJM Data Miner 2: pjm.rt_hrl_lmps",
    "licence": "PJM Data Miner 2: for internal use only; redistribution needs an active PJM membership.",
    "sandbox": False,
    "freshness": "2024-06-04T16:12:09.512345Z",
    "complete": True,
}
_COUNTED = {"expected": 24, "stored": 24, "missing": 0}


class Lmp(TableEndpoint):
    """Locational marginal prices by node and time, as they stand or as this installation knew them at `as_of`.

    `resample` gives hours or market days (23, 24 or 25 hours); `agg` is taken for each component on its own. `peak` keeps
    the on-peak hours (hours ending 0800 to 2300 Eastern, Monday to Friday, NERC holidays left out) or the others.
    `meta.complete` is about the whole window, whatever `peak` and `resample` say; with `nodes` left out it is about the
    nodes that have a price in it: whether others should have one is what /coverage knows.
    """

    columns = RESAMPLED
    meta_example = _ANSWERED | _COUNTED
    parameters = (
        *WINDOW,
        Parameter("as_of", "only what was known then: ISO-8601 with an offset", kind=Kind.INSTANT),
        Parameter("resample", "rows of hours or of market days", choices=tuple(one.value for one in Bucket)),
        Parameter("agg", "how intervals become a row of `resample`", choices=tuple(one.value for one in Aggregate), default="mean"),
        Parameter("peak", "only on-peak hours, or only the others", choices=tuple(one.value for one in Peak)),
    )

    def answer(self, asked: dict[str, Any]) -> Answer:
        question = questions.window(asked)
        common: dict[str, Any] = {"asked": question, "sandbox": questions.is_sandbox(question.series)}
        common["peak"] = Peak(asked["peak"]) if asked["peak"] else None
        if asked["resample"]:
            return ResampledAnswer(bucket=Bucket(asked["resample"]), aggregate=Aggregate(asked["agg"]), **common)
        return WindowAnswer(**common)


class Revisions(TableEndpoint):
    """Every version of each price, by node, time and source (the best quality first), the oldest first."""

    columns = REVISIONS
    meta_example = _ANSWERED | _COUNTED
    parameters = WINDOW

    def answer(self, asked: dict[str, Any]) -> Answer:
        question = questions.window(asked)
        return RevisionsAnswer(asked=question, sandbox=questions.is_sandbox(question.series))


class Latest(TableEndpoint):
    """One row a node: its newest interval that has a price, of the best quality that has it."""

    columns = PRICES
    meta_example = _ANSWERED | {"complete": None}
    parameters = (questions.NODES, questions.MARKET, questions.RESOLUTION, questions.QUALITY)

    def answer(self, asked: dict[str, Any]) -> Answer:
        series = questions.series_of(asked, asked["market_type"])
        sandbox = questions.is_sandbox(series)
        named = questions.nodes_of(asked, sandbox=sandbox)
        return LatestAnswer(asked=Asked(series, named, EVER, columns=columns_of(asked["fields"])), sandbox=sandbox)


class TopCongestion(TableEndpoint):
    """The nodes with the highest mean congestion of a market day, up or down."""

    columns = nodes.CONGESTED
    meta_example = _ANSWERED | {"source": "PJM Data Miner 2: pjm.da_hrl_lmps", "nodes": 14_000, "missing": 0}
    parameters = (
        Parameter("date", "the market day", required=True, kind=Kind.DAY, example="2024-06-03"),
        Parameter("market_type", "which market", choices=tuple(questions.USUAL), default="day_ahead"),
        questions.RESOLUTION,
        questions.QUALITY,
        Parameter("limit", "rows of a page; at most 1000", kind=Kind.WHOLE, default=20, minimum=1, maximum=MOST_RANKED),
    )

    @classmethod
    def all_parameters(cls) -> tuple[Parameter, ...]:
        return (*cls.parameters, *(parameter for parameter in COMMON if parameter.name != "limit"))

    def answer(self, asked: dict[str, Any]) -> Answer:
        series = questions.series_of(asked, asked["market_type"])
        return nodes.top_congestion(asked["date"], series, most=MOST_RANKED, sandbox=questions.is_sandbox(series))


class Nodes(TableEndpoint):
    """Pricing nodes in their effective windows, retired ones too."""

    columns = nodes.NODES
    meta_example = _ANSWERED | {"source": "PJM Data Miner 2: pjm.pnode", "complete": None}
    parameters = (
        Parameter("q", "part of the name, or an id", example="western hub"),
        Parameter("type", "ZONE, HUB, INTERFACE, LOAD, GEN, AGGREGATE, …", example="HUB"),
        Parameter("zone", "the transmission zone", example="PECO"),
        Parameter("active_on", "in force on this market day", kind=Kind.DAY, example="2024-06-03"),
    )

    def answer(self, asked: dict[str, Any]) -> Answer:
        return nodes.node_list(asked)
