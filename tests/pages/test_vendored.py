"""What others wrote and we serve is what they published."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

VENDOR = Path("static/vendor")
SUM = re.compile(r"^ {4}([0-9a-f]{64})  (\S+)$", re.MULTILINE)


@pytest.mark.parametrize("source", sorted(VENDOR.glob("*/SOURCE.md")), ids=lambda path: path.parent.name)
def test_the_checksums_are_true_and_name_every_file(source: Path) -> None:
    told = {name: digest for digest, name in SUM.findall(source.read_text())}
    there = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in source.parent.iterdir() if path != source}
    assert told == there


def test_every_vendored_folder_says_where_it_comes_from() -> None:
    assert [folder.name for folder in VENDOR.iterdir()] == ["uplot"]
    assert all((folder / "SOURCE.md").exists() and (folder / "LICENSE").exists() for folder in VENDOR.iterdir())
