"""Programs that ask the ledger's API, and what it leaves in the tables."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.test import Client

from energyopti.db import APP_ROLE
from energyopti.organisations import services
from energyopti.organisations.models import APIKey, User

API = "/api/v1"
_keys = itertools.count(1)


class Program:
    """A program of a user, with a key of its own."""

    def __init__(self, user: User, scope: str = "write") -> None:
        _, secret = services.make_api_key(user=user, name=f"{scope} {next(_keys)}", scope=APIKey.Scope(scope))
        self.user = user
        self.headers = {"Authorization": f"Bearer {secret}"}
        self.client = Client(headers=self.headers)

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(path if path.startswith("http") else f"{API}{path}", query)

    def post(self, path: str, body: Any = None, *, key: str | None = None, method: str = "post") -> Any:
        headers = {"Idempotency-Key": key or f"key-{next(_keys)}"}
        address = path if path.startswith("http") else f"{API}{path}"
        return getattr(self.client, method)(address, {} if body is None else body, content_type="application/json", headers=headers)

    def done(self, path: str, body: Any = None, *, status: int = 201, **more: Any) -> Any:
        answer = self.post(path, body, **more)
        assert answer.status_code == status, answer.content
        return answer.json()

    def query(self, body: Any = None, address: str = "/rec/query") -> Any:
        """POST /rec/query needs no key."""
        where = address if address.startswith("http") else f"{API}{address}"
        return self.client.post(where, body or {}, content_type="application/json")


def refused(answer: Any) -> tuple[int, str, list[str]]:
    """Status, problem type, and where."""
    body = answer.json()
    assert answer["Content-Type"] == "application/problem+json", body
    return answer.status_code, body["type"].removeprefix("urn:energyopti:problem:"), [fault["pointer"] for fault in body["errors"]]


def act_as_app() -> None:
    """As the web does: under the row policies, without a right on the journal. Until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {APP_ROLE}")


@contextmanager
def as_owner() -> Iterator[None]:
    """For what a test prepares, or looks at, that the application may not."""
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    yield
    act_as_app()


TABLES = (
    *("account", "policy", "generator", "registration", "eligibility", "batch", "generationread"),
    *("command", "entry", "holding", "retirement", "cashaccount", "cashentry"),
)


def everything() -> dict[str, str | None]:
    """A digest of each table, to the last row."""
    with as_owner(), connection.cursor() as cursor:
        found = {}
        for table in TABLES:
            cursor.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM recs_{table} t")
            found[table] = cursor.fetchone()[0]
        return found
