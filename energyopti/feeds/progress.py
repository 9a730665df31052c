"""Telling a person how far a run has come."""

from __future__ import annotations

import shutil
import sys
from typing import Any, Protocol

from tqdm import tqdm


class Progress(Protocol):
    def start(self, windows: int) -> None: ...
    def page(self, rows: int) -> None: ...
    def windows(self, done: int) -> None: ...
    def stop(self) -> None: ...


class Silent:
    """For workers and tests."""

    def start(self, windows: int) -> None: ...
    def page(self, rows: int) -> None: ...
    def windows(self, done: int) -> None: ...
    def stop(self) -> None: ...


class Bar:
    """A bar on a terminal; nothing where stderr is none."""

    def __init__(self, title: str) -> None:
        self.title, self.rows = title, 0
        self.bar: Any = None

    def start(self, windows: int) -> None:
        self.bar = tqdm(
            total=windows, desc=self.title, unit="window", file=sys.stderr, disable=None, ncols=shutil.get_terminal_size().columns
        )

    def page(self, rows: int) -> None:
        self.rows += rows
        self.bar.set_postfix_str(f"{self.rows:,} rows")

    def windows(self, done: int) -> None:
        self.bar.update(done)

    def stop(self) -> None:
        if self.bar is not None:
            self.bar.close()
