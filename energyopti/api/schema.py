"""The OpenAPI schema: parameters from the endpoints' own declarations, keys, and the one form of errors."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from energyopti.api.problems import CONTENT_TYPE

_TEXT = {"type": "string"}
PROBLEM = {
    "type": "object",
    "description": "RFC 9457. `pointer` is #/field in a body, ?name among the parameters.",
    "properties": {
        **dict.fromkeys(("type", "title", "detail", "instance", "request_id"), _TEXT),
        "status": {"type": "integer"},
        "errors": {"type": "array", "items": {"type": "object", "properties": dict.fromkeys(("pointer", "code", "detail"), _TEXT)}},
    },
    "required": ["type", "title", "status", "detail", "instance", "request_id", "errors"],
}


class Schema(AutoSchema):
    def get_override_parameters(self) -> list[Any]:
        return [
            OpenApiParameter(
                parameter.name, str, required=parameter.required, description=parameter.description, enum=parameter.choices or None
            )
            for parameter in getattr(self.view, "parameters", ())
        ]


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself by being a subclass
    target_class = "energyopti.api.auth.KeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "manage.py apikey --user NAME --name LABEL makes one"}


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Every operation may answer a problem."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    problem = {"description": "A problem", "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["default"] = problem
    return result
