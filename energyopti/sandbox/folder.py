"""Recorded answers from a folder, byte for byte: `<feed>_….json`, an envelope or a bare array.

Of several files of one feed the one is taken whose rows touch the dates asked for, else the first by name. A file is one
page: behind it the answer is empty. `recorded_http_headers.json` gives the headers that came with a file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from energyopti.sandbox import refusals
from energyopti.sandbox.answers import CACHE, JSON, Answer, as_json
from energyopti.sandbox.dates import parse
from energyopti.sandbox.eastern import EASTERN
from energyopti.sandbox.feeds import FEEDS, metadata

HEADERS_FILE, ERRORS_FILE = "recorded_http_headers.json", "error_bodies"
SENT = ("Content-Type", "Cache-Control", "Vary")  # the other recorded headers belong to their own connection


@dataclass(frozen=True)
class Recording:
    """One recorded answer."""

    path: Path
    headers: dict[str, str]

    @cached_property
    def body(self) -> bytes:
        return self.path.read_bytes()

    @cached_property
    def content(self) -> Any:
        return json.loads(self.body)

    @property
    def is_bare(self) -> bool:
        return isinstance(self.content, list)

    @cached_property
    def span(self) -> tuple[datetime, datetime] | None:
        """First and last beginning of its rows, in UTC."""
        items = self.content if self.is_bare else self.content.get("items", [])
        texts = [text for item in items if isinstance(item, dict) and (text := item.get("datetime_beginning_utc"))]
        moments = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in texts]
        return (min(moments), max(moments)) if moments else None

    def page(self, start_row: int) -> Answer:
        """The file as it is; an empty page from its second row on."""
        count = {"X-TotalRows": str(len(self.content))} if self.is_bare else {}
        headers = {"Content-Type": JSON, **CACHE, **self.headers, **count}
        if start_row <= 1:
            return Answer(200, self.body, headers)
        return as_json([] if self.is_bare else self.content | {"items": []}, headers=headers)


def _asked(given: dict[str, str], now: datetime) -> tuple[datetime, datetime] | None:
    for name, zone in (("datetime_beginning_ept", EASTERN), ("datetime_beginning_utc", UTC)):
        if text := given.get(name):
            return parse(text, field=name, now=now.astimezone(zone).replace(tzinfo=None)).instants(zone)
    return None


class Folder:
    """All recordings of a folder."""

    def __init__(self, path: Path) -> None:
        recorded = path / HEADERS_FILE
        told = json.loads(recorded.read_bytes()) if recorded.exists() else {}
        self._recordings = [
            Recording(file, {n: v for n, v in told.get(file.name, {}).get("response_headers", {}).items() if n in SENT})
            for file in sorted(path.glob("*.json"))
        ]

    def answer(self, resource: str, given: dict[str, str], *, now: datetime) -> Answer:
        """The recorded answer to `GET /api/v1/{resource}`. Raises Refused where there is none."""
        given = {name.lower(): text for name, text in given.items()}
        name, _, rest = resource.partition("/")
        if rest == "metadata" and name in FEEDS:
            return as_json(metadata(FEEDS[name]))
        found = [recording for recording in self._recordings if recording.path.name.startswith(f"{name}_")]
        if not name or rest or not found:
            raise refusals.not_found(f"/api/v1/{resource}")
        start = given.get("startrow", "1")
        return self._best(found, _asked(given, now)).page(int(start) if start.isdecimal() else 1)

    def error(self, case: int) -> Answer:
        """The `case`th recorded error with its status."""
        cases = [case for recording in self._recordings if recording.path.name.startswith(ERRORS_FILE) for case in recording.content]
        if not 0 <= case < len(cases):
            raise refusals.not_found(f"recorded error {case}")
        return as_json(cases[case]["body"], status=cases[case]["http_status"])

    @staticmethod
    def _best(found: list[Recording], asked: tuple[datetime, datetime] | None) -> Recording:
        if asked is None or len(found) == 1:
            return found[0]
        touching = (r for r in found if r.span and r.span[0] <= asked[1] and asked[0] <= r.span[1])
        return next(touching, found[0])
