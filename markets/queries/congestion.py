"""Which nodes were the most congested on a market day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from energyopti.feeds.table import Array
from markets import arrays
from markets.queries.rows import Asked
from markets.types import CongestedNode, Congestion

_COLUMNS = {"series": "int2", "pnode_id": "int8", "congestion": "float8", "total": "float8", "missing": "int4"}
# a block's means stand in the index by day: no block is opened
_BLOCKS = (
    "SELECT series, pnode_id, COALESCE(congestion_avg, 'NaN') AS congestion, total_avg AS total, missing FROM lmp_block"
    " WHERE series = ANY(%(series)s) AND start = %(start)s"
)
# the running day: what stands of each slot
_LIVE = (
    "SELECT series, pnode_id, COALESCE(avg(congestion) FILTER (WHERE congestion <> 'NaN'), 'NaN') AS congestion, avg(total) AS total,"
    " %(slots)s - count(*) AS missing FROM (SELECT DISTINCT ON (series, pnode_id, interval_start) series, pnode_id, congestion, total"
    "  FROM lmp_live WHERE series = ANY(%(series)s) AND interval_start >= %(start)s AND interval_start < %(end)s"
    "  ORDER BY series, pnode_id, interval_start, recorded_at DESC) standing GROUP BY series, pnode_id"
)


def top_congested(asked: Asked, *, limit: int) -> list[CongestedNode]:
    """The top alone; see congestion."""
    return list(congestion(asked, limit=limit).top)


def congestion(asked: Asked, *, limit: int, live: bool = True) -> Congestion:
    """The nodes with the highest mean congestion, up or down, of the market day that `asked.span` is; the highest first.

    A node's figures are of one series: the best that has a block of the day, else the best that has live prices. Means
    leave missing intervals out; a node whose source sent no congestion has no rank. `live` False: none lie live, so none are read.
    """
    if not asked.series:
        return Congestion((), 0, 0, ())
    found = _best(asked, *(_read(query, asked) for query in ((_BLOCKS, _LIVE) if live else (_BLOCKS,))))
    size = np.abs(found["congestion"])
    order = np.lexsort((found["pnode_id"], -size))[: min(limit, int(np.count_nonzero(~np.isnan(size))))]
    series = {one.id: one for one in asked.series}
    chosen = zip(*(found[name][order].tolist() for name in _COLUMNS), strict=True)
    top = tuple(
        CongestedNode(rank, node, series[key], congestion, total, asked.slots - missing, missing)
        for rank, (key, node, congestion, total, missing) in enumerate(chosen, 1)
    )
    present = np.unique(found["series"]).tolist()
    answered = tuple(one for one in asked.series if one.id in present)
    return Congestion(top, len(size), int(found["missing"].sum()), answered)


def _read(query: str, asked: Asked) -> dict[str, Array]:
    params: Mapping[str, Any] = {**asked.params, "slots": asked.slots}
    with arrays.reading() as rows:
        return arrays.columns(rows, _COLUMNS, query, params)


def _best(asked: Asked, *parts: dict[str, Array]) -> dict[str, Array]:
    """One row a node: of the first part that has it, and there of the best series."""
    together = {name: np.concatenate([part[name] for part in parts]) for name in _COLUMNS}
    if not len(parts[-1]["pnode_id"]) and len(np.unique(together["series"])) <= 1:
        return together
    part = np.repeat(np.arange(len(parts)), [len(one["pnode_id"]) for one in parts])
    order = np.lexsort((asked.rank(together["series"].astype(np.int64)), part, together["pnode_id"]))
    nodes = together["pnode_id"][order]
    first = order[np.append(True, nodes[1:] != nodes[:-1])[: len(nodes)]]
    return {name: column[first] for name, column in together.items()}
