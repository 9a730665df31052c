"""Arrow, Parquet and CSV, chunk by chunk: pyarrow writes all three, and is loaded by the first request that wants one."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from pyarrow import csv, ipc, parquet

from energyopti.api.columns import Chunk, Coded, Column, Kind, Nullable, Values, rows_in
from energyopti.api.formats.text import tokens
from energyopti.feeds.table import Array

Writer = Callable[[pa.Schema, Iterable[pa.RecordBatch]], Iterator[bytes]]


def encoded(
    form: str, columns: Sequence[Column], chunks: Iterable[Chunk], *, zone: ZoneInfo | None, about: Mapping[str, str]
) -> Iterator[bytes]:
    """The body of one answer in `form` (csv, parquet, arrow), in pieces. `about` goes into the schema's metadata."""
    typed = _as_csv if form == "csv" else _typed
    schema = pa.schema([_field(column, zone, text_times=form == "csv") for column in columns], metadata=dict(about))
    batches = (
        pa.record_batch([typed(column, chunk[column.name], zone) for column in columns], schema=schema)
        for chunk in chunks
        if rows_in(chunk)
    )
    return _WRITERS[form](schema, batches)


def _field(column: Column, zone: ZoneInfo | None, *, text_times: bool) -> pa.Field:
    if text_times and column.kind in (Kind.INSTANT, Kind.LOCAL):
        return pa.field(column.name, pa.string())
    types = {
        Kind.TEXT: pa.string(),
        Kind.INTEGER: pa.int64(),
        Kind.NUMBER: pa.float64(),
        Kind.INSTANT: pa.timestamp("us", "UTC"),
        Kind.LOCAL: pa.timestamp("us", zone.key if zone else "UTC"),
        Kind.DAY: pa.date32(),
        Kind.BOOLEAN: pa.bool_(),
    }
    return pa.field(column.name, types[column.kind], metadata={"description": column.description})


def _typed(column: Column, values: Values, zone: ZoneInfo | None) -> pa.Array:
    if isinstance(values, Coded):
        coded = pa.DictionaryArray.from_arrays(pa.array(values.codes.astype(np.int32)), pa.array(values.values, pa.string()))
        return coded.dictionary_decode()
    if isinstance(values, Nullable):
        return pa.array(values.values, _field(column, zone, text_times=False).type, mask=values.null, safe=True)
    if column.kind in (Kind.INSTANT, Kind.LOCAL):
        values = values.astype("datetime64[us]")
    kind = _field(column, zone, text_times=False).type
    return pa.array(values, kind, from_pandas=True)  # NaN and NaT are nulls


def _as_csv(column: Column, values: Values, zone: ZoneInfo | None) -> pa.Array:
    if isinstance(values, np.ndarray) and column.kind in (Kind.INSTANT, Kind.LOCAL):
        return _times(column, values, zone)
    return _typed(column, values, zone)


def _times(column: Column, values: Array, zone: ZoneInfo | None) -> pa.Array:
    """As in JSON. The same few thousand instants come again with each node: each is written once."""
    instants, places = np.unique(values.astype(np.int64), return_inverse=True)
    told = [token.decode().strip('"') for token in tokens(column, instants.astype(values.dtype), zone)]
    texts = pa.array([None if text == "null" else text for text in told], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32)), texts).dictionary_decode()


class _Sink(io.RawIOBase):
    """What a writer has written and nobody has taken yet."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(self._pieces[-1])

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _written(open_writer: Callable[[_Sink], Any], batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    sink = _Sink()
    writer = open_writer(sink)
    for batch in batches:
        writer.write_batch(batch)
        yield sink.taken()
    writer.close()  # not after an error: an answer that broke off must not look whole
    yield sink.taken()


def _csv(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    return _written(lambda sink: csv.CSVWriter(sink, schema), batches)


def _arrow(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    return _written(lambda sink: ipc.new_stream(sink, schema), batches)


def _parquet(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """A dictionary where values come again; prices are their own: looking for repeats there costs most of the time."""
    coded = [field.name for field in schema if not pa.types.is_floating(field.type)]
    options = {"compression": "snappy", "use_dictionary": coded, "write_page_index": True}
    return _written(lambda sink: parquet.ParquetWriter(sink, schema, **options), batches)


_WRITERS: dict[str, Writer] = {"csv": _csv, "arrow": _arrow, "parquet": _parquet}
