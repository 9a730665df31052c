"""Typed rows in columns: what a parser gives and a store takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that does not fit: `row` counts from 1 in its page or file, `raw` is the text as it came."""

    row: int
    raw: str
    code: str
    reason: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of equal length under the names that the house uses (not the upstream's).

    Times are `datetime64[s]` in UTC, prices float64 with NaN where the source sent nothing, ids int64.
    `entities` describes things the rows name (a node's id → its name, type, zone) as they first stood here.
    """

    columns: Mapping[str, Array]
    rejects: tuple[Reject, ...] = ()
    entities: Mapping[int, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def __getitem__(self, name: str) -> Array:
        return self.columns[name]

    def take(self, index: Array) -> Table:
        """The rows at `index` (a boolean mask, integers or a slice); rejects stay behind."""
        return Table({name: column[index] for name, column in self.columns.items()}, entities=self.entities)


def concat(tables: Sequence[Table]) -> Table:
    """One table out of several with the same columns; later entities do not replace earlier ones."""
    if len(tables) == 1:
        return tables[0]
    entities: dict[int, Any] = {}
    for table in reversed(tables):
        entities.update(table.entities)
    return Table(
        {name: np.concatenate([table[name] for table in tables]) for name in tables[0].columns},
        tuple(reject for table in tables for reject in table.rejects),
        entities,
    )
