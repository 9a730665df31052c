"""PostgreSQL to numpy and back, without a Python object per price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from weakref import WeakSet

import numpy as np
import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.adapt import Loader
from psycopg.pq import Format

from energyopti.feeds.table import Array

Rows = psycopg.Cursor[tuple[Any, ...]]
PG_EPOCH = 946_684_800_000_000  # 2000-01-01 UTC in microseconds since 1970: where PostgreSQL begins to count

# element type → its OID, and how it lies in memory; psycopg wants an array's loader registered by the ARRAY's OID
_SCALAR = {"int2": (21, ">i2"), "int4": (23, ">i4"), "int8": (20, ">i8"), "float8": (701, ">f8")}
_ARRAY_OID = {"int2": 1005, "int4": 1007, "int8": 1016, "float8": 1022}
_HEADER = 20  # bytes before the first element of a one-dimensional array
_SIGNATURE, _END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"  # of binary COPY: no flags, no extension
_CHUNK = 1_000  # rows encoded at a time: 10 to 30 MB


def _loader(element: str, since: int = 0) -> type[Loader]:
    """Reads a one-dimensional array without nulls; `since` is added to each element."""
    dtype = np.dtype([("length", ">i4"), ("value", _SCALAR[element][1])])
    native = dtype["value"].newbyteorder("=")

    class ArrayLoader(Loader):
        format = Format.BINARY

        def load(self, data: Any) -> Array:
            found = np.frombuffer(data, dtype, offset=min(_HEADER, len(data) - len(data) % dtype.itemsize))["value"].astype(native)
            return found + since if since else found

    return ArrayLoader


_LOADERS = {oid: _loader(element) for element, oid in _ARRAY_OID.items()}
_LOADERS[1185] = _loader("int8", PG_EPOCH)  # timestamptz: microseconds since 1970

_taught: WeakSet[psycopg.Connection[Any]] = WeakSet()


@contextmanager
def cursor(using: str = DEFAULT_DB_ALIAS) -> Iterator[Rows]:
    """A cursor on Django's connection (and in its transaction) that answers in binary: arrays come as numpy arrays."""
    connection = connections[using]
    connection.ensure_connection()
    _teach(connection.connection)
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as rows:
        rows.format = Format.BINARY
        yield rows


def _teach(connection: psycopg.Connection[Any]) -> None:
    """Once a connection: for each cursor it would take as long as a short query. Django's own cursors ask for text."""
    if connection not in _taught:
        for oid, loader in _LOADERS.items():
            connection.adapters.register_loader(oid, loader)
        _taught.add(connection)


def reading() -> AbstractContextManager[Rows]:
    """The same where a moment's delay does no harm: on the replica, when there is one."""
    return cursor(settings.READ_DATABASE)


def columns(rows: Rows, types: Mapping[str, str], query: str, params: Mapping[str, Any]) -> dict[str, Array]:
    """A query's columns, one array each, in the order of its rows; none of them may be null.

    `types`: column → int2, int4, int8, float8 or timestamptz (microseconds since 1970). PostgreSQL packs the rows as they
    would be sent, and sends them as one value: three fifths of the time that an array_agg a column takes.
    """
    packed = " || ".join(f"{kind}{'_' if kind == 'timestamptz' else ''}send({name}::{kind})" for name, kind in types.items())
    rows.execute(f"SELECT string_agg({packed}, '') FROM ({query}) packed", params)  # noqa: S608 types and query are our own
    row = rows.fetchone()
    assert row is not None
    dtype = np.dtype([(name, _SCALAR["int8" if kind == "timestamptz" else kind][1]) for name, kind in types.items()])
    found = np.frombuffer(row[0] or b"", dtype)
    columns = {name: _native(found[name]) for name in types}
    return columns | {name: columns[name] + PG_EPOCH for name, kind in types.items() if kind == "timestamptz"}


def copy_out(rows: Rows, query: str, params: Mapping[str, Any], types: Mapping[str, str]) -> list[dict[str, Array]]:
    """A query's rows by binary COPY, in groups of one shape: rows of a group have the same array lengths and the same nulls.

    `types` as in copy_in, in the order of the query's columns. A column is (k,) or (k, n); where it is null it is left out.
    """
    with rows.copy(f"COPY ({query}) TO STDOUT (FORMAT binary)", params) as copy:
        messages = list(copy)  # each is libpq's own memory, no copy of it
    by_length: dict[int, list[Any]] = {}
    for place, message in enumerate(messages):
        row = message[len(_SIGNATURE) :] if not place else message
        if row and row != _END:
            by_length.setdefault(len(row), []).append(row)
    return [group for same in by_length.values() for group in _groups(b"".join(same), len(same), types)]


def _groups(data: bytes, k: int, types: Mapping[str, str]) -> Iterator[dict[str, Array]]:
    """Rows of one length, group by group: the first row says how the others of its shape lie in memory."""
    raw = np.frombuffer(data, np.uint8).reshape(k, -1)
    while len(raw):
        found = raw.view(_layout(raw[0].tobytes(), types)).reshape(-1)
        alike = np.logical_and.reduce([found[f"{name}.size"] == found[f"{name}.size"][0] for name in types])
        there = [name for name in types if name in (found.dtype.names or ())]
        rows = slice(None) if alike.all() else alike  # a mask would copy the whole once more
        yield {name: _native(found[name][rows]["value"] if types[name].endswith("[]") else found[name][rows]) for name in there}
        raw = raw[~alike]


def _layout(row: bytes, types: Mapping[str, str]) -> np.dtype[Any]:
    layout: list[tuple[Any, ...]] = [("fields", ">i2")]
    at = 2
    for name, kind in types.items():
        size = int.from_bytes(row[at : at + 4], "big", signed=True)
        at += 4 + max(size, 0)
        n = (size - _HEADER) // _element(kind).itemsize if kind.endswith("[]") else 0
        layout += [(f"{name}.size", ">i4")] if size < 0 else _field(name, kind, np.empty((0, n)))
    return np.dtype(layout)


def _native(values: Array) -> Array:
    return values.astype(values.dtype.newbyteorder("="))


def literal(values: Array) -> str:
    """Integers as the text of a PostgreSQL array: psycopg takes five times as long over a list."""
    return "{" + ",".join(map(str, values.tolist())) + "}"


def copy_in(rows: Rows, table: str, types: Mapping[str, str], values: Mapping[str, Array], nulls: Mapping[str, Array]) -> None:
    """Binary COPY into `table`. `types`: column → "int8", "float8[]" …, in the order of COPY.

    `values` holds (k,) or, for arrays, (k, n); a timestamptz goes as int8, microseconds since 1970, under "timestamptz".
    `nulls` holds masks (k,) of the columns that may be null. Rows are grouped by which of them are: a vectorised
    encoding needs rows of one shape.
    """
    k = len(next(iter(values.values())))
    shape = sum((nulls[name].astype(np.int64) << place for place, name in enumerate(nulls)), np.zeros(k, np.int64))
    with rows.copy(f"COPY {table} ({', '.join(types)}) FROM STDIN (FORMAT binary)") as copy:
        copy.write(_SIGNATURE)
        for kind in np.unique(shape):
            absent = {name for place, name in enumerate(nulls) if kind >> place & 1}
            members = np.flatnonzero(shape == kind)
            for first in range(0, len(members), _CHUNK):
                part = members[first : first + _CHUNK]
                if len(part) == k:
                    part = slice(None)  # type: ignore[assignment]  # no copy where all rows are of one shape
                copy.write(_encode(types, {name: values[name][part] for name in types if name not in absent}))
        copy.write(_END)


def _encode(types: Mapping[str, str], values: Mapping[str, Array]) -> memoryview:
    """Rows in PostgreSQL's binary COPY format; a column without values is null."""
    k = len(next(iter(values.values())))
    layout = [("fields", ">i2"), *(field for name, kind in types.items() for field in _field(name, kind, values.get(name)))]
    out = np.empty(k, np.dtype(layout))
    out["fields"] = len(types)
    for name, kind in types.items():
        size = f"{name}.size"
        if name not in values:
            out[size] = -1
        elif kind.endswith("[]"):
            _fill_array(out, name, kind.removesuffix("[]"), values[name])
        else:
            value = out[name]
            value[:] = values[name] - PG_EPOCH if kind == "timestamptz" else values[name]
            out[size] = value.dtype.itemsize
    return out.view(np.uint8).data


def _field(name: str, kind: str, value: Array | None) -> list[tuple[Any, ...]]:
    size = (f"{name}.size", ">i4")
    if value is None:
        return [size]
    if not kind.endswith("[]"):
        return [size, (name, _SCALAR["int8" if kind == "timestamptz" else kind][1])]
    return [size, (f"{name}.header", ">i4", (5,)), (name, _element(kind), (value.shape[1],))]


def _element(kind: str) -> np.dtype[Any]:
    return np.dtype([("length", ">i4"), ("value", _SCALAR[kind.removesuffix("[]")][1])])


def _fill_array(out: Array, name: str, element: str, value: Array) -> None:
    oid, dtype = _SCALAR[element]
    n, width = value.shape[1], np.dtype(dtype).itemsize
    out[f"{name}.size"] = _HEADER + n * (4 + width)
    out[f"{name}.header"] = (1, 0, oid, n, 1)  # dimensions, nulls, element type, length, lower bound
    out[name]["length"] = width
    out[name]["value"] = value
