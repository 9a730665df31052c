"""Questions of the tests, and what a node is called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import psycopg
from rest_framework.test import APIClient

from energyopti.intervals import Span
from markets.models import Node
from tests.markets.prices import EASTERN

LMP, REVISIONS, LATEST = "/api/v1/pjm/lmp", "/api/v1/pjm/lmp/revisions", "/api/v1/pjm/lmp/latest"
TOP, NODES = "/api/v1/pjm/lmp/top-congestion", "/api/v1/pjm/nodes"


def window(span: Span, **more: Any) -> dict[str, Any]:
    return {"start_time": span.start.isoformat(), "end_time": span.end.isoformat(), **more}


def hourly(span: Span, **more: Any) -> dict[str, Any]:
    return window(span, resolution="1h", **more)


def answer(api: APIClient, path: str, asked: dict[str, Any]) -> dict[str, Any]:
    response = api.get(path, asked)
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


def rows(api: APIClient, path: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """All pages."""
    body = answer(api, path, asked)
    found: list[dict[str, Any]] = body["results"]
    while body["next"]:
        response = api.get(body["next"])
        assert response.status_code == 200, response.content
        body = response.json()
        found += body["results"]
    return found


def problem(api: APIClient, path: str, asked: dict[str, Any]) -> tuple[int, str, str]:
    response = api.get(path, asked)
    body = response.json()
    return response.status_code, body["code"] if "code" in body else body["type"].rsplit(":", 1)[1], body["detail"]


@contextmanager
def queries_sent() -> Iterator[list[str]]:
    """Every statement that goes to PostgreSQL, by whichever cursor."""
    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def counting(self: Any, query: Any, *args: Any, **options: Any) -> Any:
        sent.append(str(query))
        return execute(self, query, *args, **options)

    with patch.object(psycopg.Cursor, "execute", counting):
        yield sent


def node(pnode_id: int, name: str, type: str = "LOAD", *, start: Any, end: Any = None, zone: str = "", sandbox: bool = False) -> Node:
    return Node.objects.create(
        sandbox=sandbox, pnode_id=pnode_id, name=name, type=type, zone=zone, effective_from=start, effective_to=end, origin="pnode"
    )


__all__ = ["EASTERN", "LATEST", "LMP", "NODES", "REVISIONS", "TOP", "answer", "hourly", "node", "problem", "queries_sent", "rows", "window"]
