"""A row store that any feed can use: a Table's columns into a model's table, set-based."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from django.apps import apps
from django.db import connection, models
from psycopg import sql

from energyopti.feeds.feed import Batch, Feed, Written
from energyopti.feeds.table import Array
from energyopti.intervals import Span


@dataclass(frozen=True, slots=True)
class RowStore:
    """Rows by natural key: a new key is inserted, a changed row updated, the same row left alone, a vanished one kept.

    `fields` maps the Table's columns to the model's fields; a None in a text column becomes "" where the field allows no
    null. A model's fields `sandbox` and `run` are filled from the batch; `run` is the last one that changed the row.
    """

    model: str  # "markets.Node"
    key: tuple[str, ...]  # fields, `sandbox` among them where the model has it; a unique constraint stands on them
    fields: Mapping[str, str]
    constants: Mapping[str, Any] = field(default_factory=dict)  # field → value, the same in each row

    def prepare(self, feed: Feed, window: Span) -> None:
        """There is always room."""

    def write(self, batch: Batch) -> Written:
        """Store the rows of one window. All that came is expected and stored: a snapshot cannot say what it lacks."""
        rows = len(batch.table)
        if not rows:
            return Written(nodes=0, expected=0, stored=0)
        columns = self._columns(batch)
        with connection.cursor() as cursor, connection.wrap_database_errors:
            cursor.execute(self._statement("CREATE TEMP TABLE {stage} ON COMMIT DROP AS SELECT {names} FROM {table} WITH NO DATA", columns))
            with cursor.copy(self._statement("COPY {stage} ({names}) FROM STDIN", columns)) as copy:
                for row in zip(*columns.values(), strict=True):
                    copy.write_row(row)
            cursor.execute(self._upsert(columns))
            inserted = [fresh for (fresh,) in cursor.fetchall()]
            cursor.execute(self._statement("DROP TABLE {stage}", columns))
        return Written(nodes=rows, expected=rows, stored=rows, new=sum(inserted), changed=len(inserted) - sum(inserted))

    @property
    def _model(self) -> type[models.Model]:
        return apps.get_model(self.model)

    def _columns(self, batch: Batch) -> dict[str, list[Any]]:
        """Database columns and their values."""
        meta, rows = self._model._meta, len(batch.table)
        columns: dict[str, list[Any]] = {}
        for name, target in self.fields.items():
            values = list(_values(batch.table[name]))
            filled = meta.get_field(target)
            blank = isinstance(filled, models.CharField | models.TextField) and not filled.null
            columns[target] = ["" if value is None else value for value in values] if blank else values
        columns |= {name: [value] * rows for name, value in self.constants.items()}
        stamps = {"sandbox": batch.sandbox, "run": batch.run_id}
        own = {one.name: str(one.column) for one in meta.concrete_fields}
        return columns | {own[name]: [value] * rows for name, value in stamps.items() if name in own}

    def _upsert(self, columns: Mapping[str, list[Any]]) -> sql.Composed:
        values = [name for name in columns if name not in self.key]
        compared = [name for name in values if name != "run_id"]
        return self._statement(
            "INSERT INTO {table} AS t ({names}) SELECT {names} FROM {stage} ORDER BY {key}"
            " ON CONFLICT ({key}) DO UPDATE SET {assigned} WHERE ({old}) IS DISTINCT FROM ({new}) RETURNING (xmax = 0)",
            columns,
            key=_names(self.key),
            assigned=sql.SQL(", ").join(sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name)) for name in values),
            old=_names(compared, "t"),
            new=_names(compared, "excluded"),
        )

    def _statement(self, text: str, columns: Mapping[str, list[Any]], **parts: sql.Composable) -> sql.Composed:
        table = self._model._meta.db_table
        stage = sql.Identifier(f"{table}_stage")
        return sql.SQL(text).format(table=sql.Identifier(table), stage=stage, names=_names(columns), **parts)


def _names(names: Any, table: str = "") -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(table, name) if table else sql.Identifier(name) for name in names)


def _values(column: Array) -> Iterator[Any]:
    """A column as PostgreSQL's values: times are aware UTC, NaT and None are null."""
    if column.dtype.kind != "M":
        yield from column.tolist()
        return
    for moment in column.astype("datetime64[s]").astype(object):
        yield None if moment is None else moment.replace(tzinfo=UTC)
