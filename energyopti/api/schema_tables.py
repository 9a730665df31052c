"""The OpenAPI of table endpoints, from their declared parameters and columns: what is told is what is read and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from energyopti.api import formats, params
from energyopti.api.columns import Column, Kind
from energyopti.api.params import Parameter
from energyopti.api.table import LOCAL

Json = dict[str, Any]

# The ends of field names that are units, the longest first
UNITS = {
    "usd_per_mw_day": "USD/MW-day",
    "usd_per_mmbtu": "USD/MMBtu",
    "usd_per_mwh": "USD/MWh",
    "dth_per_day": "Dth/day",
    "mmbtu": "MMBtu",
    "mwh": "MWh",
    "bcf": "Bcf",
    "mw": "MW",
}
_TYPES: Mapping[Kind, Json] = {
    Kind.TEXT: {"type": "string"},
    Kind.INTEGER: {"type": "integer"},
    Kind.NUMBER: {"type": "number"},
    Kind.INSTANT: {"type": "string", "format": "date-time"},
    Kind.LOCAL: {"type": "string", "format": "date-time"},
    Kind.DAY: {"type": "string", "format": "date"},
    Kind.BOOLEAN: {"type": "boolean"},
}
META: Json = {
    "type": "object",
    "description": "Where the answer comes from, and whether it is all there.",
    "properties": {
        "source": {"type": "string"},
        "licence": {"type": "string", "nullable": True, "description": "what the source allows"},
        "sandbox": {"type": "boolean", "description": "true: the data are invented by the built-in sandbox"},
        "freshness": {"type": "string", "format": "date-time", "nullable": True, "description": "the newest look at any of it"},
        "complete": {"type": "boolean", "nullable": True, "description": "nothing is missing; null: there is nothing that could be"},
    },
    "required": ["source", "licence", "sandbox", "freshness", "complete"],
    "additionalProperties": True,
}
_PARAMETERS: Mapping[params.Kind, Json] = {
    params.Kind.TEXT: {"type": "string"},
    params.Kind.INSTANT: {"type": "string", "format": "date-time"},
    params.Kind.DAY: {"type": "string", "format": "date"},
    params.Kind.WHOLE: {"type": "integer"},
    params.Kind.FLAG: {"type": "boolean"},
}


def parameter_schema(parameter: Parameter) -> Json:
    """The JSON schema of one query parameter's value."""
    if parameter.kind is params.Kind.TEXTS:
        item: Json = {"type": "string", "minLength": 1}
        schema: Json = {"type": "array", "items": item | _enum(parameter), "minItems": 1}
    else:
        schema = {"type": "string"} | _enum(parameter) if parameter.choices else _PARAMETERS[parameter.kind]
    bounds = {"minimum": parameter.minimum, "maximum": parameter.maximum, "default": parameter.default}
    return schema | {name: value for name, value in bounds.items() if value is not None}


def _enum(parameter: Parameter) -> Json:
    return {"enum": list(parameter.choices)} if parameter.choices else {}


def parameter_objects(parameters: Sequence[Parameter], columns: Sequence[Column]) -> list[Json]:
    """`columns` are what `fields` chooses from."""
    names = tuple(column.name for column in columns)
    told = (replace(parameter, choices=names) if parameter.name == "fields" else parameter for parameter in parameters)
    return [_parameter_object(parameter) for parameter in told]


def _parameter_object(parameter: Parameter) -> Json:
    told: Json = {"in": "query", "name": parameter.name, "description": parameter.description, "schema": parameter_schema(parameter)}
    if parameter.required:
        told["required"] = True
    if parameter.kind is params.Kind.TEXTS:
        told |= {"style": "form", "explode": False}
    if parameter.example:
        told["example"] = parameter.example.split(",") if parameter.kind is params.Kind.TEXTS else parameter.example
    return told


def column_schema(column: Column) -> Json:
    schema = _TYPES[column.kind] | {"description": column.description}
    if unit := unit_of(column.name):
        schema["x-unit"] = unit
    if column.nullable:
        schema["nullable"] = True
    if column.example is not None:
        schema["example"] = column.example
    return schema


def unit_of(name: str) -> str:
    return next((unit for end, unit in UNITS.items() if name == end or name.endswith(f"_{end}")), "")


def shown(columns: Sequence[Column], parameters: Sequence[Parameter]) -> list[Column]:
    """With the one that `tz=market` adds."""
    local = any(parameter.name == "tz" for parameter in parameters)
    place = next((index for index, column in enumerate(columns, 1) if local and column.name == "interval_start"), 0)
    return [*columns[:place], LOCAL, *columns[place:]] if place else list(columns)


def row_schema(columns: Sequence[Column], description: str) -> Json:
    """Every field, none of them required: `fields` chooses."""
    properties = {column.name: column_schema(column) for column in columns}
    return {"type": "object", "description": description, "properties": properties, "additionalProperties": False}


def columns_schema(columns: Sequence[Column], row: str) -> Json:
    """Field → list: all lists are equally long."""
    lists = {
        column.name: {"type": "array", "items": {"allOf": [{"$ref": f"#/components/schemas/{row}/properties/{column.name}"}]}}
        for column in columns
    }
    return {"type": "object", "properties": lists, "additionalProperties": False}


def page_schema(member: str, content: Json) -> Json:
    """`member` is results or columns."""
    properties = {
        member: content,
        "next": {"type": "string", "format": "uri", "nullable": True, "description": "the next page; null: this is the last"},
        "meta": {"$ref": "#/components/schemas/Meta"},
    }
    return {"type": "object", "properties": properties, "required": [member, "next", "meta"], "additionalProperties": False}


# --- examples -----------------------------------------------------------------------------------------


def example_row(columns: Sequence[Column]) -> Json:
    return {column.name: column.example for column in columns}


def example_pages(columns: Sequence[Column], meta: Json) -> Json:
    """Both layouts, of one row."""
    row = example_row(columns)
    rows = {"results": [row], "next": None, "meta": meta}
    lists = {"columns": {name: [value] for name, value in row.items()}, "next": None, "meta": meta}
    return {
        "rows": {"summary": "layout=rows: one object a row", "value": rows},
        "columns": {"summary": "layout=columns: one list a field", "value": lists},
    }


def example_csv(columns: Sequence[Column]) -> str:
    """As pyarrow writes it: names and texts in quotes, nothing for null."""
    head = ",".join(f'"{column.name}"' for column in columns)
    return f"{head}\n{','.join(map(_cell, columns))}\n"


def _cell(column: Column) -> str:
    value = column.example
    if value is None:
        return ""
    if column.kind in (Kind.TEXT, Kind.INSTANT, Kind.LOCAL):
        return '"' + str(value).replace('"', '""') + '"'
    return str(value).lower() if column.kind is Kind.BOOLEAN else str(value)


def contents(columns: Sequence[Column], meta: Json, pages: Sequence[str]) -> Json:
    """Media type → schema and examples; `pages` are the two layouts' component names."""
    json = {"schema": {"oneOf": [{"$ref": f"#/components/schemas/{page}"} for page in pages]}, "examples": example_pages(columns, meta)}
    binary = {"schema": {"type": "string", "format": "binary"}}
    told = {"json": json, "csv": {"schema": {"type": "string"}, "example": example_csv(columns)}}
    return {media: told.get(name, binary) for name, media in formats.FORMATS.items()}
