"""What nodes are called, in arrays: answers name 14,000 of them in one go."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from energyopti.feeds.table import Array
from markets import arrays

SEPARATOR = "\x1f"  # ASCII's own for units: no name holds it
_WINDOWS = (
    "SELECT array_agg(pnode_id), array_agg(effective_from), string_agg(name, E'\\x1f') FROM (SELECT pnode_id, effective_from, name"
    " FROM markets_node WHERE sandbox = %(sandbox)s{some} ORDER BY pnode_id, effective_from) named"
)
# a row that changes gets another xmin, later than the one it had: a price of an older day moves a node's beginning within one run, too
_STAMP = "SELECT count(*), sum(xmin::text::bigint)::text, max(id) FROM markets_node WHERE sandbox = %(sandbox)s"


@dataclass(frozen=True, slots=True)
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

    def digest(self) -> str:
        return hashlib.blake2b(self.ids.tobytes() + SEPARATOR.join(self.texts).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class _Windows:
    """Names in their effective windows, by node and time; `begins` in microseconds since 1970."""

    nodes: Array
    begins: Array
    texts: Array

    def at(self, instant: datetime) -> Names:
        """The last window that begins before the instant; else the node's first."""
        first = np.flatnonzero(np.append(True, self.nodes[1:] != self.nodes[:-1])[: len(self.nodes)])
        if not len(first):
            return Names(self.nodes, self.texts)
        begun = np.add.reduceat(self.begins < round(instant.timestamp() * 1e6), first, dtype=np.int64)
        return Names(self.nodes[first], self.texts[first + np.maximum(begun - 1, 0)])


_kept: dict[bool, tuple[str, _Windows]] = {}  # sandbox → the whole list, for as long as its stamp stands


def called(nodes: Array | None, *, at: datetime, sandbox: bool) -> Names:
    """The names of these nodes, or of all."""
    if nodes is not None:
        return _read(" AND pnode_id = ANY(%(ids)s::bigint[])", sandbox=sandbox, ids=arrays.literal(nodes)).at(at)
    stamp = list_stamp(sandbox=sandbox)  # before reading: what is kept is never older than its stamp says
    kept = _kept.get(sandbox)
    if kept is None or kept[0] != stamp:
        kept = _kept[sandbox] = stamp, _read("", sandbox=sandbox)
    return kept[1].at(at)


def list_stamp(*, sandbox: bool) -> str:
    """Changes with the node list: whenever rows are added, changed, or give way."""
    with arrays.reading() as rows:
        return " ".join(map(str, rows.execute(_STAMP, {"sandbox": sandbox}).fetchone() or ()))


def _read(some: str, **params: Any) -> _Windows:
    with arrays.reading() as rows:
        nodes, begins, joined = rows.execute(_WINDOWS.format(some=some), params).fetchone() or (None, None, None)
    if nodes is None or begins is None:
        return _Windows(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, object))
    return _Windows(nodes, begins, np.array(str(joined).split(SEPARATOR), object))
