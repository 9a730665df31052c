"""Files that are small on the way in and huge inside, or torn: refused in a sentence, and before they cost anything."""

from __future__ import annotations

import gzip
import io
import re
import time
import tracemalloc
import zipfile
from collections.abc import Callable

import openpyxl
import pytest

from energyopti.feeds import openers, registry
from energyopti.feeds.previews import preview

FEED = registry.feed("pjm.rt_hrl_lmps")
NAMES = list(FEED.row.__struct_encode_fields__)
HEAD = ",".join(NAMES).encode() + b"\n"
SHEET, TEXTS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"


def packed(content: bytes) -> bytes:
    return gzip.compress(content, 1)


def workbook(change: Callable[[bytes], bytes] = lambda sheet: sheet, **more: bytes) -> bytes:
    """A sheet with the feed's header, changed as a text; `more`: further parts of the archive."""
    book, plain, out = openpyxl.Workbook(), io.BytesIO(), io.BytesIO()
    book.active.append(NAMES)
    book.save(plain)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == SHEET else old.read(name))
        for name, content in more.items():
            new.writestr(name, content)
    return out.getvalue()


def with_row(number: int, cell: str) -> Callable[[bytes], bytes]:
    return lambda sheet: sheet.replace(b"</sheetData>", f'<row r="{number}">{cell}</row></sheetData>'.encode())


def wide(sheet: bytes) -> bytes:
    """It says of itself that it fills the largest sheet there is; one cell at its far end is filled."""
    claimed = re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:XFD1048576"', sheet)
    return with_row(1_048_576, '<c r="A1048576"><v>1</v></c>')(claimed)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (packed(HEAD + (b"," * 60_000 + b"\n") * 200), "a row of more than 8192 characters"),
        (packed(HEAD + (b"," * 6000 + b"\n") * 200), "a row of more than 256 cells"),
        (packed(HEAD + b'"\n",' * 1_000_000), "a row of more than 8192 characters"),
        (packed(HEAD + b",\n" * 1_100_000), "more than 1048576 blank lines"),
        (packed(b"[" + b"[]," * 23_000_000 + b"[]]"), "JSON document of more than 64 MB"),
        (b"[" * 200_000, "nested too deeply"),
        (HEAD + b"x\n" * 4000 + b"a\0b\n", "neither CSV, XLSX nor JSON"),
        (workbook(with_row(9_999_999_999, '<c r="A9999999999"><v>1</v></c>')), "a sheet of more than 1048576 rows"),
        (workbook(with_row(2, '<c r="A2" t="inlineStr"><is><t>' + "x" * 9000 + "</t></is></c>")), "a row of more than 8192 characters"),
        (workbook(a=b"<si><t>ab</t></si>" * 1_000_000), "packed more than 100 times smaller"),
        (workbook(with_row(2, '<c r="A2" t="s"><v>99999</v></c>')), "no workbook that can be read"),
        (workbook(with_row(2, '<c r="A2"><v>abc</v></c>')), "no workbook that can be read"),
        (workbook(lambda sheet: sheet[:-40]), "no workbook that can be read"),
    ],
)
def test_a_hostile_file_is_refused_at_once(content: bytes, words: str) -> None:
    openpyxl.load_workbook(io.BytesIO(workbook()))  # imported before anything is measured
    tracemalloc.start()
    started = time.process_time()
    found = preview(FEED, content, "x")
    seconds, (_, peak) = time.process_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert words in found.error
    assert (seconds < 20, peak < 160_000_000) == (True, True)


def test_a_sheet_is_not_believed_how_wide_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """16,384 cells in each of a million rows, of a file of 5 kB."""
    monkeypatch.setattr(openers, "MAX_ROWS", 2_000_000)
    started = time.process_time()
    assert preview(FEED, workbook(wide), "x").refused == 1
    assert time.process_time() - started < 20


def test_a_wide_and_a_long_table_is_still_a_table() -> None:
    """What people's exports look like stays far from these limits."""
    assert 10 * len(NAMES) < openers.MAX_CELLS
    row = b",".join([b"x" * 40] * len(NAMES)) + b"\n"
    assert preview(FEED, HEAD + row * 100 + b"\n" * 1000, "x").refused == 100
