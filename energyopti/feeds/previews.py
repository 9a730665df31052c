"""What is in a file, before anything of it is stored: its columns against the declared ones, first rows, first faults."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from energyopti.errors import EnergyOptiError, InvalidInput
from energyopti.feeds import files
from energyopti.feeds.feed import Cut, Feed
from energyopti.feeds.openers import opened
from energyopti.feeds.table import Array, Reject, Table

SHOWN_ROWS, SHOWN_FAULTS = 20, 20
LONGEST_TEXT = 300
ALIKE = 0.6  # difflib's own measure and default


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file against the declaration: "found", "missing", "unknown", or "renamed" from `declared` to `found`."""

    state: str
    declared: str
    found: str


@dataclass(frozen=True, slots=True)
class Faults:
    """The refused rows of one column: how many, the first one's number and why."""

    field: str
    code: str
    rows: int
    first_row: int
    reason: str


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows of a file, up to 50,000 of them looked at (`more`: it goes on). `error`: why it cannot be loaded at all."""

    error: str = ""
    columns: tuple[Column, ...] = ()
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    read: int = 0
    refused: int = 0
    more: bool = False
    first: str = ""  # the first and the last interval's beginning among the rows that were read
    last: str = ""
    nodes: int = 0
    faults: tuple[Faults, ...] = ()
    examples: tuple[dict[str, Any], ...] = ()  # the first refused rows: row, field, reason, raw

    @property
    def loadable(self) -> bool:
        return not self.error

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def preview(feed: Feed, source: Path | bytes, name: str) -> Preview:
    """Looks, and changes nothing. What is wrong with the file stands in the Preview, not in an exception."""
    columns: tuple[Column, ...] = ()
    try:
        columns = tuple(_columns(feed, _header(source, name)))
        chunks = files.read_chunks(feed, source, name)
        table = next(chunks)
        table, torn, _ = files.dedupe(feed, table) if len(table) else (table, [], 0)
    except EnergyOptiError as problem:
        return Preview(error=problem.detail, columns=columns)
    rejects = (*table.rejects, *torn)
    return _found(feed, table, rejects, columns, more=len(table) + len(rejects) >= files.CHUNK and next(chunks, None) is not None)


def _found(feed: Feed, table: Table, rejects: Sequence[Reject], columns: tuple[Column, ...], *, more: bool) -> Preview:
    shown = [_texts(column[:SHOWN_ROWS]) for column in table.columns.values()]
    times = table[feed.time] if len(table) and feed.cut is not Cut.SNAPSHOT else None
    return Preview(
        error="" if len(table) else "no row of it can be read" if rejects else f"there are no rows in it for {feed.name}",
        columns=columns,
        headings=tuple(table.columns),
        rows=tuple(zip(*shown, strict=True)),
        read=len(table),
        refused=len(rejects),
        more=more,
        first="" if times is None else f"{times.min()}Z",
        last="" if times is None else f"{times.max()}Z",
        nodes=len(np.unique(table[feed.node_column])) if feed.node_column and len(table) else 0,
        faults=tuple(_by_column(rejects)),
        examples=tuple(_example(reject) for reject in rejects[:SHOWN_FAULTS]),
    )


def _header(source: Path | bytes, name: str) -> list[str] | None:
    """The names in a table's first line; None for a JSON document, whose rows name their own."""
    with opened(source, name) as content:
        if isinstance(content, bytes):
            return None
        first = next((record for record in content if not record.blank), None)
    if first is None:
        raise InvalidInput(f"{name} is empty", field="path")
    return [text for cell in first.cells if (text := "" if cell is None else str(cell).strip())]


def _columns(feed: Feed, found: list[str] | None) -> Iterator[Column]:
    if found is None:
        return
    declared = feed.row.__struct_encode_fields__
    missing = [name for name in declared if name not in found]
    unknown = [name for name in dict.fromkeys(found) if name not in declared]
    renamed = dict(_alike(missing, unknown))
    for name in declared:
        if name in found:
            yield Column("found", name, name)
        else:
            yield Column("renamed" if name in renamed else "missing", name, renamed.get(name, ""))
    yield from (Column("unknown", "", name) for name in unknown if name not in renamed.values())


def _alike(missing: Sequence[str], unknown: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Which unknown column could be which missing one: a hint for the person, nothing is read by it."""
    left = {name.lower(): name for name in missing}
    for name in unknown:
        if close := difflib.get_close_matches(name.lower().replace(" ", "_"), left, n=1, cutoff=ALIKE):
            yield left.pop(close[0]), name


def _by_column(rejects: Sequence[Reject]) -> Iterator[Faults]:
    ordered = sorted(rejects, key=lambda reject: (reject.field, reject.code, reject.row))
    for (column, code), group in groupby(ordered, key=lambda reject: (reject.field, reject.code)):
        rows = list(group)
        yield Faults(column, code, len(rows), rows[0].row, rows[0].reason[:LONGEST_TEXT])


def _example(reject: Reject) -> dict[str, Any]:
    return {"row": reject.row, "field": reject.field, "reason": reject.reason[:LONGEST_TEXT], "raw": reject.raw[:LONGEST_TEXT]}


def _texts(column: Array) -> list[str]:
    """Values as a person reads them: UTC times, prices without exponents, nothing where there is nothing."""
    if column.dtype.kind == "M":
        return ["" if np.isnat(moment) else f"{moment}Z" for moment in column]
    if column.dtype.kind == "f":
        return ["" if np.isnan(value) else np.format_float_positional(value, trim="-") for value in column]
    return ["" if value is None else str(value) for value in column.tolist()]
