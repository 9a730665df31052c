"""How the sandbox misbehaves when it is told to: what upstreams really do, and what a client must survive.

A fault waits for questions that fit it and is used up after so many. Faults are tried in the order they were told.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, get_type_hints

# kind → what it does to the next answer
KINDS: dict[str, str] = {
    "rate_limited": "429; `retry_after` seconds are named where it is set",
    "server_error": "`status` (500) with a page of the gateway",
    "hang": "silence for `seconds`, then the right answer",
    "cut": "the connection is closed in the middle of the body",
    "truncated": "half of the JSON, with the Content-Length of that half",
    "wrong_total": "totalRows is `by` too high",
    "doubled_rows": "the page's last `by` rows are its first ones again",
    "unordered_rows": "the page's rows are shuffled, sort or not",
    "renamed_column": "`column` is called `name`",
    "extra_column": "every row has a column `name` more",
    "missing_column": "`column` is left out",
    "mixed_snapshot": "the page is of a table that has grown by `by` rows: rows shifted, totalRows too",
    "shifted_rows": "the same, but totalRows stays as it was",
    "error_in_200": "200 with an error in the body; `text` replaces it",
    "html_in_200": "200 with a web page",
    "echo_key": "the caller's key stands in the answer; a refusal if `status` is set",
    "slow_drip": "the body comes in drops over `seconds`",
    "gzip_undeclared": "a gzip body without Content-Encoding",
    "gzip_untrue": "Content-Encoding gzip on a plain body",
    "identity": "a plain body although gzip is accepted",
    "recorded_error": "the `case`th of the folder's recorded error answers (from 0)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`feed` as in the URL behind /api/v1/ ("rt_hrl_lmps", "rt_hrl_lmps/metadata"); empty: any feed's rows."""

    kind: str
    feed: str = ""
    times: int = 1
    page: int = 0  # counts from 1; 0: any
    seconds: float = 1.0
    status: int = 0
    retry_after: float | None = None
    by: int = 1
    column: str = "total_lmp_rt"
    name: str = "value"
    text: str = ""
    case: int = 0

    def fits(self, resource: str, page: int) -> bool:
        of_feed = resource == self.feed if self.feed else "/" not in resource
        return of_feed and self.page in (0, page)


_TYPES: dict[str, tuple[type, ...]] = {
    name: (float, int, type(None)) if name == "retry_after" else (float, int) if hint is float else (hint,)
    for name, hint in get_type_hints(Fault).items()
}


def fault(told: Mapping[str, Any]) -> Fault:
    """Raises ValueError for a kind or an option that is not known."""
    known = {field.name for field in fields(Fault)}
    if unknown := sorted(told.keys() - known):
        raise ValueError(f"unknown option {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    if told.get("kind") not in KINDS:
        raise ValueError(f"unknown kind {told.get('kind')!r}; known are {', '.join(KINDS)}")
    if wrong := [name for name, value in told.items() if not isinstance(value, _TYPES[name])]:
        raise ValueError(f"{', '.join(wrong)}: of the wrong type")
    return Fault(**told)


class Faults:
    """Those still waiting, for all of a server's threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[Fault, int]] = []

    def add(self, new: Fault) -> None:
        with self._lock:
            self._waiting.append((new, new.times))

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, resource: str, page: int) -> Fault | None:
        """The first that fits, one use less."""
        with self._lock:
            for place, (waiting, left) in enumerate(self._waiting):
                if waiting.fits(resource, page):
                    self._waiting[place : place + 1] = [(waiting, left - 1)] if left > 1 else []
                    return waiting
        return None


# --- rows ------------------------------------------------------------------------------------------


def _doubled(items: list[str], told: Fault) -> list[str]:
    by = min(told.by, len(items) // 2)
    return items[:-by] + items[:by] if by else items


def _shuffled(items: list[str], _: Fault) -> list[str]:
    return random.Random(len(items)).sample(items, len(items))  # noqa: S311 - a shuffle, not a secret


def _renamed(items: list[str], told: Fault) -> list[str]:
    return [item.replace(f'"{told.column}":', f'"{told.name}":') for item in items]


def _widened(items: list[str], told: Fault) -> list[str]:
    return [f"{item[:-1]},{json.dumps(told.name)}:1}}" for item in items]


ON_ROWS: dict[str, Callable[[list[str], Fault], list[str]]] = {
    "doubled_rows": _doubled,
    "unordered_rows": _shuffled,
    "renamed_column": _renamed,
    "extra_column": _widened,
}
GROWN = ("mixed_snapshot", "shifted_rows")  # a row more at the top: each page begins earlier in the table
MISCOUNTED = ("mixed_snapshot", "wrong_total")
