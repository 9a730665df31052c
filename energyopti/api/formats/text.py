"""JSON from arrays: no Python object per price, and what repeats is written once and copied.

A column becomes `tokens`, the JSON text of each value; rows and columns are put together from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import orjson

from energyopti.api.columns import Chunk, Coded, Column, Kind, Nullable, Values, rows_in
from energyopti.api.formats.local import offsets
from energyopti.feeds.table import Array

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC
_AT_ONCE = (Kind.INTEGER, Kind.NUMBER, Kind.INSTANT, Kind.BOOLEAN, Kind.TEXT)  # what orjson writes in one go
_FIRST, _LAST = np.datetime64("0001-01-01"), np.datetime64("9999-12-31")  # what orjson writes lies between
_FEW = 4  # runs this many times rarer than rows are worth looking for


def dumps(value: Any) -> bytes:
    return orjson.dumps(value, option=_OPTIONS)


def columns_body(columns: Sequence[Column], chunks: Sequence[Chunk], zone: ZoneInfo | None) -> dict[str, orjson.Fragment]:
    """field → its JSON array over all chunks."""
    return {column.name: orjson.Fragment(_joined(_array(column, chunk[column.name], zone) for chunk in chunks)) for column in columns}


def rows_body(columns: Sequence[Column], chunks: Iterable[Chunk], zone: ZoneInfo | None) -> orjson.Fragment:
    """The JSON array of row objects."""
    return orjson.Fragment(_joined(b",".join(_rows(columns, chunk, zone)) for chunk in chunks if rows_in(chunk)))


def _joined(parts: Iterable[bytes]) -> bytes:
    return b"[" + b",".join(part for part in parts if part) + b"]"


def _rows(columns: Sequence[Column], chunk: Chunk, zone: ZoneInfo | None) -> Iterator[bytes]:
    names = [f'{"," if place else "{"}"{column.name}":'.encode() for place, column in enumerate(columns)]
    values = [tokens(column, chunk[column.name], zone) for column in columns]
    pieces = chain.from_iterable(zip(map(repeat, names), values, strict=True))
    return map(b"".join, zip(*pieces, repeat(b"}"), strict=False))


def _array(column: Column, values: Values, zone: ZoneInfo | None) -> bytes:
    """A column's JSON values with commas between, without brackets."""
    if runs := _runs(values):
        heads, counts = runs
        told = zip(_each(column, values[heads], zone), counts.tolist(), strict=True)
        return b"".join((token + b",") * count for token, count in told)[:-1]
    if isinstance(values, np.ndarray) and column.kind in _AT_ONCE and not _odd_times(values):
        return dumps(values.tolist() if column.kind is Kind.TEXT else np.ascontiguousarray(values))[1:-1]
    return b",".join(_each(column, values, zone))


def tokens(column: Column, values: Values, zone: ZoneInfo | None = None) -> list[bytes]:
    """The JSON text of each value."""
    runs = _runs(values)
    if runs is None:
        return _each(column, values, zone)
    heads, counts = runs
    return list(chain.from_iterable(map(repeat, _each(column, values[heads], zone), counts.tolist())))


def _each(column: Column, values: Values, zone: ZoneInfo | None) -> list[bytes]:
    if isinstance(values, Nullable):
        plain = _each(column, values.values, zone)
        return [b"null" if null else token for token, null in zip(plain, values.null.tolist(), strict=True)]
    if isinstance(values, Coded):
        told = _texts(values.values)
        return [told[code] for code in values.codes.tolist()]
    if column.kind is Kind.TEXT:
        return _texts(values.tolist())
    if _odd_times(values):
        able = (values >= _FIRST) & (values < _LAST)
        there = iter(_each(column, values[able], zone))
        return [next(there) if one else _odd(column, value) for one, value in zip(able.tolist(), values, strict=True)]
    if not len(values):
        return []
    if column.kind is Kind.LOCAL:
        return _local(values, zone)
    text = dumps(np.ascontiguousarray(values))[1:-1]
    return (text.replace(b"T00:00:00Z", b"") if column.kind is Kind.DAY else text).split(b",")


def _texts(values: Sequence[str | None]) -> list[bytes]:
    """All at once where no text holds a quote: then `","` stands nowhere but between two."""
    told = dumps(values)
    if None in values or b'\\"' in told:
        return [dumps(value) for value in values]
    return [b'"%b"' % text for text in told[2:-2].split(b'","')] if values else []


def _local(values: Array, zone: ZoneInfo | None) -> list[bytes]:
    assert zone is not None
    minutes = offsets(values, zone)
    clock = dumps(values + minutes.astype("timedelta64[m]"))[2:-2].replace(b"Z", b"").split(b'","')
    signs = {one: f'{"-" if one < 0 else "+"}{abs(one) // 60:02}:{abs(one) % 60:02}"'.encode() for one in np.unique(minutes).tolist()}
    return [b'"' + time + signs[offset] for time, offset in zip(clock, minutes.tolist(), strict=True)]


def _odd_times(values: Array) -> bool:
    """Whether there is one that orjson does not write: NaT (NaN it knows), or the calendar's last day, and what is beyond."""
    return values.dtype.kind == "M" and len(values) > 0 and not (values.min() >= _FIRST and values.max() < _LAST)


def _odd(column: Column, value: np.datetime64) -> bytes:
    if np.isnat(value):
        return b"null"
    return f'"{value}{"" if column.kind is Kind.DAY else "Z"}"'.encode()


def _runs(values: Values) -> tuple[Array, Array] | None:
    """Where runs of equal values begin and how long they are; None where they are not much fewer than values."""
    keys = values.codes if isinstance(values, Coded) else values.values if isinstance(values, Nullable) else values
    if len(keys) < _FEW or keys.dtype.kind == "O":
        return None
    new = np.append(True, keys[1:] != keys[:-1])
    if isinstance(values, Nullable):
        new[1:] |= values.null[1:] != values.null[:-1]
    heads = np.flatnonzero(new)
    if len(heads) * _FEW > len(keys):
        return None
    return heads, np.diff(np.append(heads, len(keys)))
