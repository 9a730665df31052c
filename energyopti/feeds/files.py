"""Files that people made of a feed: exports, opened in a spreadsheet and saved again, gzipped or not.

What is unmistakable is read: a byte order mark, `6/16/2025 4:00:00 AM`, `7/1/2023 4:00`, TRUE for True, semicolons and
tabs, blank lines, cells that a spreadsheet knows to be dates. What could mean two things is refused, never guessed.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import numpy as np

from energyopti.errors import InvalidInput
from energyopti.feeds import people, registry
from energyopti.feeds.feed import Feed
from energyopti.feeds.openers import Record, opened
from energyopti.feeds.rows import Stamp, bad_value, check_columns
from energyopti.feeds.table import Array, Reject, Table, concat

CHUNK = 50_000  # rows: the memory of one page
MAX_REJECTS = 10_000  # beyond, it is another file than the one that was meant


def read(feed: Feed, source: Path | bytes, name: str) -> Table:
    """A whole file: CSV, CSV.gz, XLSX, or an answer of the upstream that was saved as JSON. Exact repeats are dropped.

    Raises InvalidInput for a file that is none of these, is empty or has days before months; StructureChanged.
    """
    tables = []
    refused = 0
    for table in read_chunks(feed, source, name):
        tables.append(table)
        refused += len(table.rejects)
        if refused > MAX_REJECTS:
            first = next(reject for table in tables for reject in table.rejects)
            raise InvalidInput(
                f"{name}: more than {MAX_REJECTS} rows do not fit {feed.name}; row {first.row}: {first.reason}", field="path"
            )
    table, rejects, _ = dedupe(feed, concat(tables))
    return replace(table, rejects=table.rejects + tuple(rejects))


def read_chunks(feed: Feed, source: Path | bytes, name: str) -> Iterator[Table]:
    """The file's rows, 50,000 at a time; at least one Table, which may be empty. Rejects count the data rows from 1."""
    with opened(source, name) as content:
        if isinstance(content, bytes):
            yield registry.upstream(feed.upstream).parse(feed, content, {}).table
            return
        filled = (record for record in content if not record.blank)
        header = next(filled, None)
        if header is None:
            raise InvalidInput(f"{name} is empty", field="path")
        names = _names(feed, header.cells)
        numbered = enumerate(filled, 1)
        yield _table(feed, names, list(itertools.islice(numbered, CHUNK)))
        while records := list(itertools.islice(numbered, CHUNK)):
            yield _table(feed, names, records)


def _names(feed: Feed, cells: Sequence[Any]) -> list[str]:
    """The columns' names, blanks around them and empty ones behind them left out. Raises StructureChanged."""
    names = ["" if cell is None else str(cell).strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    check_columns(feed, names)
    if len(set(names)) < len(names):
        raise InvalidInput(
            f"{feed.name}: the column {next(n for n in names if names.count(n) > 1)} stands twice in the header", field="path"
        )
    return names


def _table(feed: Feed, names: Sequence[str], records: list[tuple[int, Record]]) -> Table:
    rejects: list[Reject] = []
    fitting: list[tuple[int, Record]] = []
    for number, record in records:
        if record.fit(len(names)):
            fitting.append((number, record))
        else:
            reason = f"{len(record.cells)} cells under {len(names)} columns"
            rejects.append(Reject(number, record.text, "wrong-cells", reason))
    rows, read_records = _rows(feed, names, fitting, rejects)
    table = feed.columns(rows)
    for reject in table.rejects:
        number, record = read_records[reject.row - 1]
        rejects.append(replace(reject, row=number, raw=record.text))
    return replace(table, rejects=tuple(sorted(rejects, key=lambda reject: reject.row)))


def _rows(
    feed: Feed, names: Sequence[str], records: list[tuple[int, Record]], rejects: list[Reject]
) -> tuple[list[Any], list[tuple[int, Record]]]:
    """The rows that can be read with their records; the others go to `rejects`."""
    readers = _readers(feed.row)
    columns = [
        readers[name](column) for name, column in zip(names, zip(*(record.cells for _, record in records), strict=True), strict=False)
    ]
    mappings = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    try:
        return msgspec.convert(mappings, list[feed.row], strict=False), records  # type: ignore[name-defined]
    except msgspec.ValidationError:
        return _one_by_one(feed, mappings, records, rejects)


def _one_by_one(
    feed: Feed, mappings: list[dict[str, Any]], records: list[tuple[int, Record]], rejects: list[Reject]
) -> tuple[list[Any], list[tuple[int, Record]]]:
    rows: list[Any] = []
    kept: list[tuple[int, Record]] = []
    for mapping, (number, record) in zip(mappings, records, strict=True):
        try:
            rows.append(msgspec.convert(mapping, feed.row, strict=False))
            kept.append((number, record))
        except msgspec.ValidationError as problem:
            field, reason = bad_value(problem, mapping)
            rejects.append(Reject(number, record.text, "bad-value", reason, field))
    return rows, kept


@functools.cache
def _readers(row: type[msgspec.Struct]) -> Mapping[str, Any]:
    """How the cells of each column are brought to what its declared type reads: by kind of column, not cell by cell."""
    return {name: _reader(hint) for name, hint in get_type_hints(row, include_extras=True).items()}


def _reader(hint: Any) -> Any:
    if hint == Stamp:
        return people.times
    return people.texts if hint is str or str in get_args(hint) else people.values


# --- rows that stand twice -------------------------------------------------------------------------


def dedupe(feed: Feed, table: Table) -> tuple[Table, list[Reject], int]:
    """The table with each key once, the rows that contradict each other, and how many exact repeats were dropped.

    Of rows with the same key and other values nobody can say which is right: all of them are rejected. Their numbers
    count the table's rows from 1.
    """
    order = np.lexsort([table[name] for name in reversed(feed.key)])
    same_key = _repeats(table, feed.key, order)
    if not same_key.any():
        return table, [], 0
    same_row = same_key & _repeats(table, tuple(name for name in table.columns if name not in feed.key), order)
    group = np.concatenate(([0], np.cumsum(~same_key)))
    torn = np.zeros(group[-1] + 1, dtype=bool)
    torn[group[1:][same_key & ~same_row]] = True
    first = np.concatenate(([True], ~same_key))
    rejects = [_contradiction(feed, table, i) for i in np.sort(order[torn[group]]).tolist()]
    dropped = int((same_row & ~torn[group[1:]]).sum())
    kept = table.take(np.sort(order[first & ~torn[group]]))
    return replace(kept, rejects=table.rejects), rejects, dropped


def _repeats(table: Table, names: Sequence[str], order: Array) -> Array:
    """For each row but the first in `order`: does it equal the one before it in all these columns?"""
    same = np.ones(max(len(order) - 1, 0), dtype=bool)
    for name in names:
        column = table[name][order]
        column = column.view(np.int64) if column.dtype.kind == "M" else column  # NaT equals NaT
        equal = column[1:] == column[:-1]
        same &= equal | (np.isnan(column[1:]) & np.isnan(column[:-1])) if column.dtype.kind == "f" else equal
    return same


def _contradiction(feed: Feed, table: Table, index: int) -> Reject:
    values = ", ".join(f"{name}={table[name][index]}" for name in table.columns)
    return Reject(index + 1, values, "contradiction", f"another row has the same {', '.join(feed.key)} and other values")
