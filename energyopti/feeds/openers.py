"""Opening a file that somebody handed over: what it is, and no more of it than a machine can bear."""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError

from energyopti.errors import InvalidInput

MAX_BYTES = 2 * 1024**3  # unpacked; PJM's own export ends at a million rows, some 120 MB
MAX_JSON = 64 * 1024**2  # PJM answers with 50,000 rows at most, some 25 MB; a document is in the memory as a whole
MAX_RECORD = 8 * 1024  # characters, of all the lines that a quoted cell may make a record of: 50,000 are held at a time
MAX_CELLS = 256
MAX_ROWS = 1_048_576  # of a sheet, as Excel has it; and of blank lines in any file
MAX_RATIO, SMALL = 100, 10 * 1024**2  # openpyxl holds a workbook's texts, and each row: tables shrink some 20 times
BLANK = ' ,;\t\r\n"'
HEAD = 4096
GZIP, ZIP, OLD_EXCEL = b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Record:
    """One line of a table: its cells, and its text as it came."""

    __slots__ = ("_text", "cells")

    def __init__(self, cells: list[Any], text: str | None = None) -> None:
        self.cells = cells
        self._text = text

    @property
    def text(self) -> str:
        return ",".join("" if cell is None else str(cell) for cell in self.cells) if self._text is None else self._text

    @property
    def blank(self) -> bool:
        return not any(self.cells) and all(cell in (None, "") for cell in self.cells)  # the quick look first

    def fit(self, width: int) -> bool:
        """Whether there is a cell under each column; empty ones behind the last are left out."""
        if len(self.cells) > width and all(cell in (None, "") for cell in self.cells[width:]):
            del self.cells[width:]
        return len(self.cells) == width


@contextlib.contextmanager
def opened(source: Path | bytes, name: str) -> Iterator[Iterator[Record] | bytes]:
    """The records of a table, header first, or the bytes of a JSON document. Raises InvalidInput, naming the file.

    Told by their first bytes, not by the name: people rename.
    """
    try:
        with _binary(source, name) as packed, _unpacked(packed, name) as plain:
            yield _content(plain, name)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, csv.Error, UnicodeError, ParseError) as problem:
        raise InvalidInput(f"{name} cannot be read: {getattr(problem, 'strerror', None) or problem}", field="path") from None
    except RecursionError:
        raise InvalidInput(f"{name} cannot be read: it is nested too deeply", field="path") from None


def _binary(source: Path | bytes, name: str) -> BinaryIO:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    if source.is_dir():
        raise InvalidInput(f"{name} is a folder; name a file in it", field="path")
    return source.open("rb")


def _unpacked(packed: BinaryIO, name: str) -> io.BufferedReader:
    gzipped = _peek(packed, 2) == GZIP
    return io.BufferedReader(_Capped(gzip.GzipFile(fileobj=packed) if gzipped else packed, name), 256 * 1024)


def _peek(handle: BinaryIO, size: int) -> bytes:
    head = handle.read(size)
    handle.seek(0)
    return head


class _Capped(io.RawIOBase):
    """Stops a file that unpacks to more than a machine can bear."""

    def __init__(self, handle: Any, name: str) -> None:
        self._handle, self._name, self._left = handle, name, MAX_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._handle.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise InvalidInput(f"{self._name} unpacks to more than {MAX_BYTES // 1024**2} MB; split it", field="path")
        buffer[: len(data)] = data
        return len(data)


def _content(plain: io.BufferedReader, name: str) -> Iterator[Record] | bytes:
    head = plain.peek(HEAD)[:HEAD]
    if head.startswith(ZIP):
        return _sheet(plain, name)
    if head.startswith(OLD_EXCEL):
        raise InvalidInput(f"{name} is an old Excel workbook; save it as XLSX or CSV", field="path")
    if head.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"{", b"["):
        if len(document := plain.read(MAX_JSON + 1)) > MAX_JSON:
            raise InvalidInput(f"{name} is a JSON document of more than {MAX_JSON // 1024**2} MB; split it", field="path")
        return document
    encoding = "utf-16" if head.startswith(UTF16) else "utf-8-sig"
    if b"\0" in head and encoding != "utf-16":
        raise InvalidInput(f"{name} is neither CSV, XLSX nor JSON", field="path")
    return _lines(io.TextIOWrapper(plain, encoding=encoding, newline=""), name)


def _lines(text: io.TextIOWrapper, name: str) -> Iterator[Record]:
    first = text.readline(MAX_RECORD)
    delimiter = max(",;\t", key=first.count)
    came: list[str] = []  # the lines that the next record is made of: a quoted cell may hold a line's end
    lines = _bounded(first, text, came, name)
    for cells in csv.reader(lines, delimiter=delimiter):
        line = came[0] if len(came) == 1 else "".join(came)
        came.clear()
        yield Record(_narrow(cells, name), line.rstrip("\r\n"))


def _narrow(cells: list[Any], name: str) -> list[Any]:
    if len(cells) > MAX_CELLS:
        raise InvalidInput(f"{name} has a row of more than {MAX_CELLS} cells; it is no table of this feed", field="path")
    return cells


def _bounded(first: str, text: io.TextIOWrapper, came: list[str], name: str) -> Iterator[str]:
    line, blank, size = first, 0, 0
    while line:
        size = len(line) + (size if came else 0)
        came.append(line)
        if size >= MAX_RECORD:
            raise InvalidInput(_too_long(name), field="path")
        if "\0" in line:  # the database could not keep it
            raise InvalidInput(f"{name} is neither CSV, XLSX nor JSON", field="path")
        blank += not line.strip(BLANK)
        if blank > MAX_ROWS:
            raise InvalidInput(f"{name} has more than {MAX_ROWS} blank lines; it is no table of this feed", field="path")
        yield line
        line = text.readline(MAX_RECORD)


def _too_long(name: str) -> str:
    return f"{name} has a row of more than {MAX_RECORD} characters; it is no table of this feed"


def _sheet(plain: io.BufferedReader, name: str) -> Iterator[Record]:
    """The rows of the first sheet. Where it says that they end is not believed: each has the cells that it holds."""
    import openpyxl  # slow to import, and few files need it

    content = io.BytesIO(plain.read())
    _require_bearable(zipfile.ZipFile(content).infolist(), name)
    try:
        book = openpyxl.load_workbook(content, read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        for number, cells in enumerate(sheet.iter_rows(values_only=True)):
            if number >= MAX_ROWS:
                raise InvalidInput(f"{name} has a sheet of more than {MAX_ROWS} rows; it is no table of this feed", field="path")
            if sum(len(cell) for cell in cells if isinstance(cell, str)) >= MAX_RECORD:
                raise InvalidInput(_too_long(name), field="path")
            yield Record(_narrow(list(cells), name))
        book.close()
    except InvalidInput:
        raise
    except Exception as problem:  # openpyxl trusts what it reads: a damaged workbook raises whatever its code stumbles over
        raise InvalidInput(f"{name} is no workbook that can be read: {problem}", field="path") from None


def _require_bearable(parts: list[zipfile.ZipInfo], name: str) -> None:
    if sum(part.file_size for part in parts) > MAX_BYTES:
        raise InvalidInput(f"{name} unpacks to more than {MAX_BYTES // 1024**2} MB; split it", field="path")
    if any(part.file_size > MAX_RATIO * max(part.compress_size, SMALL // MAX_RATIO) for part in parts):
        raise InvalidInput(f"{name} is packed more than {MAX_RATIO} times smaller than it is, as no workbook of a table is", field="path")
