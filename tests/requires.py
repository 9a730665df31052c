"""What a test needs of the machine: missing, the test is skipped, and fails where REQUIRE (browser,pdf) names it, as .ci/run does."""

from __future__ import annotations

import ctypes.util
import os
import shutil

import pytest

CHROMIUM = ("chromium", "chromium-browser")  # Debian's name, and the one of others
PANGO = ("pango-1.0", "pangoft2-1.0")  # what WeasyPrint draws letters with


def browser() -> str:
    """The path of Chromium, for Playwright's `executable_path`."""
    found = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    return found or _missing("browser", "Chromium is not installed (Debian: chromium)")


chromium_path = browser


def pdf() -> tuple[str, ...]:
    """The libraries that a PDF is drawn with."""
    found = tuple(path for name in PANGO if (path := ctypes.util.find_library(name)))
    if len(found) < len(PANGO):
        _missing("pdf", "Pango is not installed (Debian: libpango-1.0-0 libpangoft2-1.0-0)")
    return found


def _missing(what: str, sentence: str) -> str:
    required = {name.strip() for name in os.environ.get("REQUIRE", "").split(",")}
    if what in required:
        pytest.fail(f"{sentence}, and REQUIRE names {what}", pytrace=False)
    pytest.skip(sentence)
