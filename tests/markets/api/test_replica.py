"""With a replica the endpoints read their prices and nodes there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connections
from rest_framework.test import APIClient

from tests.markets.api.asking import LATEST, LMP, NODES, REVISIONS, TOP, answer, hourly
from tests.markets.prices import HOURLY, day, flat, load

pytestmark = pytest.mark.django_db(transaction=True)
DAY = day("2024-06-03")


@pytest.fixture
def replica(settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[bool, str]]]:
    """A second connection to the test database as the replica; each statement with whether it went there."""
    connections["replica"] = connections["default"].copy()  # its alias stays default: the test may use no other
    settings.READ_DATABASE = "replica"
    sent: list[tuple[bool, str]] = []
    execute = psycopg.Cursor.execute

    def telling(self: Any, query: Any, *args: Any, **options: Any) -> Any:
        sent.append((self.connection is connections["replica"].connection, str(query)))
        return execute(self, query, *args, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", telling)
    yield sent
    monkeypatch.undo()
    connections["replica"].close()
    del connections["replica"]


def test_prices_and_nodes_are_read_on_the_replica_alone(api: APIClient, replica: list[tuple[bool, str]]) -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0))
    replica.clear()
    for path, asked in (
        (LMP, hourly(DAY, nodes="1", as_of="2030-01-01T00:00:00Z")),
        (LMP, hourly(DAY)),
        (REVISIONS, hourly(DAY)),
        (LATEST, {"resolution": "1h"}),
        (TOP, {"date": "2024-06-03", "market_type": "real_time", "resolution": "1h"}),
        (NODES, {}),
    ):
        assert answer(api, path, asked)["results"]
    elsewhere = [query for there, query in replica if not there and ("lmp_" in query or "markets_" in query)]
    assert elsewhere == []
    assert len(replica) > 20
