"""One line of `make bench`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """What was measured: ours, the peer's or the limit, their ratio, and whether it meets the goal."""

    what: str
    ours: str
    peer: str
    ratio: str
    ok: bool


def render(rows: Sequence[Row]) -> str:
    """The rows as a text table, a mark before each goal that was missed."""
    heads = ("", "what", "ours", "peer or limit", "ratio")
    lines = [heads, *(("" if row.ok else "MISSED", *row[:4]) for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(heads))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)
