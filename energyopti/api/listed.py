"""Answers whose rows are objects: node lists, coverage, runs. Prices never come this way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from energyopti.api.base import Meta
from energyopti.api.columns import Chunk, Column, Kind, Nullable, Values
from energyopti.api.cursor import Key, of_last_row
from energyopti.feeds.table import Array

CHUNK = 5_000  # rows read at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsAnswer:
    """Implements energyopti.api.table.Answer. `read` gives at most so many rows behind a key, in the key's order; rows have
    an attribute for each column."""

    columns: Sequence[Column]
    key: tuple[str, ...]
    name: str
    read: Callable[[Key | None, int], Sequence[Any]]
    about: Callable[[], Meta]
    stamped: Callable[[], str]
    max_age: int = 0
    zone: ZoneInfo | None = None

    def stamp(self) -> str:
        return self.stamped()

    def meta(self) -> Meta:
        return self.about()

    def chunks(self, *, after: Key | None, at_most: int | None, fields: frozenset[str]) -> Iterator[Chunk]:
        columns = [column for column in self.columns if column.name in fields]
        key = [column for name in self.key for column in self.columns if column.name == name]
        while True:
            wanted = min(at_most or CHUNK, CHUNK)
            rows = self.read(after, wanted)
            if rows:
                chunk = {column.name: values_of(column, [getattr(row, column.name) for row in rows]) for column in columns}
                yield chunk
                after = of_last_row(key, chunk)
            if len(rows) < wanted:
                return


def values_of(column: Column, values: Sequence[Any]) -> Values:
    """Python values, None among them where the column is nullable, as the column's arrays."""
    match column.kind:
        case Kind.TEXT:
            texts = np.empty(len(values), object)
            texts[:] = values
            return texts
        case Kind.NUMBER:
            return np.array([np.nan if value is None else value for value in values], np.float64)
        case Kind.INSTANT | Kind.LOCAL:
            return _instants(values)
        case Kind.DAY:
            return np.array(values, "datetime64[D]")
    null = np.array([value is None for value in values], bool)
    dtype = bool if column.kind is Kind.BOOLEAN else np.int64
    plain = np.array([0 if value is None else value for value in values], dtype)
    return Nullable(plain, null) if null.any() else plain


def _instants(values: Sequence[datetime | None]) -> Array:
    return np.array([None if value is None else value.astimezone(UTC).replace(tzinfo=None) for value in values], "datetime64[us]")
