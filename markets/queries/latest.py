"""The newest price of each node."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from energyopti.intervals import Span
from markets.models import Node
from markets.queries.prices import origins
from markets.queries.rows import LATEST, LATEST_LIVE, Asked, blocks, empty, from_blocks, from_live, together
from markets.queries.series import choose
from markets.types import PriceFrame

EVER = Span(datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))


def latest(
    *,
    nodes: Sequence[int] | None = None,
    feed: str = "",
    market: str = "",
    resolution: timedelta | None = None,
    quality: str = "",
    sandbox: bool | None = None,
) -> PriceFrame:
    """One row a node: its newest interval that has a price, of the best quality that has it. `nodes` None: every node."""
    series = choose(feed=feed, market=market, resolution=resolution, quality=quality, sandbox=sandbox)
    if not series:
        return empty([], sandbox=bool(sandbox))
    if nodes is None:
        nodes = list(Node.objects.filter(sandbox=series[0].sandbox).order_by("pnode_id").values_list("pnode_id", flat=True).distinct())
    asked = [Asked(one, nodes, EVER) for one in series]
    # a block's whole day comes along; of its slots only the newest is taken
    frame = together([part for one in asked for part in (_from_blocks(one), from_live(one, LATEST_LIVE))])
    rank = {one.id: place for place, one in enumerate(series)}
    best = np.array([rank[int(key)] for key in frame.series])
    order = np.lexsort((-frame.first_seen_at.astype(np.int64), best, -frame.interval_start.astype(np.int64), frame.node_id))
    frame = frame.take(order)
    return frame.take(np.append(True, frame.node_id[1:] != frame.node_id[:-1])[: len(frame)])


def _from_blocks(asked: Asked) -> PriceFrame:
    found = blocks(asked, LATEST)
    return from_blocks(asked, found, origins(asked, found))
