from __future__ import annotations

import numpy as np
import pytest
from django.db import Error

from markets import arrays

pytestmark = pytest.mark.django_db
TYPES = {"id": "int8", "at": "timestamptz", "small": "int2", "price": "float8", "prices": "float8[]", "counts": "int4[]", "tiny": "int2[]"}
MAKE = "CREATE TEMP TABLE round_trip (id bigint, at timestamptz, small int2, price float8, prices float8[], counts int4[], tiny int2[])"


def columns(k: int) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(1)
    return {
        "id": np.arange(k),
        "at": np.arange(k) * 1_000_001 - 5,
        "small": np.arange(k) % 7 - 3,
        "price": draw.normal(size=k) * 1e4,
        "prices": np.where(draw.random((k, 5)) < 0.2, np.nan, draw.normal(size=(k, 5))),
        "counts": draw.integers(-(2**31), 2**31, (k, 3)),
        "tiny": draw.integers(-(2**15), 2**15, (k, 2)),
    }


def test_what_goes_in_comes_out_to_the_last_bit() -> None:
    k = 2_500  # more than is encoded at a time
    values = columns(k)
    with arrays.cursor() as rows:
        rows.execute(MAKE)
        arrays.copy_in(rows, "round_trip", TYPES, values, {})
        found = rows.execute(
            "SELECT id, (extract(epoch FROM at) * 1000000)::int8, small, price, prices, counts, tiny FROM round_trip ORDER BY id"
        ).fetchall()
    for place, name in enumerate(TYPES):
        assert np.array_equal(np.array([row[place] for row in found]), values[name], equal_nan=values[name].dtype == float), name


def test_rows_with_different_nulls_keep_their_values() -> None:
    values = columns(6)
    nulls = {"price": np.arange(6) % 2 == 0, "prices": np.arange(6) % 3 == 0}
    with arrays.cursor() as rows:
        rows.execute(MAKE)
        arrays.copy_in(rows, "round_trip", TYPES, values, nulls)
        found = rows.execute("SELECT id, price, prices IS NULL, counts FROM round_trip ORDER BY id").fetchall()
    assert [row[1] is None for row in found] == nulls["price"].tolist()
    assert [row[2] for row in found] == nulls["prices"].tolist()
    assert all((row[3] == values["counts"][place]).all() for place, row in enumerate(found))
    assert found[1][1] == values["price"][1]


def test_columns_of_no_row_are_empty() -> None:
    with arrays.cursor() as rows:
        found = arrays.columns(rows, {"a": "int8", "b": "float8"}, "SELECT 1::int8 AS a, 1.5::float8 AS b WHERE false", {})
    assert {name: (len(column), column.dtype) for name, column in found.items()} == {"a": (0, np.int64), "b": (0, np.float64)}


def test_columns_keep_every_bit() -> None:
    values = [0.1, -0.0, 1e-300, float("nan"), 1.7976931348623157e308]
    with arrays.cursor() as rows:
        query = "SELECT n::int2 AS small, n::int4 AS middle, v AS value FROM unnest(%(values)s::float8[]) WITH ORDINALITY t(v, n)"
        found = arrays.columns(rows, {"small": "int2", "middle": "int4", "value": "float8"}, query, {"values": values})
    assert found["value"].tobytes()[:24] == np.array(values).tobytes()[:24]
    assert np.isnan(found["value"][3])
    assert (found["small"].tolist(), found["small"].dtype, found["middle"].dtype) == ([1, 2, 3, 4, 5], np.int16, np.int32)


def test_an_empty_array_is_read() -> None:
    with arrays.cursor() as rows:
        assert rows.execute("SELECT '{}'::float8[]").fetchone()[0].tolist() == []


def test_what_the_database_refuses_is_django_s_error() -> None:
    with pytest.raises(Error, match="does not exist"), arrays.cursor() as rows:
        rows.execute("SELECT nothing_such")


def test_columns_of_a_query_are_arrays_times_too() -> None:
    values = columns(20)
    with arrays.cursor() as rows:
        rows.execute(MAKE)
        arrays.copy_in(rows, "round_trip", TYPES, values, {})
        found = arrays.columns(rows, {"id": "int8", "at": "timestamptz"}, "SELECT id, at FROM round_trip ORDER BY id", {})
        none = arrays.columns(rows, {"at": "timestamptz"}, "SELECT at FROM round_trip WHERE false", {})
    assert (found["at"].tolist(), found["id"].tolist()) == (values["at"].tolist(), list(range(20)))
    assert len(none["at"]) == 0
