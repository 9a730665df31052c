"""The problems that an operation may answer, each with an example that the code itself made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import Http404
from rest_framework import exceptions

from energyopti.api import params
from energyopti.api.idempotency import InProgress, KeyReused
from energyopti.api.params import Parameter, UnknownParameter
from energyopti.api.parsers import BodyTooLarge
from energyopti.api.problems import CONTENT_TYPE, Place, problem_of
from energyopti.errors import EnergyOptiError
from energyopti.intervals import parse_instant

Json = dict[str, Any]

_TEXT = {"type": "string"}
PROBLEM: Json = {
    "type": "object",
    "description": "RFC 9457. `pointer` is #/field in a body, ?name among the parameters, {name} in the address, or a header.",
    "properties": {
        **dict.fromkeys(("type", "title", "detail", "instance", "request_id"), _TEXT),
        "status": {"type": "integer"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": dict.fromkeys(("pointer", "code", "detail"), _TEXT),
                "required": ["pointer", "code", "detail"],
            },
        },
    },
    "required": ["type", "title", "status", "detail", "instance", "request_id", "errors"],
}
CONTENT: Json = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
REQUEST_ID = "5f7c1d0e8a9b4c6d9e2f3a4b5c6d7e8f"
INSTANCE = "/api/v1/feeds"


def _naive() -> Exception:
    try:
        parse_instant("2026-11-01T00:00:00", field="start_time")
    except EnergyOptiError as error:
        return error
    raise AssertionError


def _scope() -> Exception:
    from energyopti.api.auth import HasScope  # DRF's views read the settings that name this module

    return exceptions.PermissionDenied(HasScope.message, HasScope.code)


_NAMES = {
    "400": "BadRequest",
    "401": "NotAuthenticated",
    "403": "Forbidden",
    "404": "NotFound",
    "406": "NotAcceptable",
    "409": "InProgress",
    "413": "BodyTooLarge",
    "415": "UnsupportedMediaType",
    "422": "KeyReused",
    "429": "TooManyRequests",
}
_WORDS = {
    "400": "Something in the request is wrong; `errors` names it all.",
    "401": "No key, or one that opens nothing.",
    "403": "You may not do this.",
    "404": "Nothing here that you may see has this name.",
    "406": "None of the formats you accept is here.",
    "409": "A request with this Idempotency-Key is being worked on.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "This Idempotency-Key was used for another request.",
    "429": "Your budget is used up; Retry-After says when to ask again.",
}
_EXAMPLES: dict[str, dict[str, Callable[[], Exception]]] = {
    "400": {
        "naive time": _naive,
        "unknown parameter": lambda: UnknownParameter("unknown parameter 'nod'; known are nodes, limit", field="nod"),
    },
    "401": {"no key": exceptions.NotAuthenticated},
    "403": {"a key that only reads": _scope},
    "404": {"not yours, or not there": Http404},
    "406": {"another format": exceptions.NotAcceptable},
    "409": {"at the same time": InProgress},
    "413": {"too large": lambda: BodyTooLarge(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)},
    "415": {"a form": lambda: exceptions.UnsupportedMediaType("application/x-www-form-urlencoded")},
    "422": {"another body": KeyReused},
    "429": {"used up": lambda: exceptions.Throttled(wait=17)},
}

_named: Json = {}  # the components of Refusals that operations refer to


def components() -> Json:
    """Each status's response, by its name; and what the operations told so far refuse besides."""
    return {name: _component(status) for status, name in _NAMES.items()} | _named


def _component(status: str) -> Json:
    examples = {name: {"value": _body(make())} for name, make in _EXAMPLES[status].items()}
    told: Json = {"description": _WORDS[status], "content": {CONTENT_TYPE: {**CONTENT[CONTENT_TYPE], "examples": examples}}}
    if status == "429":
        told["headers"] = {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}}
    return told


def _body(error: Exception, *, in_query: bool = True) -> Json:
    return problem_of(error, Place(in_query=in_query)).body(instance=INSTANCE) | {"request_id": REQUEST_ID}


@dataclass(frozen=True, slots=True)
class Refusals:
    """What endpoints alike refuse besides: an example of each, told under their name. `reads`: where nothing is written."""

    name: str
    errors: tuple[EnergyOptiError, ...]
    reads: bool = False

    def components(self) -> Json:
        """Status → the component's name and what it says: the usual of that status, and these."""
        return {status: (f"{self.name}{status}", self._told(status)) for status in sorted({str(error.status) for error in self.errors})}

    def _told(self, status: str) -> Json:
        if self.reads and status == "409":
            known: Json = {"description": "It is not at this stage.", "content": CONTENT}
        else:
            known = _component(status) if status in _NAMES else {"description": "Ask again soon.", "content": CONTENT}
        examples = {error.code: {"value": _body(error, in_query=False)} for error in self.errors if str(error.status) == status}
        told = known["content"][CONTENT_TYPE]
        content = {CONTENT_TYPE: {**told, "examples": {**told.get("examples", {}), **examples}}}
        more = "" if self.reads else " Or a rule refuses: nothing has changed."
        return {**known, "description": f"{known['description']}{more}", "content": content}


def responses(
    *,
    method: str,
    writes: bool,
    addressed: bool,
    table: bool,
    parameters: Sequence[Parameter],
    staff: bool,
    refusals: Refusals | None = None,
) -> Json:
    """Those that an operation may answer, as references."""
    statuses = ["400", "401", "429"]
    statuses += ["403"] if writes or staff else []
    statuses += ["404"] if addressed or any(parameter.kind in (params.Kind.TEXT, params.Kind.TEXTS) for parameter in parameters) else []
    statuses += ["406"] if table or method == "GET" else []
    statuses += ["413", "415"] if method != "GET" else []
    statuses += ["409", "422"] if writes else []
    names = {status: _NAMES[status] for status in statuses}
    for status, (name, told) in (refusals.components() if refusals else {}).items():
        names[status] = name
        _named[name] = told
    return {status: {"$ref": f"#/components/responses/{names[status]}"} for status in sorted(names)}
