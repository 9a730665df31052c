"""Many blocks at once: binary COPY, and a whole chunk seen as one array instead of a Python object a block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from energyopti.feeds.table import Array
from markets import arrays
from markets.arrays import PG_EPOCH
from markets.queries.frames import empty, together
from markets.queries.rows import Asked, framed
from markets.types import PriceFrame, SeriesSeen

Key = tuple[int, int, int]  # series, node, start in microseconds since 1970
_KEY = {"pnode_id": "int8", "start": "int8"}  # timestamptz lies as microseconds since 2000
_PRICES = ("total", "congestion", "loss")
# a column of the frame → where it lies in a block: one value, or one a slot
_PARTS = {
    **{name: {name: "float8[]"} for name in (*_PRICES, "energy")},
    "version": {"version": "int2", "slot_versions": "int2[]"},
    "run_id": {"run_id": "int8", "runs": "int4[]"},
    "first_seen_at": {"recorded_at": "int8", "seen": "int4[]"},
}
_HISTORIC = ("run_id", "first_seen_at")  # what a block that replaced another does not know of its slots
_WINDOW = "series = %(one)s AND start > %(first)s AND start < %(end)s"
# one series at a time: then the rows come by the primary key, and no sort carries pages of prices
_BLOCKS = f"SELECT {{columns}} FROM lmp_block WHERE {_WINDOW} AND pnode_id = ANY(%(nodes)s::bigint[]) ORDER BY pnode_id, start"  # noqa: S608
# once a day: as a fourth array beside each block it would be a third more to send
_ENERGY = f"SELECT (extract(epoch FROM start) * 1000000)::int8, energy FROM lmp_energy WHERE {_WINDOW}"  # noqa: S608


def standing(asked: Asked) -> tuple[PriceFrame, set[Key]]:
    """The prices of blocks as they first came, and which blocks have been replaced since: a question that does not look at
    when and how prices came is answered by the latter, too."""
    frames, replaced = [empty(asked.series)], set[Key]()
    for series in asked.series:
        params = {**asked.params, "one": series.id}
        for group in _groups(asked, params):
            if "revision" in group and (again := group["revision"] > 0).any():
                replaced |= {(series.id, *key) for key in zip(*(group[name][again].tolist() for name in _KEY), strict=True)}
                group = {name: column[~again] for name, column in group.items()}
            if len(group["start"]):
                frames.append(_frame(asked, series, group))
    return together(frames), replaced


def _groups(asked: Asked, params: Mapping[str, Any]) -> list[dict[str, Array]]:
    """Blocks of one shape each: columns (k,) and (k, n)."""
    types = _KEY | {name: kind for column, part in _PARTS.items() if _reads(asked, column) for name, kind in part.items()}
    if any(asked.reads(column) for column in _HISTORIC):
        types["revision"] = "int4"
    with arrays.reading() as rows:
        groups = arrays.copy_out(rows, _BLOCKS.format(columns=", ".join(types)), params, types)
        lacking = asked.reads("energy") and any("energy" not in group for group in groups)
        market: dict[int, Array] = dict(rows.execute(_ENERGY, params).fetchall()) if lacking else {}
    for group in groups:
        group["start"] += PG_EPOCH
        if asked.reads("energy") and "energy" not in group:
            group["energy"] = _of_market(group, market)
    return groups


def _reads(asked: Asked, column: str) -> bool:
    return column == "total" or asked.reads(column)  # the total says which slots are stored


def _frame(asked: Asked, series: SeriesSeen, group: Mapping[str, Array]) -> PriceFrame:
    k, n = group["total"].shape
    start = group["start"][:, None]

    def each(name: str, of_slots: str) -> Array:
        """One value a slot: the block's own where its slots have none of their own."""
        if of_slots in group:
            return group[of_slots].ravel()
        return np.repeat(group[name], n) if name in group else np.zeros(k * n, np.int16)

    columns = {name: group[name].ravel() for name in (*_PRICES, "energy") if name in group}
    if asked.reads("version"):
        columns["version"] = each("version", "slot_versions")
    if asked.reads("run_id"):
        columns["run_id"] = each("run_id", "runs").astype(np.int64)
    if asked.reads("first_seen_at"):
        seen = group["seen"].astype(np.int64) * 1_000_000 + start if "seen" in group else group["recorded_at"][:, None] + PG_EPOCH
        columns["arrived"] = np.broadcast_to(seen, (k, n)).ravel()
    return framed(
        asked,
        node_id=np.repeat(group["pnode_id"], n),
        at=(start // 1_000_000 + np.arange(n) * int(asked.step.total_seconds())).ravel(),
        series=np.full(k * n, series.id, np.int16),
        **columns,
    )


def _of_market(group: Mapping[str, Array], market: Mapping[int, Array]) -> Array:
    """The market's energy of each block's day, NaN where it says none: (k, n)."""
    nothing = np.full(group["total"].shape[1], np.nan)
    days, places = np.unique(group["start"], return_inverse=True)
    curves = np.stack([market.get(start, nothing) for start in days.tolist()])
    return curves[places]
