"""The tables defend themselves: SQL that goes round the store."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction

from energyopti.db import APP_ROLE, missing_roles
from markets import partitions, queries
from markets.models import LmpBlock, LmpBlockHistory, Node
from tests.markets.prices import FIVE, HOURLY, day, flat, load

pytestmark = pytest.mark.django_db
DAY = day("2024-06-03")


def sql(statement: str, *params: object) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall() if cursor.description else []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("n = 22, total = total[:22], congestion = congestion[:22], loss = loss[:22]", "lmp_block_day_of_whole_hours"),
        ("total = total[:23]", "lmp_block_one_price_a_slot"),
        ("loss = loss[:23]", "lmp_block_one_price_a_slot"),
        ("energy = '{1}'", "lmp_block_one_energy_a_slot"),
        ("slot_versions = '{1}'", "lmp_block_one_version_a_slot"),
        ("slot_versions = array_fill(1::int2, ARRAY[24]), version = NULL", "lmp_block_one_version_a_slot"),
        ("seen = '{1}'", "lmp_block_one_arrival_a_slot"),
        ("missing = 24", "lmp_block_holds_a_price"),
        ("missing = -1", "lmp_block_holds_a_price"),
        ("unbalanced = 25", "lmp_block_unbalanced_within_day"),
        ("revision = -1", "lmp_block_revision_counts"),
        ("version = 0", "lmp_block_version_counts"),
    ],
)
def test_a_block_that_contradicts_itself_is_refused(change: str, rule: str) -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0))
    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        sql(f"UPDATE lmp_block SET {change}")


def test_a_block_comes_once() -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0))
    with pytest.raises(IntegrityError, match="duplicate key"), transaction.atomic():
        sql("INSERT INTO lmp_block SELECT * FROM lmp_block")


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("superseded_at = recorded_at - interval '1 s'", "lmp_block_history_forward"),
        ("layer = 1", "lmp_block_history_layer_never_stood"),
        ("missing = 24", "lmp_block_holds_a_price"),
    ],
)
def test_a_version_that_contradicts_itself_is_refused(change: str, rule: str) -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0))
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 31.0))
    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        sql(f"UPDATE lmp_block_history SET {change}")


def test_a_live_price_has_a_total() -> None:
    with pytest.raises(IntegrityError, match="lmp_live_has_a_price"), transaction.atomic():
        sql("INSERT INTO lmp_live VALUES (1, now(), now(), 1, 'NaN', 1, 1, 1, 1, 1)")


def test_windows_of_a_node_never_overlap() -> None:
    first, middle, last = (datetime(year, 1, 1, tzinfo=UTC) for year in (2020, 2021, 2022))
    node = {"sandbox": False, "pnode_id": 1, "name": "A", "origin": "pnode"}
    Node.objects.create(effective_from=first, effective_to=middle, **node)
    Node.objects.create(effective_from=middle, effective_to=None, **node)
    Node.objects.create(effective_from=first, effective_to=None, **(node | {"sandbox": True}))
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(IntegrityError, match="node_windows_never_overlap"), transaction.atomic():
        Node.objects.create(effective_from=last, effective_to=None, **node)


def test_a_block_of_288_slots_fills_one_page_and_nothing_is_kept_beside() -> None:
    alone = day("2031-06-03")  # a month of its own: what other tests rolled back has left pages behind
    load(FIVE, alone, [row for node in range(1, 6) for row in flat(FIVE, alone, node, 30.0)])
    assert sql("SELECT count(DISTINCT ctid), max(pg_column_size(total)) FROM lmp_block")[0][0] == 5
    (toast,) = sql("SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE relname = 'lmp_block_2031_06'")[0]
    assert toast == 0


def test_points_for_bi_tools_are_the_stored_prices_without_gaps() -> None:
    rows = flat(HOURLY, DAY, 1, 30.0, slots=range(23))
    rows[2] = (*rows[2][:3], (32.0, float("nan"), 1.0, 20.0))
    load(HOURLY, DAY, rows)
    points = sql("SELECT interval_start, total, congestion, energy, feed, version FROM lmp_point ORDER BY interval_start")
    assert len(points) == 23
    assert points[2] == (rows[2][0], 32.0, None, 20.0, HOURLY.name, 1)


# --- partitions ------------------------------------------------------------------------------------


def _partitions(month: str) -> list[str]:
    return [name for (name,) in sql("SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE %s ORDER BY 1", f"%{month}")]


def test_a_month_is_made_once_for_each_table_and_found_again() -> None:
    for _ in range(2):
        partitions.ensure(datetime(2031, 1, 31, 23, tzinfo=UTC))
        partitions._known.clear()
    assert _partitions("2031_01") == ["lmp_block_2031_01", "lmp_block_history_2031_01"]


def test_two_makers_of_one_month_do_not_collide() -> None:
    failures: list[BaseException] = []

    def make() -> None:
        try:
            partitions.ensure(datetime(2031, 2, 1, tzinfo=UTC))
        except BaseException as problem:  # told by the main thread
            failures.append(problem)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(_partitions("2031_02")) == 2


def test_a_month_is_made_beside_a_transaction_that_reads_and_writes_others() -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0))  # this test's transaction holds its locks until the end
    later = day("2031-03-05")
    load(HOURLY, later, flat(HOURLY, later, 1, 30.0))
    assert LmpBlock.objects.count() == 2


# --- as the role of web and workers ----------------------------------------------------------------


def test_the_store_works_as_the_role_that_may_not_make_tables() -> None:
    assert missing_roles() == []
    sql(f"SET LOCAL ROLE {APP_ROLE}")
    new = day("2031-04-05")
    load(HOURLY, new, flat(HOURLY, new, 1, 30.0))
    written = load(HOURLY, new, flat(HOURLY, new, 1, 31.0, version=2) + flat(HOURLY, new, 1, 29.0))
    assert (written.changed, written.revisions) == (1, 1)
    assert queries.prices(feed=HOURLY.name, nodes=[1], span=new).total[0] == 31.0
    assert LmpBlockHistory.objects.count() == 2
    with pytest.raises(Exception, match="permission denied"), transaction.atomic():
        sql("TRUNCATE lmp_block")
