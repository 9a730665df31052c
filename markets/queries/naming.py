"""What nodes are called, in arrays: answers name 14,000 of them in one go."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np

from energyopti.feeds.table import Array
from markets import arrays

FEW = 4  # instants of one list whose names are kept
SEPARATOR = "\x1f"  # ASCII's own for units: no name holds it
_WINDOWS = (
    "SELECT array_agg(pnode_id), array_agg(effective_from), string_agg(name, E'\\x1f') FROM (SELECT pnode_id, effective_from, name"
    " FROM markets_node WHERE sandbox = %(sandbox)s{some} ORDER BY pnode_id, effective_from) named"
)
# a token that triggers renew: reading the list to see whether it has changed took 2 ms (markets/migrations/sql/0005_node_list_state.sql)
_STATE = "SELECT token::text FROM markets_node_state"


@dataclass(frozen=True)
class Names:
    """The names in force at an instant, by node: `ids` ascending, each once; `texts` beside them (objects)."""

    ids: Array
    texts: Array

    def of(self, nodes: Array) -> Array:
        """The name of each node, None where nobody knows it: object (k,)."""
        found = np.full(len(nodes), None, object)
        if len(self.ids):
            places = np.searchsorted(self.ids, nodes).clip(max=len(self.ids) - 1)
            known = self.ids[places] == nodes
            found[known] = self.texts[places[known]]
        return found

    @cached_property
    def digest(self) -> str:
        return hashlib.blake2b(self.ids.tobytes() + SEPARATOR.join(self.texts).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class _Windows:
    """Names in their effective windows, by node and time; `begins` in microseconds since 1970."""

    nodes: Array
    begins: Array
    texts: Array
    _made: dict[int, Names] = field(default_factory=dict)

    def at(self, instant: datetime) -> Names:
        """The last window that begins before the instant; else the node's first. The same object while no other begins."""
        begun = self.begins < round(instant.timestamp() * 1e6)
        count = int(np.count_nonzero(begun))  # windows begin one after the other: so many are always the same ones
        made = self._made.get(count)
        if made is None:
            if len(self._made) >= FEW:
                self._made.clear()
            made = self._made[count] = self._names(begun)
        return made

    def _names(self, begun: Array) -> Names:
        first = np.flatnonzero(np.append(True, self.nodes[1:] != self.nodes[:-1])[: len(self.nodes)])
        if not len(first):
            return Names(self.nodes, self.texts)
        last = np.add.reduceat(begun, first, dtype=np.int64) - 1
        return Names(self.nodes[first], self.texts[first + np.maximum(last, 0)])


_kept: dict[bool, tuple[str, _Windows]] = {}  # sandbox → the whole list, for as long as its stamp stands


def called(nodes: Array | None, *, at: datetime, sandbox: bool) -> Names:
    """The names of these nodes, or of all."""
    if nodes is not None:
        return _read(" AND pnode_id = ANY(%(ids)s::bigint[])", sandbox=sandbox, ids=arrays.literal(nodes)).at(at)
    stamp = list_stamp()  # before reading: what is kept is never older than its stamp says
    kept = _kept.get(sandbox)
    if kept is None or kept[0] != stamp:
        kept = _kept[sandbox] = stamp, _read("", sandbox=sandbox)
    return kept[1].at(at)


def list_stamp() -> str:
    """Changes with the node list: whenever rows are added, changed, or give way."""
    with arrays.reading() as rows:
        return str(rows.execute(_STATE).fetchone())


def _read(some: str, **params: Any) -> _Windows:
    with arrays.reading() as rows:
        nodes, begins, joined = rows.execute(_WINDOWS.format(some=some), params).fetchone() or (None, None, None)
    if nodes is None or begins is None:
        return _Windows(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, object))
    return _Windows(nodes, begins, np.array(str(joined).split(SEPARATOR), object))
