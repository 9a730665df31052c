"""What all parsers share: the text of a time, and whether the columns are those that a feed declares."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import msgspec

from energyopti.errors import StructureChanged

if TYPE_CHECKING:
    from energyopti.feeds.feed import Feed

# A row's column that holds a time as text, without a zone. Files that people made are brought to ISO-8601 by this mark.
Stamp = Annotated[str, msgspec.Meta(title="time")]
_KINDS = {"float": "a number", "int": "a whole number", "str": "a text", "bool": "true or false", "null": "empty"}


def check_columns(feed: Feed, found: Iterable[str]) -> None:
    """Raises StructureChanged that names every missing and every unknown column, and what was expected."""
    declared, present = feed.row.__struct_encode_fields__, tuple(found)
    missing = [name for name in declared if name not in present]
    unknown = [name for name in present if name not in declared]
    if not missing and not unknown:
        return
    parts = [f"missing {', '.join(missing)}"] if missing else []
    parts += [f"unknown {', '.join(repr(name) for name in unknown)}"] if unknown else []
    renamed = f" (was {missing[0]} renamed to {unknown[0]!r}?)" if len(missing) == len(unknown) == 1 else ""
    raise StructureChanged(
        f"{feed.name}: other columns than declared: {'; '.join(parts)}{renamed}; expected {', '.join(declared)}",
        field=(missing or unknown)[0],
    )


def bad_value(problem: msgspec.ValidationError, row: Mapping[str, Any]) -> tuple[str, str]:
    """The column that a refused row has wrong, and what is wrong there, in words."""
    place = re.search(r"at `\$\.(\w+)`", str(problem))
    wanted = re.match(r"Expected `([^`]+)`", str(problem))
    if place is None or wanted is None:
        return place[1] if place else "", str(problem)
    kinds = " or ".join(_KINDS.get(kind, kind) for kind in wanted[1].split(" | "))
    return place[1], f"{place[1]} must be {kinds}, and is {str(row.get(place[1]))[:80]!r}"


@functools.lru_cache(maxsize=200_000)  # half a million rows of one pull repeat a few hundred times
def seconds(text: str) -> int | None:
    """Seconds since 1970 of a zoneless ISO-8601 time read as UTC, fractions cut off; None where it is no such time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo else int(moment.replace(tzinfo=UTC).timestamp())


def wall_clock(instant: int, zone: ZoneInfo) -> str:
    """What a clock on the wall in `zone` shows at `instant` (seconds since 1970): ISO-8601 without an offset."""
    return datetime.fromtimestamp(instant, zone).replace(tzinfo=None).isoformat()


def seconds_of_wall_clock(text: str, zone: ZoneInfo) -> int | None:
    """Seconds since 1970 of a zoneless ISO-8601 time read in `zone` (the earlier one, where a clock shows it twice)."""
    moment = seconds(text)
    return None if moment is None else int(datetime.fromtimestamp(moment, UTC).replace(tzinfo=zone).timestamp())
