"""What somebody sent, told back to them: enough to find it again, and no more, as small requests must not get large answers."""

from __future__ import annotations

LONGEST = 80  # characters


def cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def quoted(sent: object) -> str:
    """Between quotes where it is a text."""
    return repr(cut(sent)) if isinstance(sent, str) else cut(repr(sent))
