"""What the blocks say: days that are over, every source for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby

import numpy as np

from energyopti.intervals import Span
from markets.queries import bulk
from markets.queries.frames import together
from markets.queries.rows import AS_OF, CURRENT, LONGEST_DAY, OLDER, Asked, Block, Origin, blocks, from_blocks
from markets.types import PriceFrame

MANY = 200  # node-days: from here on reading them as one array is quicker than block by block


def sealed(asked: Asked) -> PriceFrame:
    """By node and time, each source on its own."""
    days = asked.span.length.days + 1
    if asked.as_of is None and len(asked.nodes or ()) * days >= MANY:
        return _in_bulk(asked)
    found = blocks(asked, AS_OF if asked.as_of else CURRENT)
    return _one_by_one(asked, found)


def _one_by_one(asked: Asked, found: list[Block]) -> PriceFrame:
    found.sort(key=lambda block: (block.node, block.start))
    return from_blocks(asked, found, origins(asked, found))


def _in_bulk(asked: Asked) -> PriceFrame:
    """Blocks that were replaced have a history to look into: they alone are read again, one by one."""
    frame, replaced = bulk.standing(asked)
    if replaced:
        again = replace(asked, nodes=sorted({node for _, node, _ in replaced}))
        found = [block for block in blocks(again, CURRENT) if (block.series, block.node, block.start) in replaced]
        frame = together([frame, _one_by_one(again, found)])
    node, at = frame.node_id, frame.interval_start
    ordered = (node[1:] > node[:-1]) | ((node[1:] == node[:-1]) & (at[1:] >= at[:-1]))
    return frame if ordered.all() else frame.take(np.lexsort((at, node)))  # blocks of one shape come in order


def origins(asked: Asked, found: Sequence[Block]) -> dict[int, Origin]:
    """For the places of blocks that have been replaced: since when, and by which run, each slot's price has stood."""
    places = {(block.series, block.node, block.start): place for place, block in enumerate(found) if block.revision}
    if not places:
        return {}
    starts = [datetime.fromtimestamp(start / 1e6, UTC) for *_, start in places]
    span = Span(min(starts), max(starts) + LONGEST_DAY)
    wanted = Asked(asked.series, sorted({node for _, node, _ in places}), span)
    versions = groupby(blocks(wanted, OLDER), key=lambda block: (block.series, block.node, block.start))
    return {places[key]: _walk(found[places[key]], list(older)) for key, older in versions if key in places}


def _walk(block: Block, newest_first: Sequence[Block]) -> Origin:
    """Back through the history, for as long as a slot's price stays the same."""
    arrived, run, same = block.arrived.copy(), block.runs.copy(), np.ones(block.n, bool)
    for older in newest_first:
        if older.recorded < block.recorded:
            same &= block.says(older)
            arrived[same], run[same] = older.arrived[same], older.runs[same]
    return Origin(arrived, run)
