"""What each worker asked for and what it was answered, on disk before it goes on: it may be killed at any moment."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Line = dict[str, Any]


class Diary:
    """One file a worker; whoever takes a killed worker's place goes on with it."""

    def __init__(self, folder: Path, name: str) -> None:
        self._file = os.open(folder / f"{name}.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(self._file, b"\n")  # after what may have been cut short

    def note(self, what: str, **more: Any) -> None:
        os.write(self._file, json.dumps({"what": what, **more}).encode() + b"\n")


def read(path: Path, *, last: int = 0) -> Iterator[Line]:
    """Whole lines; with `last` those of so many bytes at the end."""
    text = path.read_bytes() if path.exists() else b""
    lines = text.splitlines() if not last or len(text) <= last else text[-last:].splitlines()[1:]  # the first is cut
    for line in lines:
        if line.startswith(b"{") and line.endswith(b"}"):
            yield json.loads(line)
