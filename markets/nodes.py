"""PJM's nodes as a feed's directory, and where the node list is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
        return super().write(batch)


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
