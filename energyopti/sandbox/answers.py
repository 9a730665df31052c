"""Answers of the price and node feeds in the upstream's envelope, and those that are no data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from energyopti.sandbox import misbehaviour, refusals
from energyopti.sandbox.feeds import FEEDS, directory, metadata
from energyopti.sandbox.misbehaviour import Fault
from energyopti.sandbox.nodes import Nodes
from energyopti.sandbox.query import Limits, Query, read
from energyopti.sandbox.refusals import Refused, invalid
from energyopti.sandbox.rows import rows

JSON, HTML = "application/json", "text/html; charset=utf-8"
CACHE = {"Cache-Control": "public, must-revalidate, max-age=20", "Vary": "Accept,Accept-Charset"}
PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"
KEY_HEADER = "Ocp-Apim-Subscription-Key"


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` before any compression."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": JSON} | CACHE)


def as_json(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, _text(value).encode(), {"Content-Type": JSON, **(headers or CACHE)})


def refusal(refused: Refused) -> Answer:
    """A refusal as it goes out."""
    if isinstance(refused.body, str):
        return Answer(refused.status, refused.body.encode(), {"Content-Type": HTML, **refused.headers})
    return as_json(refused.body, status=refused.status, headers={"Cache-Control": "no-cache", **refused.headers})


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


@dataclass(frozen=True)
class DataMiner:
    """What answers: the nodes with their seed, the limits, and where the server is reached."""

    nodes: Nodes
    limits: Limits
    url: str

    def answer(self, resource: str, given: dict[str, str], *, now: datetime, fault: Fault | None) -> Answer:
        """The answer to `GET /api/v1/{resource}`. Raises Refused."""
        if not resource:
            return self._directory(given)
        name, _, rest = resource.partition("/")
        if name not in FEEDS or rest not in ("", "metadata"):
            raise refusals.not_found(f"/api/v1/{resource}")
        if rest:
            return as_json(metadata(FEEDS[name]))
        query = read(FEEDS[name], given, limits=self.limits, now=now)
        return self._download(query, now, fault) if query.download else self._page(query, now, fault)

    def _directory(self, given: dict[str, str]) -> Answer:
        count = len(FEEDS)
        specification = {"rowCount": count, "order": "Asc", "startRow": 1, "isActiveMetadata": True, "fields": [], "filters": []}
        links = [{"rel": "self", "href": f"{self.url}/api/v1/"}]
        return as_json({"links": links, "items": directory(), "searchSpecification": specification, "totalRows": count})

    def _items(self, query: Query, now: datetime, fault: Fault | None) -> tuple[list[str], int]:
        """One page of rows and totalRows, as a fault may have left them."""
        found = rows(query, self.nodes, now=now)
        start, kind = query.start_row - 1, fault.kind if fault else ""
        count = max(0, min(query.row_count, found.total - start))
        if query.download and count > self.limits.download_rows:
            raise invalid("RowCount", "The download exceeds the maximum number of rows. Please narrow the request")
        first = max(0, start - fault.by) if fault and kind in misbehaviour.GROWN else start
        fields = [name for name in query.fields if kind != "missing_column" or not fault or name != fault.column]
        items = found.page(first, count, fields) if count else []
        if fault and kind in misbehaviour.ON_ROWS:
            items = misbehaviour.ON_ROWS[kind](items, fault)
        return items, found.total + (fault.by if fault and kind in misbehaviour.MISCOUNTED else 0)

    def _download(self, query: Query, now: datetime, fault: Fault | None) -> Answer:
        items, total = self._items(query, now, fault)
        named = {"X-TotalRows": str(total), "Content-Disposition": f'attachment; filename="{query.feed.name}.json"'}
        return Answer(200, f"[{','.join(items)}]".encode(), {"Content-Type": JSON, **CACHE, **named})

    def _page(self, query: Query, now: datetime, fault: Fault | None) -> Answer:
        items, total = self._items(query, now, fault)
        following = query.start_row + query.row_count
        links = [{"rel": "self", "href": self._href(query, now)}]
        if following <= total:
            links.append({"rel": "next", "href": self._href(replace(query, start_row=following), now)})
        links.append({"rel": "metadata", "href": f"{self.url}/api/v1/{query.feed.name}/metadata"})
        parts = (
            f'"links":{_text(links)}',
            f'"items":[{",".join(items)}]',
            f'"searchSpecification":{_text(_specification(query))}',
            f'"totalRows":{total}',
        )
        return Answer(200, f"{{{','.join(parts)}}}".encode())

    def _href(self, query: Query, now: datetime) -> str:
        """A question in the upstream's own spelling; in the archive without what is refused there."""
        asked = {
            "RowCount": query.row_count,
            **({"Sort": query.sort} if query.sort else {}),
            "Order": _order(query),
            "StartRow": query.start_row,
            "IsActiveMetadata": True,
            "Fields": ",".join(query.named_fields),
            **dict(query.filters),
        }
        refused = ("Order", "Fields") if query.archived(now) else ()
        text = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in asked.items() if name not in refused)
        return f"{self.url}/api/v1/{query.feed.name}?{text}"


def _order(query: Query) -> str:
    return "Desc" if query.descending else "Asc"


def _specification(query: Query) -> dict[str, Any]:
    """The question as the upstream repeats it."""
    return {
        "rowCount": query.row_count,
        **({"sort": query.sort} if query.sort else {}),
        "order": _order(query),
        "startRow": query.start_row,
        "isActiveMetadata": True,
        "fields": query.named_fields,
        "filters": [{name: value} for name, value in query.filters],
    }


# --- faults that leave no data ---------------------------------------------------------------------


def instead(fault: Fault, key: str) -> Answer | None:
    """What a fault answers in place of data, if that is its kind."""
    match fault.kind:
        case "rate_limited":
            return refusal(refusals.too_many(fault.retry_after))
        case "server_error":
            return refusal(Refused(fault.status or 500, PAGE.format("The service is unavailable")))
        case "html_in_200":
            return Answer(200, PAGE.format("Scheduled maintenance").encode(), {"Content-Type": HTML})
        case "error_in_200":
            error = _text({"errors": [{"field": "Server", "message": "An unexpected error has occurred"}]})
            return Answer(200, (fault.text or error).encode())
        case "echo_key" if fault.status:
            return as_json({"message": f"Access denied for subscription key {key}"}, status=fault.status, headers={KEY_HEADER: key})
    return None


def echoing(answer: Answer, key: str) -> Answer:
    """The same answer with the caller's key in its own link and in a header."""
    body = answer.body.replace(b"&IsActiveMetadata", f"&subscription-key={quote(key)}&IsActiveMetadata".encode(), 1)
    return Answer(answer.status, body, {**answer.headers, KEY_HEADER: key})
