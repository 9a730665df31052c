"""The OpenAPI schema: parameters and columns from the endpoints' own declarations, keys, and the one form of errors."""

from __future__ import annotations

import re
from typing import Any, cast

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent

from energyopti.api import idempotency, schema_problems, schema_tables
from energyopti.api.base import Endpoint
from energyopti.api.permissions import Staff
from energyopti.api.schema_tables import Json
from energyopti.api.table import PostedTable, TableEndpoint

RATE_HEADERS = {
    "RateLimit-Limit": "what one key, or one person, may ask within the window",
    "RateLimit-Remaining": "what is left of it",
    "RateLimit-Reset": "seconds until all of it is back, if nothing is asked meanwhile",
    "RateLimit-Policy": "the limit and its window: 600;w=60",
}
_UNKNOWN_META = {"source": "", "licence": None, "sandbox": False, "freshness": None, "complete": None}


class Schema(AutoSchema):
    """Of one method of one endpoint."""

    def get_operation_id(self) -> str:
        """The address in words: it stays as long as the address does."""
        path = re.sub(r"\{\w+\}", "", re.sub(r"\{\w+\}$", "one", self.path.removeprefix("/api/v1")))
        words = re.findall(r"[A-Za-z0-9]+", path)
        return "_".join(words if self.method == "GET" else [self.method.lower(), *words])

    def get_tags(self) -> list[str]:
        words = self.path.removeprefix("/api/v1/").split("/")
        return [words[0] if len(words) > 1 and not words[1].startswith("{") else "installation"]

    def get_summary(self) -> str | None:
        return self._told()[0]

    def get_description(self) -> str:  # type: ignore[override]  # drf-spectacular changed DRF's own
        return self._told()[1]

    def _told(self) -> tuple[str, str]:
        """An endpoint's docstring: its first sentence, and the rest."""
        text = re.sub(r"(?<!\n)\n *(?!\n)", " ", str(super().get_description() or "").strip())
        first, _, rest = text.partition("\n")
        return first.strip().rstrip("."), rest.strip()

    def get_override_parameters(self) -> list[Any]:
        return []  # they are added whole, below

    def get_operation(self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry) -> Json | None:
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is None or not isinstance(self.view, Endpoint):
            return operation
        own = self.view.parameters_of(self.method)
        columns = schema_tables.shown(getattr(self.view, "columns", ()), own)
        parameters = [*operation.get("parameters", []), *schema_tables.parameter_objects(own, columns)]
        if self._is_idempotent():
            parameters.append(IDEMPOTENCY_KEY)
        if parameters:
            operation["parameters"] = parameters
        responses = operation["responses"]
        responses["200" if "200" in responses else next(iter(responses))]["headers"] = _headers(RATE_HEADERS)
        operation["responses"] = responses | schema_problems.responses(
            method=method,
            writes=self._is_idempotent(),
            addressed="{" in path,
            table=self._is_table(),
            refusals=getattr(self.view, "refusals" if self._is_idempotent() else "read_refusals", None),
            parameters=own,
            staff=any(permission is Staff for permission in self.view.permission_classes),
        )
        return operation

    def _is_list_view(self, serializer: Any = None) -> bool:
        """A table has no serializer that could be asked."""
        return not isinstance(self.view, Endpoint) and bool(super()._is_list_view(serializer))

    def _get_response_bodies(self, direction: Any = "response") -> Json:
        if not self._is_table():
            return super()._get_response_bodies(direction)
        unchanged = {"304": {"description": "What you have (If-None-Match) still stands."}} if self.method == "GET" else {}
        return {"200": self._table(cast(TableEndpoint, self.view)), **unchanged}

    def _is_table(self) -> bool:
        return isinstance(self.view, TableEndpoint if self.method == "GET" else PostedTable)

    def get_request_serializer(self) -> Any:
        """A view's own `body`, where nothing else is said of the method."""
        return getattr(self.view, "body", None) or super().get_request_serializer()

    def _is_idempotent(self) -> bool:
        return idempotency.is_idempotent(getattr(self.view, self.method.lower(), None))

    def _table(self, view: TableEndpoint) -> Json:
        name = "".join(word.title() for word in self.get_operation_id().split("_"))
        columns = schema_tables.shown(view.columns, view.all_parameters())
        self._register(f"{name}Row", schema_tables.row_schema(columns, self._told()[0]))
        self._register(
            f"{name}Rows",
            schema_tables.page_schema("results", {"type": "array", "items": {"$ref": f"#/components/schemas/{name}Row"}}),
        )
        self._register(f"{name}Columns", schema_tables.page_schema("columns", schema_tables.columns_schema(columns, f"{name}Row")))
        self._register("Meta", schema_tables.META)
        meta = getattr(view, "meta_example", _UNKNOWN_META)
        content = schema_tables.contents(view.columns, meta, [f"{name}Rows", f"{name}Columns"])
        return {"description": "A page as JSON, or the whole window as CSV, Parquet or Arrow.", "content": content}

    def _register(self, name: str, schema: Json) -> None:
        component = ResolvedComponent(name, ResolvedComponent.SCHEMA, schema=schema, object=name)  # type: ignore[no-untyped-call]
        self.registry.register_on_missing(component)


IDEMPOTENCY_KEY: Json = {
    "in": "header",
    "name": idempotency.HEADER,
    "required": True,
    "description": "Choose one anew for each thing you do. Sent again with the same body it gets the same answer: nothing is done twice.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
    "example": "8f0a7c52-0d5b-4c3f-9d5e-6f1b0a2f4c11",
}


def _headers(named: dict[str, str]) -> Json:
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in named.items()}


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself by being a subclass
    target_class = "energyopti.api.auth.KeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "manage.py apikey --user NAME --name LABEL makes one"}


class BodyScheme(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]  # registers itself by being a subclass
    """What is not declared is refused."""

    target_class = "energyopti.api.bodies.Body"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Any) -> Json:
        told = cast(Any, auto_schema)._map_serializer(self.target, direction, bypass_extensions=True)
        return {**told, "additionalProperties": False}


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Every operation may answer a problem."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = schema_problems.PROBLEM
    components["responses"] = schema_problems.components()
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["default"] = {"description": "A problem", "content": schema_problems.CONTENT}
    return result
