"""What a table answer is made of: declared columns, and chunks of values that stay in arrays until they are encoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from energyopti.feeds.table import Array


class Kind(StrEnum):
    """How a column's values lie in memory, and what they become."""

    TEXT = "text"  # Coded, or object (k,) of str and None
    INTEGER = "integer"  # int (k,), or Nullable
    NUMBER = "number"  # float64 (k,), NaN is null
    INSTANT = "instant"  # datetime64[s] or [us] (k,) in UTC, NaT is null: "2024-03-10T07:00:00Z"
    LOCAL = "local"  # the same instant in the market's zone: "2024-03-10T03:00:00-04:00"
    DAY = "day"  # datetime64[D] (k,): "2024-03-10"
    BOOLEAN = "boolean"  # bool (k,), or Nullable


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a row. Units stand in the name."""

    name: str
    kind: Kind
    description: str
    nullable: bool = False
    example: Any = None


@dataclass(frozen=True, slots=True)
class Coded:
    """Text that repeats: `codes` (k,) index `values`."""

    codes: Array
    values: Sequence[str | None]

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, index: Any) -> Coded:
        return Coded(self.codes[index], self.values)


@dataclass(frozen=True, slots=True)
class Nullable:
    """Integers or booleans, null where the mask says so."""

    values: Array
    null: Array

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Any) -> Nullable:
        return Nullable(self.values[index], self.null[index])


Values = Array | Coded | Nullable
Chunk = Mapping[str, Values]


def rows_in(chunk: Chunk) -> int:
    return len(next(iter(chunk.values()))) if chunk else 0


def cut(chunk: Chunk, rows: int) -> Chunk:
    """The first rows of a chunk."""
    return {name: values[:rows] for name, values in chunk.items()}


def constant(text: str | None, rows: int) -> Coded:
    """The same text in each row."""
    return Coded(np.zeros(rows, np.int8), (text,))
