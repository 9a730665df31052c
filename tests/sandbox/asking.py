"""How the sandbox's tests ask: a raw HTTP client, nothing of the product's."""

from __future__ import annotations

from typing import Any

import requests

from energyopti.sandbox.server import Sandbox

WHOLE = {"startRow": 1, "rowCount": 50_000}


def get(sandbox: Sandbox, resource: str, **params: Any) -> requests.Response:
    return requests.get(f"{sandbox.url}/api/v1/{resource}", params=params, timeout=20)


def body(sandbox: Sandbox, resource: str, **params: Any) -> dict[str, Any]:
    answer = get(sandbox, resource, **(WHOLE | params))
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def items(sandbox: Sandbox, resource: str, **params: Any) -> list[dict[str, Any]]:
    found = body(sandbox, resource, **params)
    assert len(found["items"]) == found["totalRows"]
    return found["items"]  # type: ignore[no-any-return]


def error(sandbox: Sandbox, resource: str, **params: Any) -> dict[str, Any]:
    """The one error of a refusal."""
    answer = get(sandbox, resource, **(WHOLE | params))
    assert answer.status_code == 400, answer.text
    (found,) = answer.json()["errors"]
    return found  # type: ignore[no-any-return]


def key(item: dict[str, Any]) -> tuple[str, int, int]:
    return item["datetime_beginning_utc"], item["pnode_id"], item.get("version_nbr", 1)


def by_key(rows: list[dict[str, Any]]) -> dict[tuple[str, int, int], dict[str, Any]]:
    found = {key(item): item for item in rows}
    assert len(found) == len(rows)
    return found
