"""What cells hold after people and spreadsheets had a file in their hands, a column at a time."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from energyopti.errors import InvalidInput

SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:\s+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s*([AP])M)?)?", re.IGNORECASE)


def times(cells: Sequence[Any]) -> list[Any]:
    """Each time as ISO-8601; what is none stays as it is. Raises InvalidInput where days stand before months."""
    return [_time(cell) if isinstance(cell, str) else _cell_time(cell) for cell in cells]


def texts(cells: Sequence[Any]) -> list[Any]:
    """Texts letter by letter; None for an empty cell. A spreadsheet turns a name of digits into a number."""
    return [cell or None if isinstance(cell, str) else cell if cell is None else str(cell) for cell in cells]


def values(cells: Sequence[Any]) -> list[Any]:
    """Numbers and flags, without the blanks around them; None for an empty cell."""
    return [cell.strip() or None if isinstance(cell, str) else cell for cell in cells]


def _cell_time(cell: Any) -> Any:
    """A date cell of a spreadsheet counts days in binary fractions: 04:00 comes back as 03:59:59.999997."""
    if not isinstance(cell, datetime):
        return cell
    return (cell + timedelta(milliseconds=500)).replace(microsecond=0).isoformat()


@functools.lru_cache(maxsize=200_000)
def _time(text: str) -> str | None:
    """`6/16/2025 4:00:00 AM`, `7/1/2023 4:00` and `7/1/2023` as ISO-8601; any other text, ISO-8601 too, as it is."""
    match = SLASHED.fullmatch(text.strip())
    if not match:
        return text.strip() or None
    month, day, year, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    if month > 12 >= day:
        raise InvalidInput(f"{text!r}: the day stands before the month; which is which in the other rows cannot be known", field="path")
    if half := match[7]:
        if not 1 <= hour <= 12:
            return text
        hour = hour % 12 + (12 if half in "Pp" else 0)
    try:
        return datetime(year, month, day, hour, minute, second).isoformat()  # noqa: DTZ001 -- the column says the zone
    except ValueError:
        return text
