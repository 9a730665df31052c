"""Where a page ended: the key values of its last row, as text that a program hands back unread."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import numpy as np

from energyopti.api.columns import Chunk, Coded, Column, Kind, Values
from energyopti.errors import InvalidInput

Key = tuple[Any, ...]
_TYPES: Mapping[Kind, Any] = {
    Kind.TEXT: str,
    Kind.INTEGER: int,
    Kind.INSTANT: datetime,
    Kind.DAY: date,
    Kind.BOOLEAN: bool,
    Kind.NUMBER: float,
}


class BadCursor(InvalidInput):
    """Not a cursor that this endpoint gave."""

    code = "bad-cursor"


def of_last_row(key: Sequence[Column], chunk: Chunk) -> Key:
    """The key of a chunk's last row: int, str, aware datetime, date."""
    return tuple(_plain(column, chunk[column.name]) for column in key)


def _plain(column: Column, values: Values) -> Any:
    if isinstance(values, Coded):
        return values.values[values.codes[-1]]
    assert isinstance(values, np.ndarray)
    last = values[-1]
    if column.kind is Kind.INSTANT:
        return last.astype("datetime64[us]").item().replace(tzinfo=UTC)
    return last.item() if isinstance(last, np.generic) else last


def encode(key: Key) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def decode(key: Sequence[Column], text: str) -> Key:
    """Raises BadCursor."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        values: Key = msgspec.json.decode(raw, type=tuple[tuple(_TYPES[column.kind] for column in key)])  # type: ignore[misc]
    except (binascii.Error, msgspec.DecodeError, ValueError):
        raise BadCursor("this cursor is not one that this endpoint gave; take `next` as it comes", field="cursor") from None
    for value in values:
        if isinstance(value, datetime) and value.tzinfo is None:
            raise BadCursor("this cursor is not one that this endpoint gave; take `next` as it comes", field="cursor")
        if (isinstance(value, int) and abs(value) >= 1 << 63) or (isinstance(value, str) and "\0" in value):
            raise BadCursor("this cursor is not one that this endpoint gave; take `next` as it comes", field="cursor")
    return values
