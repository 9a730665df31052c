"""CSV, Parquet and Arrow over real HTTP: value by value what JSON tells, in constant memory, torn when they fail."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import requests
from pyarrow import csv, ipc, parquet

from energyopti.organisations import services
from energyopti.organisations.models import User
from tests.api.tables import COLUMNS, HOURS

PATH = "/api/v1/probe/table"
Get = Callable[..., requests.Response]


@pytest.fixture
def session(served: str, settings: Any) -> Iterator[requests.Session]:
    settings.ROOT_URLCONF = "tests.api.tables"
    _, secret = services.make_api_key(user=User.objects.create_user("reader"), name="formats")
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {secret}"
        yield session


@pytest.fixture
def get(session: requests.Session, served: str) -> Get:
    return lambda **query: session.get(served + PATH, params=query)


def from_csv(body: bytes) -> pa.Table:
    """As text: what stands there is compared, not what a reader makes of it."""
    text = {
        name: pa.string() for name in csv.read_csv(io.BytesIO(body), parse_options=csv.ParseOptions(newlines_in_values=True)).column_names
    }
    options = csv.ConvertOptions(column_types=text, strings_can_be_null=True, quoted_strings_can_be_null=False)
    return csv.read_csv(io.BytesIO(body), convert_options=options, parse_options=csv.ParseOptions(newlines_in_values=True))


def as_json(table: pa.Table) -> list[dict[str, Any]]:
    """Typed columns in JSON's words."""
    return [{name: _told(value) for name, value in row.items()} for row in table.to_pylist()]


def _told(value: Any) -> Any:
    if not hasattr(value, "isoformat"):
        return value
    text = value.isoformat()
    return text.replace("+00:00", "Z") if text.endswith("+00:00") else text


def test_every_format_tells_the_same(get: Get) -> None:
    query = {"nodes": 7, "tz": "market"}
    told = get(**query, limit=10_000).json()["results"]
    assert len(told) == 7 * HOURS
    arrow = ipc.open_stream(get(**query, format="arrow").content).read_all()
    packed = parquet.read_table(io.BytesIO(get(**query, format="parquet").content))
    assert as_json(arrow) == told
    assert as_json(packed) == told
    plain = from_csv(get(**query, format="csv").content)
    assert plain.column_names == list(told[0])
    for row, expected in zip(plain.to_pylist(), told, strict=True):
        numbers = {"node_id": int, "version": int, "price": float}
        read = {name: numbers.get(name, str)(value) if value is not None else None for name, value in row.items()}
        assert read == expected | {"peak": str(expected["peak"]).lower()}


def test_types_units_and_source_travel_along(get: Get) -> None:
    schema = ipc.open_stream(get(nodes=1, format="arrow", tz="market").content).schema
    assert schema.field("interval_start").type == pa.timestamp("us", "UTC")
    assert schema.field("interval_start_local").type == pa.timestamp("us", "America/New_York")
    assert schema.field("price").type == pa.float64()
    assert schema.metadata[b"source"] == b"tests"
    assert schema.metadata[b"sandbox"] == b"true"
    assert schema.field("node_id").metadata == {b"description": b"the node"}
    assert parquet.read_schema(io.BytesIO(get(nodes=1, format="parquet").content)).metadata[b"licence"] == b"none"


def test_headers_tell_of_the_file(get: Get) -> None:
    answer = get(nodes=1, format="parquet")
    assert answer.headers["Content-Type"] == "application/vnd.apache.parquet"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="rows.parquet"'
    assert answer.headers["X-EnergyOpti-Sandbox"] == "true"
    assert answer.headers["X-EnergyOpti-Complete"] == "false"


@pytest.mark.parametrize("form", ["csv", "arrow", "parquet"])
def test_nothing_found_is_a_table_without_rows(get: Get, form: str) -> None:
    body = get(nodes=0, format=form).content
    readers = {
        "csv": from_csv,
        "arrow": lambda body: ipc.open_stream(body).read_all(),
        "parquet": lambda body: parquet.read_table(io.BytesIO(body)),
    }
    table = readers[form](body)
    assert (table.num_rows, table.column_names) == (0, [column.name for column in COLUMNS])


def test_the_whole_window_comes_whatever_the_limit(get: Get) -> None:
    table = ipc.open_stream(get(nodes=40, limit=5, format="arrow").content).read_all()
    assert table.num_rows == 40 * HOURS
    assert pc.count_distinct(table["node_id"]).as_py() == 40


def test_what_fails_at_once_is_a_problem(get: Get) -> None:
    answer = get(nodes=5, stops=0, format="csv")
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")


@pytest.mark.parametrize("form", ["csv", "arrow", "parquet"])
def test_what_fails_in_the_midst_is_torn(get: Get, form: str) -> None:
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)):
        get(nodes=5, stops=3, format=form)


def test_django_gathers_no_stream(get: Get) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert get(nodes=200, format="csv").status_code == 200


def test_the_server_goes_on_after_a_reader_who_leaves(session: requests.Session, served: str, get: Get) -> None:
    with session.get(served + PATH, params={"nodes": 20_000, "format": "csv"}, stream=True) as answer:
        assert next(answer.iter_content(1000))
    assert get(nodes=1).status_code == 200
