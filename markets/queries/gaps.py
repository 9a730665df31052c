"""What is missing, slot by slot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import numpy as np

from energyopti.errors import InvalidInput
from energyopti.feeds import registry
from energyopti.feeds.table import Array
from energyopti.intervals import Span
from markets import arrays
from markets.queries.rows import EPOCH, Asked
from markets.queries.series import choose
from markets.types import Gap

_BLOCKS = (
    "SELECT pnode_id, extract(epoch FROM start)::int8, n, CASE WHEN missing > 0 THEN total END FROM lmp_block"
    " WHERE series = ANY(%(series)s) AND pnode_id = ANY(%(nodes)s::bigint[]) AND start > %(first)s AND start < %(end)s"
)
_LIVE = (
    "SELECT DISTINCT pnode_id, extract(epoch FROM interval_start)::int8, 1, NULL::float8[] FROM lmp_live"
    " WHERE series = ANY(%(series)s) AND pnode_id = ANY(%(nodes)s::bigint[]) AND interval_start >= %(start)s AND interval_start < %(end)s"
)


def gaps(*, feed: str, nodes: Sequence[int], span: Span, sandbox: bool | None = None) -> list[Gap]:
    """The slots of `span` that the store does not hold, by node and time, neighbours joined. Blocks without a gap stay closed."""
    step = registry.feed(feed).step
    if step is None:
        raise InvalidInput(f"{feed} has no intervals", field="feed")
    start = span.start + (EPOCH - span.start) % step  # the first interval that begins in the span
    if start >= span.end:
        return []
    nodes, span = sorted(set(nodes)), Span(start, span.end)
    held = np.zeros((len(nodes), -(-span.length // step)), bool)
    if series := choose(feed=feed, sandbox=sandbox):
        _mark(held, Asked(tuple(series), nodes, span), int(step.total_seconds()))
    return [gap for node, row in zip(nodes, held, strict=True) for gap in _runs(node, row, span, step)]


def _mark(held: Array, asked: Asked, step: int) -> None:
    assert asked.nodes is not None
    begin, row = int(asked.span.start.timestamp()), {node: place for place, node in enumerate(asked.nodes)}
    with arrays.cursor() as rows:
        for query in (_BLOCKS, _LIVE):
            for node, start, n, total in rows.execute(query, asked.params):
                first = (start - begin) // step
                skip, last = max(0, -first), min(n, held.shape[1] - first)
                if skip < last:
                    held[row[node], first + skip : first + last] |= True if total is None else ~np.isnan(total[skip:last])


def _runs(node: int, held: Array, span: Span, step: timedelta) -> Iterator[Gap]:
    edges = np.flatnonzero(np.diff(np.concatenate([[True], held, [True]]).astype(np.int8)))
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield Gap(node, Span(span.start + first * step, min(span.start + last * step, span.end)))
