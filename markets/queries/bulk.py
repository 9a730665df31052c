"""Many blocks at once: binary COPY, and a whole chunk seen as one array instead of a Python object a block."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from energyopti.feeds.table import Array
from markets import arrays
from markets.arrays import PG_EPOCH
from markets.queries.rows import Asked, empty, framed, together
from markets.types import PriceFrame

Key = tuple[int, int, int]  # series, node, start in microseconds since 1970
_TYPES = {
    "series": "int2",
    "pnode_id": "int8",
    "start": "int8",  # timestamptz lies as microseconds since 2000
    "revision": "int4",
    "run_id": "int8",
    "recorded_at": "int8",
    "version": "int2",
    "total": "float8[]",
    "congestion": "float8[]",
    "loss": "float8[]",
    "energy": "float8[]",
    "slot_versions": "int2[]",
    "seen": "int4[]",
    "runs": "int4[]",
}
_WINDOW = "series = ANY(%(series)s) AND start > %(first)s AND start < %(end)s"
_BLOCKS = f"SELECT {', '.join(_TYPES)} FROM lmp_block WHERE {_WINDOW} AND pnode_id = ANY(%(nodes)s::bigint[]) ORDER BY pnode_id, start"  # noqa: S608
# once a day: as a fourth array beside each block it would be a third more to send
_ENERGY = f"SELECT series, (extract(epoch FROM start) * 1000000)::int8, energy FROM lmp_energy WHERE {_WINDOW}"  # noqa: S608


def standing(asked: Asked) -> tuple[PriceFrame, set[Key]]:
    """The prices of blocks as they first came, and which blocks have been replaced since."""
    with arrays.reading() as rows:
        groups = arrays.copy_out(rows, _BLOCKS, asked.params, _TYPES)
        lacking = any("energy" not in group for group in groups)
        energy = {(series, start): day for series, start, day in rows.execute(_ENERGY, asked.params)} if lacking else {}
    replaced: set[Key] = set()
    frames = [empty(asked.series)]
    for group in groups:
        group["start"] += PG_EPOCH
        again = group["revision"] > 0
        if again.any():
            replaced |= set(zip(*(group[name][again].tolist() for name in ("series", "pnode_id", "start")), strict=True))
            group = {name: column[~again] for name, column in group.items()}
        if len(group["start"]):
            frames.append(_frame(asked, group, energy))
    return together(frames), replaced


def _frame(asked: Asked, group: Mapping[str, Array], energy: Mapping[tuple[int, int], Array]) -> PriceFrame:
    """Blocks of one shape: (k,) a block and (k, n) a slot."""
    k, n = group["total"].shape
    start = group["start"][:, None]
    seen = group.get("seen")
    arrived = (
        np.broadcast_to(group["recorded_at"][:, None] + PG_EPOCH, (k, n)) if seen is None else start + seen.astype(np.int64) * 1_000_000
    )

    def each(name: str, of_slots: str = "") -> Array:
        """One value a slot: the block's own where its slots have none of their own."""
        if of_slots in group:
            return group[of_slots].ravel()
        return np.repeat(group[name], n) if name in group else np.zeros(k * n, np.int16)

    return framed(
        asked,
        node_id=each("pnode_id"),
        at=(start // 1_000_000 + np.arange(n) * int(asked.step.total_seconds())).ravel(),
        arrived=arrived.ravel(),
        series=each("series"),
        run_id=each("run_id", "runs").astype(np.int64),
        version=each("version", "slot_versions"),
        energy=group["energy"].ravel() if "energy" in group else _market(group, energy, n),
        **{name: group[name].ravel() for name in ("total", "congestion", "loss")},
    )


def _market(group: Mapping[str, Array], energy: Mapping[tuple[int, int], Array], n: int) -> Array:
    """The market's energy of each block's day, NaN where it says none."""
    days, places = np.unique(np.stack([group["series"].astype(np.int64), group["start"]]), axis=1, return_inverse=True)
    nothing = np.full(n, np.nan)
    curves = np.stack([energy.get((series, start), nothing) for series, start in days.T.tolist()])
    return curves[places.ravel()].ravel()
