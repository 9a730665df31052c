"""Reading what Data Miner 2 answers: pages, bare arrays, refusals, metadata. Bytes in, typed rows out."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from energyopti.errors import MalformedAnswer
from energyopti.feeds.feed import Feed, Page
from energyopti.feeds.rows import bad_value, check_columns
from energyopti.feeds.table import Reject

BOM = b"\xef\xbb\xbf"
HEAD = 65_536  # "items" stands behind the links, which repeat the question


class _RawPage(msgspec.Struct, gc=False):
    items: list[msgspec.Raw]
    totalRows: int  # noqa: N815


class _Metadata(msgspec.Struct):
    enableArchiving: bool | None = None  # noqa: N815
    archiveCutoffDays: int | None = None  # noqa: N815


@dataclass(frozen=True, slots=True)
class Refusal:
    """What PJM said instead of an answer, and the field it names, if any."""

    sentence: str
    field: str | None = None


# --- pages -----------------------------------------------------------------------------------------


def parse(feed: Feed, body: bytes, headers: Mapping[str, str]) -> Page:
    """One page: an envelope, or the bare array of download=true (its total in X-TotalRows, else its own length).

    A row with a bad value is rejected, word for word, and the others stand. Raises MalformedAnswer, StructureChanged.
    """
    body = body.removeprefix(BOM)
    try:
        rows, total = _decode(feed.row, body, headers)
        table = feed.columns(rows)
        if not table.rejects:
            return Page(len(rows), total, table)
    except msgspec.ValidationError:
        pass  # a row or the envelope is not as declared: find out which
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise MalformedAnswer(f"{feed.name}: the answer is not whole JSON: {problem}") from None
    return _row_by_row(feed, body, headers)


@functools.cache
def _decoders(row: Any) -> tuple[msgspec.json.Decoder[Any], msgspec.json.Decoder[Any]]:
    page = msgspec.defstruct("Page", [("items", list[row]), ("totalRows", int)], gc=False)
    return msgspec.json.Decoder(page), msgspec.json.Decoder(list[row])


def _decode(row: Any, body: bytes, headers: Mapping[str, str]) -> tuple[list[Any], int]:
    """The items of an answer as `row`s, and the rows that all its pages hold."""
    page, array = _decoders(row)
    if not _is_array(body):
        whole = page.decode(body)
        return whole.items, whole.totalRows
    items = array.decode(body)
    told = {name.lower(): value for name, value in headers.items()}.get("x-totalrows", "")
    return items, int(told) if told.isdecimal() else len(items)


def _is_array(body: bytes) -> bool:
    return body[:64].lstrip().startswith(b"[")


def _row_by_row(feed: Feed, body: bytes, headers: Mapping[str, str]) -> Page:
    """The slow way, for a page in which something is odd."""
    try:
        items, total = _decode(msgspec.Raw, body, headers)
    except msgspec.ValidationError as problem:
        raise MalformedAnswer(f"{feed.name}: the answer is not a page of rows: {problem}") from None
    rows, numbers, rejects = _read_each(feed, items)
    table = feed.columns(rows)
    for reject in table.rejects:
        number = numbers[reject.row - 1]
        rejects.append(replace(reject, row=number, raw=_text(items[number - 1])))
    return Page(len(items), total, replace(table, rejects=tuple(sorted(rejects, key=lambda reject: reject.row))))


def _read_each(feed: Feed, items: Sequence[msgspec.Raw]) -> tuple[list[Any], list[int], list[Reject]]:
    """The rows that can be read, their numbers, and the others. Raises StructureChanged."""
    decoder = msgspec.json.Decoder(feed.row)
    rows: list[Any] = []
    numbers: list[int] = []
    rejects: list[Reject] = []
    for number, item in enumerate(items, 1):
        try:
            rows.append(decoder.decode(item))
            numbers.append(number)
        except msgspec.ValidationError as problem:
            check_columns(feed, (row := _object(item)) or feed.row.__struct_encode_fields__)
            field, reason = bad_value(problem, row)
            rejects.append(Reject(number, _text(item), "bad-value", reason, field))
    return rows, numbers, rejects


def _object(item: msgspec.Raw) -> dict[str, Any]:
    """An item's columns and values; empty where it is no object."""
    try:
        return msgspec.json.decode(item, type=dict[str, Any])
    except msgspec.ValidationError:
        return {}


def _text(item: msgspec.Raw) -> str:
    return bytes(item).decode(errors="replace")


# --- refusals --------------------------------------------------------------------------------------


def refusal(status: int, body: bytes) -> Refusal | None:
    """PJM's own words where an answer is a refusal: any status but 200, or error text inside a 200."""
    if status in (401, 403):
        words, field = _words(body)
        return Refusal(f"PJM refused the key ({status}): {words}; look at PJM_API_KEY", field)
    if status >= 400:
        words, field = _words(body)
        return Refusal(f"PJM refused the question ({status}): {words}", field)
    if _is_refusal(body.removeprefix(BOM)):
        words, field = _words(body)
        return Refusal(f"PJM answered with an error inside a {status}: {words}", field)
    return None


def _is_refusal(body: bytes) -> bool:
    head = body[:HEAD].lstrip()
    if not head or head.startswith(b"[") or b'"items"' in head:
        return False
    if not head.startswith(b"{"):
        return True  # text or HTML
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False  # cut off: `parse` says so
    return "errors" in said or ("message" in said and "items" not in said)


def _words(body: bytes) -> tuple[str, str | None]:
    """What an error body says, in one line, and the field it names."""
    try:
        said = msgspec.json.decode(body.removeprefix(BOM))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _plain(body), None
    if isinstance(said, dict) and isinstance(errors := said.get("errors"), list) and errors:
        field = errors[0].get("field") if isinstance(errors[0], dict) else None
        return "; ".join(map(_error, errors)), field
    if isinstance(said, dict):
        return " ".join(str(said[name]).strip() for name in ("message", "detailedMessage") if said.get(name)) or _plain(body), None
    return _plain(body), None


def _error(error: Any) -> str:
    if not isinstance(error, dict):
        return str(error)
    detail = error.get("detail")
    about = f" ({', '.join(map(str, detail))})" if isinstance(detail, list) and detail else ""
    return f"{error.get('field', 'request')}: {str(error.get('message', '')).strip().rstrip('.')}{about}"


def _plain(body: bytes) -> str:
    """The text of a body that is no JSON, tags left out, at most 200 characters."""
    text = re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", body[:HEAD].decode(errors="replace"), flags=re.DOTALL | re.IGNORECASE)
    return " ".join(text.split())[:200] or "no words"


# --- metadata --------------------------------------------------------------------------------------


def cutoff_days(body: bytes, declared: int) -> int | None:
    """After how many days a feed's rows are archived; `declared` where its metadata do not say so, None: never."""
    try:
        said = msgspec.json.decode(body.removeprefix(BOM), type=_Metadata)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return declared
    if said.enableArchiving is False:
        return None
    return said.archiveCutoffDays if said.archiveCutoffDays is not None else declared
