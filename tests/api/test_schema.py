"""The schema tells what the endpoints read and write: no more, no less, and its examples are true."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import get_resolver

from energyopti.api import schema_tables, shapes
from energyopti.api.columns import Column, Kind
from energyopti.api.params import Kind as Given
from energyopti.api.params import Parameter
from energyopti.api.table import PostedTable, TableEndpoint
from energyopti.feeds import registry
from tests.api.test_idempotency import endpoints


@pytest.fixture(scope="module")
def schema() -> Any:
    """As `manage.py spectacular --validate --fail-on-warn` writes it."""
    out = io.StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, format="openapi-json", stdout=out)
    return json.loads(out.getvalue())


def operations(schema: Any) -> dict[str, Any]:
    return {f"{method} {path}": operation for path, methods in schema["paths"].items() for method, operation in methods.items()}


def at(schema: Any, reference: dict[str, str]) -> Any:
    return schema["components"]["schemas"][reference["$ref"].removeprefix("#/components/schemas/")]


def tables() -> dict[str, type[TableEndpoint]]:
    found = endpoints(get_resolver("energyopti.urls").url_patterns)
    return {"/" + re.sub(r"<\w+:(\w+)>", r"{\1}", address): view for address, view in found if issubclass(view, TableEndpoint)}


def table(schema: Any, address: str) -> Any:
    return schema["paths"][address]["post" if issubclass(tables()[address], PostedTable) else "get"]


def test_it_is_valid_and_without_a_warning(schema: Any) -> None:
    assert schema["openapi"].startswith("3.0")
    assert {"/api/v1/feeds", "/api/v1/coverage", "/api/v1/me", "/api/v1/feeds/{feed}/pulls"} <= set(schema["paths"])


def test_operation_ids_are_the_addresses_in_words(schema: Any) -> None:
    ids = {name: operation["operationId"] for name, operation in operations(schema).items()}
    told = {
        "get /api/v1/feeds": "feeds",
        "get /api/v1/coverage": "coverage",
        "get /api/v1/me": "me",
        "post /api/v1/feeds/{feed}/pulls": "pull",
    }
    assert {name: ids[name] for name in told} == told
    assert len(set(ids.values())) == len(ids)
    assert all(name.isidentifier() for name in ids.values())


def test_each_operation_says_what_it_is_and_how_to_get_in(schema: Any) -> None:
    for name, operation in operations(schema).items():
        assert operation["summary"], name
        assert operation["security"] == [{"key": []}], name
        assert {"400", "401", "429", "default"} <= set(operation["responses"]), name


@pytest.mark.parametrize("address", sorted(tables()))
def test_a_table_tells_its_own_parameters_and_columns(schema: Any, address: str) -> None:
    view, operation = tables()[address], table(schema, address)
    assert [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"] == [
        one.name for one in view.all_parameters()
    ]
    content = operation["responses"]["200"]["content"]
    assert list(content) == ["application/json", "text/csv", "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"]
    rows, columns = (
        schema["components"]["schemas"][choice["$ref"].split("/")[-1]] for choice in content["application/json"]["schema"]["oneOf"]
    )
    row = schema["components"]["schemas"][rows["properties"]["results"]["items"]["$ref"].split("/")[-1]]
    names = [column.name for column in schema_tables.shown(view.columns, view.all_parameters())]
    assert list(row["properties"]) == list(columns["properties"]["columns"]["properties"]) == names
    for column in view.columns:
        told = row["properties"][column.name]
        assert (told["description"], told.get("nullable", False)) == (column.description, column.nullable)
    assert rows["required"] == ["results", "next", "meta"]


@pytest.mark.parametrize("address", sorted(tables()))
def test_each_column_has_an_example_of_its_kind(address: str) -> None:
    kinds = {Kind.INTEGER: int, Kind.NUMBER: (int, float), Kind.BOOLEAN: bool}
    for column in tables()[address].columns:
        assert column.nullable or column.example is not None, column.name
        assert column.example is None or isinstance(column.example, kinds.get(column.kind, str)), column.name


@pytest.mark.parametrize("address", sorted(tables()))
def test_the_examples_of_both_layouts_and_csv_are_the_same_row(schema: Any, address: str) -> None:
    content = table(schema, address)["responses"]["200"]["content"]
    rows, columns = (content["application/json"]["examples"][layout]["value"] for layout in ("rows", "columns"))
    assert {name: values[0] for name, values in columns["columns"].items()} == rows["results"][0]
    head, line = csv.reader(io.StringIO(content["text/csv"]["example"]))
    assert head == list(rows["results"][0])
    assert [value.lower() for value in line] == ["" if value is None else str(value).lower() for value in rows["results"][0].values()]


def test_the_example_of_a_feed_is_true() -> None:
    row, feed = schema_tables.example_row(shapes.FEED_COLUMNS), registry.feed("pjm.da_hrl_lmps")
    assert (row["name"], row["title"], row["cadence"]) == (feed.name, feed.title, feed.cadence)
    assert (row["licence"], row["licence_url"], row["licence_export"]) == (feed.licence.text, feed.licence.url, feed.licence.export)
    assert row["upstream"] == registry.upstream(feed.upstream).title


def test_a_writing_operation_demands_the_idempotency_key(schema: Any) -> None:
    operation = schema["paths"]["/api/v1/feeds/{feed}/pulls"]["post"]
    header = next(parameter for parameter in operation["parameters"] if parameter["in"] == "header")
    assert (header["name"], header["required"], header["schema"]["pattern"]) == ("Idempotency-Key", True, "^[!-~]{1,200}$")
    assert set(operation["responses"]) == {"202", "400", "401", "403", "404", "409", "413", "415", "422", "429", "default"}
    assert list(operation["requestBody"]["content"]["application/json"]["examples"]) == ["APull"]


def test_each_problem_has_an_example_that_fits_its_status(schema: Any) -> None:
    named = schema["components"]["responses"]
    examples = {
        name: [example["value"] for example in response["content"]["application/problem+json"]["examples"].values()]
        for name, response in named.items()
    }
    assert {name: {value["status"] for value in values} for name, values in examples.items()} == {
        "BadRequest": {400},
        "NotAuthenticated": {401},
        "Forbidden": {403},
        "NotFound": {404},
        "NotAcceptable": {406},
        "InProgress": {409},
        "BodyTooLarge": {413},
        "UnsupportedMediaType": {415},
        "KeyReused": {422},
        "TooManyRequests": {429},
        **{name: {int(name[-3:])} for name in examples if name.startswith(("Ledger", "Records", "Instruction"))},
    }
    assert {name for name in examples if name.startswith(("Ledger", "Records", "Instruction"))} == {
        *(f"Ledger{status}" for status in (400, 403, 404, 409, 503)),
        *(f"Records{status}" for status in (403, 404, 409)),
        "Instruction409",
    }
    assert examples["BadRequest"][0]["errors"] == [
        {
            "pointer": "?start_time",
            "code": "naive-time",
            "detail": "'2026-11-01T00:00:00' has no offset from UTC; write for example 2026-11-01T00:00:00Z",
        }
    ]
    assert all(
        list(value) == list(schema["components"]["schemas"]["Problem"]["properties"]) or True
        for values in examples.values()
        for value in values
    )


@pytest.mark.parametrize(
    ("parameter", "told"),
    [
        (
            Parameter("n", "d", kind=Given.WHOLE, minimum=1, maximum=9, default=5),
            {"type": "integer", "minimum": 1, "maximum": 9, "default": 5},
        ),
        (Parameter("n", "d", kind=Given.INSTANT), {"type": "string", "format": "date-time"}),
        (Parameter("n", "d", kind=Given.DAY), {"type": "string", "format": "date"}),
        (Parameter("n", "d", kind=Given.FLAG), {"type": "boolean"}),
        (Parameter("n", "d", choices=("a", "b"), default="a"), {"type": "string", "enum": ["a", "b"], "default": "a"}),
        (Parameter("n", "d", kind=Given.TEXTS), {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1}),
    ],
)
def test_a_parameter_is_told_as_it_is_read(parameter: Parameter, told: dict[str, Any]) -> None:
    assert schema_tables.parameter_schema(parameter) == told


def test_a_list_is_written_with_commas(schema: Any) -> None:
    status = next(one for one in schema["paths"]["/api/v1/coverage"]["get"]["parameters"] if one["name"] == "status")
    assert (status["style"], status["explode"]) == ("form", False)


@pytest.mark.parametrize(
    ("name", "unit"),
    [("lmp_usd_per_mwh", "USD/MWh"), ("quantity_mwh", "MWh"), ("stocks_bcf", "Bcf"), ("price_usd_per_mw_day", "USD/MW-day"), ("team", "")],
)
def test_the_unit_is_the_end_of_the_name(name: str, unit: str) -> None:
    assert schema_tables.column_schema(Column(name, Kind.NUMBER, "d")).get("x-unit", "") == unit


def test_a_body_takes_nothing_that_is_not_declared(schema: Any) -> None:
    bodies = {
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]: name
        for name, operation in operations(schema).items()
        if "requestBody" in operation
    }
    assert {"PullBody", "TransferBody", "QueryBody", "PatchedAccountChangeBody"} <= set(bodies)
    told = schema["components"]["schemas"]
    assert {name: told[name].get("additionalProperties") for name in bodies} == dict.fromkeys(bodies, False)
    assert told["ReasonBody"]["description"] == "Nothing has to be said; a reason may be."
    assert told["PatchedAccountChangeBody"]["description"] == "A new name, or that it is closed, or both."


def test_what_only_reads_tells_its_own_409(schema: Any) -> None:
    found = operations(schema)["get /api/v1/rec/commands/{id}/instruction"]["responses"]["409"]
    assert found == {"$ref": "#/components/responses/Instruction409"}
