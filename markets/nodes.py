"""PJM's nodes as a feed's directory, and where the node list is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection

from energyopti.feeds.feed import Batch, Written
from energyopti.feeds.store import RowStore
from markets.blocks.nodes import LOCK
from markets.models import Node
from markets.queries.directory import followed, kinds, resolve


class NodeStore(RowStore):
    """The node list. Nodes that were only known from prices give way to its rows."""

    __slots__ = ()

    def write(self, batch: Batch) -> Written:
        if not len(batch.table):
            return super().write(batch)
        with connection.cursor() as cursor:
            cursor.execute(LOCK)
        listed = batch.table["pnode_id"].tolist()
        Node.objects.filter(sandbox=batch.sandbox, origin=Node.Origin.PRICE, pnode_id__in=listed).delete()
        _drop_moved_windows(batch)
        return super().write(batch)


def _drop_moved_windows(batch: Batch) -> None:
    """A window that the list now dates otherwise would overlap its successor; one that merely vanished stays."""
    starts, ends = (
        [None if np.isnat(moment) else f"{moment}Z" for moment in batch.table[name]] for name in ("effective_from", "effective_to")
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH listed AS (SELECT * FROM"
            " unnest(%(nodes)s::bigint[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]) l(node, start, finish))"
            " DELETE FROM markets_node n USING listed l WHERE n.sandbox = %(sandbox)s AND n.pnode_id = l.node"
            " AND tstzrange(n.effective_from, n.effective_to) && tstzrange(l.start, l.finish)"
            " AND NOT EXISTS (SELECT FROM listed same WHERE same.node = n.pnode_id AND same.start = n.effective_from)",
            {"nodes": batch.table["pnode_id"].tolist(), "starts": starts, "ends": ends, "sandbox": batch.sandbox},
        )


NODE_STORE = NodeStore(
    model="markets.Node",
    key=("sandbox", "pnode_id", "effective_from"),
    fields={
        "pnode_id": "pnode_id",
        "name": "name",
        "subtype": "type",  # what price rows call the type
        "type": "kind",
        "zone": "zone",
        "voltage": "voltage",
        "effective_from": "effective_from",
        "effective_to": "effective_to",
    },
    constants={"origin": Node.Origin.PNODE.value},
)


@dataclass(frozen=True, slots=True)
class PjmNodes:
    """Implements energyopti.feeds.feed.NodeDirectory."""

    feed: str = "pjm.pnode"

    def followed(self, *, sandbox: bool) -> tuple[int, ...]:
        return followed(sandbox=sandbox)

    def resolve(self, names: Sequence[str], *, sandbox: bool) -> tuple[int, ...]:
        return resolve(names, sandbox=sandbox)

    def kinds(self, ids: Sequence[int], *, sandbox: bool) -> Mapping[int, str]:
        return kinds(ids, sandbox=sandbox)
