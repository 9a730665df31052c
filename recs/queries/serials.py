"""Serial numbers as registries write them, and as people type them."""

from __future__ import annotations

import re

from recs.models import Batch
from recs.queries.reading import LARGEST, VISIBLE, read

_NUMBER = re.compile(r"[0-9]+")
_BETWEEN = " -–:/#,.\t"  # between a base and its numbers
MOST_FOUND = 20
_FOUND = f"""
SELECT b.id FROM recs_batch b
WHERE {VISIBLE} AND (upper(b.serial_base) = %(typed)s OR upper(b.registry_text) = %(typed)s OR EXISTS (
  SELECT FROM unnest(%(bases)s::text[], %(serials)s::bigint[]) AS t (base, serial)
  WHERE upper(b.serial_base) = t.base AND b.serials @> t.serial))
ORDER BY b.vintage, b.id LIMIT %(most)s
"""  # noqa: S608 -- made of constants


def serials_text(batch: Batch, first: int, last: int) -> str:
    """Serials of a batch as its registry writes them."""
    span = (batch.serials.lower, batch.serials.upper - 1)
    return written(batch.registry_id, batch.serial_base, batch.registry_text, span, (first, last))


def written(registry: str, base: str, own: str, whole: tuple[int, int], part: tuple[int, int]) -> str:
    """`own` is the registry's string for the whole batch: its numbers give way to those of the part, padded as they were.

    Without one, or where its numbers are not the batch's, a plain layout says it; none is made up.
    """
    if own and part == whole:
        return own
    if own and (found := _pair(own, whole)):
        numbers = zip(found, _padded([match[0] for match in found], part), strict=True)
        for match, number in reversed(list(numbers)):
            own = own[: match.start()] + number + own[match.end() :]
        return own
    first, last = part
    return f"{base} - {first} to {last}" if registry == "nepool" else f"{base} {first}-{last}"


def _pair(text: str, whole: tuple[int, int]) -> list[re.Match[str]] | None:
    """The last two numbers in a row that are the first and last of the batch: a base before them may hold the same digits."""
    numbers = list(_NUMBER.finditer(text))
    pairs = ([one, next_one] for one, next_one in zip(numbers[-2::-1], numbers[:0:-1], strict=True))
    return next((pair for pair in pairs if (int(pair[0][0]), int(pair[1][0])) == whole), None)


def _padded(old: list[str], new: tuple[int, int]) -> list[str]:
    """A number without a zero in front is as wide as one beside it that has some."""
    widths = {len(number) for number in old if number.startswith("0")}
    return [str(number).zfill(len(was) if len(was) in widths else 0) for was, number in zip(old, new, strict=True)]


def find_serial(text: str) -> list[tuple[Batch, int]]:
    """What somebody may mean who types a base and a serial number, a range, a registry's own string, or a base alone.

    For a range and for a base it is the first serial. Case is ignored.
    """
    typed = " ".join(text.replace("\0", "").split()).upper()
    readings = _readings(typed)
    bases, serials = [base for base, _ in readings], [serial for _, serial in readings]
    found = read(_FOUND, {"typed": typed, "bases": bases, "serials": serials, "most": MOST_FOUND}) if typed else []
    batches = Batch.objects.select_related("generator", "organisation").in_bulk([batch for (batch,) in found])
    return [(batch, _meant(batch, readings)) for (number,) in found if (batch := batches.get(number))]


def _readings(typed: str) -> list[tuple[str, int]]:
    """Base and serial number: of the last two numbers either may be the serial, as the other is the end of a range or of the base."""
    numbers = list(_NUMBER.finditer(typed))[-2:]
    pairs = [(typed[: number.start()].rstrip(_BETWEEN), int(number[0])) for number in numbers if len(number[0]) < 20]
    return [(base, serial) for base, serial in pairs if base and serial < LARGEST]


def _meant(batch: Batch, readings: list[tuple[str, int]]) -> int:
    base = batch.serial_base.upper()
    within = (serial for said, serial in readings if said == base and batch.serials.lower <= serial < batch.serials.upper)
    return int(next(within, batch.serials.lower))
