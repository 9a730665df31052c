"""Nodes that a price row names before the node list does."""

from __future__ import annotations

from django.db import connection

from energyopti.feeds.feed import Batch
from energyopti.feeds.table import Array
from markets.types import NodeSeen

# Held while nodes are made: their windows must not overlap, and that is checked only at COMMIT.
LOCK = "SELECT pg_advisory_xact_lock(hashtext('markets.nodes'))"


def first_met(batch: Batch, nodes: Array) -> None:
    """Make a node of each of `nodes` that nobody knows, in force from the window's start, or from that of an older window."""
    entities = batch.table.entities
    seen = {node: entities[node] for node in nodes.tolist() if node in entities}
    if not seen:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            # one hash join: a fresh table has no statistics, and a subquery a node would read it through 4,000 times
            "SELECT met.node, bool_or(n.id IS NOT NULL) FROM unnest(%s::bigint[]) met(node)"
            " LEFT JOIN markets_node n ON n.sandbox = %s AND n.pnode_id = met.node GROUP BY met.node"
            " HAVING bool_or(n.origin = 'pnode' OR n.effective_from <= %s) IS NOT TRUE",
            [list(seen), batch.sandbox, batch.window.start],
        )
        unknown = dict(cursor.fetchall())
        if not unknown:
            return
        cursor.execute(LOCK)
        cursor.execute(
            "UPDATE markets_node SET effective_from = %s"
            " WHERE sandbox = %s AND origin = 'price' AND pnode_id = ANY(%s) AND effective_from > %s",
            [batch.window.start, batch.sandbox, [node for node, known in unknown.items() if known], batch.window.start],
        )
        _make(batch, {node: seen[node] for node, known in unknown.items() if not known})


def _make(batch: Batch, seen: dict[int, NodeSeen]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO markets_node (sandbox, pnode_id, name, type, kind, zone, voltage, effective_from, origin, run_id)"
            " SELECT %s, met.node, met.name, met.type, '', met.zone, met.voltage, %s, 'price', %s"
            " FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[]) met(node, name, type, zone, voltage)"
            " WHERE NOT EXISTS (SELECT FROM markets_node n WHERE n.sandbox = %s AND n.pnode_id = met.node)",
            [
                batch.sandbox,
                batch.window.start,
                batch.run_id,
                list(seen),
                *([getattr(node, field) for node in seen.values()] for field in ("name", "type", "zone", "voltage")),
                batch.sandbox,
            ],
        )
