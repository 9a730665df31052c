from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from django.db import connection, transaction

from energyopti.feeds.feed import Batch, Cut, Written
from energyopti.feeds.models import SyncRun
from energyopti.feeds.table import Table
from markets.models import Node
from markets.nodes import NODE_STORE
from tests.markets.prices import HOURLY, LATER, day, flat, load

pytestmark = pytest.mark.django_db
FEED = replace(HOURLY, name="test.pnode", store=NODE_STORE, cut=Cut.SNAPSHOT, step=None)
DAY = day("2024-06-03")
START, END = datetime(2010, 6, 1, 4, tzinfo=UTC), datetime(2020, 6, 1, 4, tzinfo=UTC)
Listed = tuple[int, str, str | None, datetime, datetime | None]


def table(*rows: Listed) -> Table:
    def times(values: list[datetime | None]) -> np.ndarray:
        return np.array([None if value is None else value.replace(tzinfo=None) for value in values], "datetime64[s]")

    texts = {
        "name": [row[1] for row in rows],
        "type": ["BUS"] * len(rows),
        "subtype": ["LOAD"] * len(rows),
        "voltage": ["13 KV"] * len(rows),
    }
    columns = {name: np.array(values, object) for name, values in texts.items()}
    columns |= {"zone": np.array([row[2] for row in rows], object), "pnode_id": np.array([row[0] for row in rows], np.int64)}
    return Table(columns | {"effective_from": times([row[3] for row in rows]), "effective_to": times([row[4] for row in rows])})


def store(*rows: Listed, sandbox: bool = False, run: int = 1) -> Written:
    SyncRun.objects.get_or_create(pk=run, defaults={"feed": FEED.name, "sandbox": sandbox, "trigger": "person"})
    with transaction.atomic():
        written = NODE_STORE.write(Batch(FEED, DAY, table(*rows), None, sandbox, run, LATER))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    return written


def test_rows_are_inserted_word_for_word() -> None:
    written = store((1, "AB  13 KV   T1", "PECO", START, None), (2, "B", None, START, END))
    assert (written.expected, written.stored, written.new, written.changed) == (2, 2, 2, 0)
    first, second = Node.objects.order_by("pnode_id")
    assert (first.name, first.type, first.kind, first.zone, first.voltage) == ("AB  13 KV   T1", "LOAD", "BUS", "PECO", "13 KV")
    assert (first.effective_from, first.effective_to, first.origin, first.run_id) == (START, None, "pnode", 1)
    assert (second.zone, second.effective_to) == ("", END)


def test_the_same_rows_again_write_nothing() -> None:
    store((1, "A", None, START, None))
    assert store((1, "A", None, START, None), run=2).touched == 0
    assert Node.objects.get().run_id == 1


def test_a_changed_row_is_updated_and_a_vanished_one_stays() -> None:
    store((1, "A", None, START, None), (2, "B", None, START, None))
    written = store((1, "A2", None, START, None), run=2)
    assert (written.new, written.changed) == (0, 1)
    assert list(Node.objects.order_by("pnode_id").values_list("name", "run_id")) == [("A2", 2), ("B", 1)]


@pytest.mark.parametrize("order", [1, -1])
def test_a_window_may_end_and_the_next_begin_in_one_load(order: int) -> None:
    store((1, "OLD", None, START, None))
    written = store(*[(1, "OLD", None, START, END), (1, "NEW", None, END, None)][::order])
    assert (written.new, written.changed) == (1, 1)
    assert list(Node.objects.order_by("effective_from").values_list("name", "effective_to")) == [("OLD", END), ("NEW", None)]


def test_a_node_known_from_a_price_gives_way_to_the_list() -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0) + flat(HOURLY, DAY, 9, 30.0))
    store((1, "REAL", None, START, END), (1, "REAL", None, END, None))
    assert list(Node.objects.order_by("pnode_id", "effective_from").values_list("pnode_id", "name", "origin")) == [
        (1, "REAL", "pnode"),
        (1, "REAL", "pnode"),
        (9, "NODE  9", "price"),
    ]
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 31.0))
    assert Node.objects.filter(pnode_id=1).count() == 2


def test_sandbox_rows_are_rows_of_their_own() -> None:
    store((1, "REAL", None, START, None))
    assert store((1, "TOY", None, START, None), sandbox=True).new == 1
    assert dict(Node.objects.values_list("sandbox", "name")) == {False: "REAL", True: "TOY"}


def test_an_empty_list_changes_nothing() -> None:
    store((1, "A", None, START, None))
    written = NODE_STORE.write(Batch(FEED, DAY, Table({}), None, False, 1, LATER))
    assert (written.expected, written.touched, Node.objects.count()) == (0, 0, 1)
