"""Errors as application/problem+json (RFC 9457). One place maps every error that an answer can be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import set_rollback

from energyopti import logs
from energyopti.errors import EnergyOptiError

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"

# DRF's exceptions that the class alone names; others keep the code they were raised with
_CODES: dict[type[Exception], str] = {
    exceptions.ParseError: "malformed-body",
    exceptions.NotAuthenticated: "not-authenticated",
    exceptions.NotFound: "not-found",
    exceptions.MethodNotAllowed: "method-not-allowed",
    exceptions.NotAcceptable: "not-acceptable",
    exceptions.UnsupportedMediaType: "unsupported-media-type",
    exceptions.Throttled: "too-many-requests",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One input that broke a rule. `pointer`: `#/quantity` in a body (a JSON pointer), `?start_time` among the parameters."""

    pointer: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Problem:
    status: int
    code: str
    detail: str
    errors: tuple[Fault, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)

    def body(self, *, instance: str) -> dict[str, Any]:
        return {
            "type": f"urn:energyopti:problem:{self.code}",
            "title": self.code.replace("-", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "request_id": logs.request_id(),
            "errors": [{"pointer": fault.pointer, "code": fault.code, "detail": fault.detail} for fault in self.errors],
        }


def handle(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's EXCEPTION_HANDLER: nothing leaves an API view in another form, an error of ours included."""
    request: Request = context["request"]
    problem = problem_of(error, in_query=request.method in ("GET", "HEAD"))
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request.failed", code=problem.code, path=request.path, exc_info=error)
    set_rollback()
    body = problem.body(instance=request.path)
    return Response(body, status=problem.status, headers=problem.headers, content_type=CONTENT_TYPE)


def answer(problem: Problem, request: HttpRequest) -> JsonResponse:
    """The same for Django's own views."""
    body = problem.body(instance=request.path)
    return JsonResponse(body, status=problem.status, headers=problem.headers, content_type=CONTENT_TYPE)


def problem_of(error: Exception, *, in_query: bool = False) -> Problem:
    match error:
        case EnergyOptiError():
            named = [Fault(_pointer(error.field, in_query), error.code, error.detail)] if error.field else []
            return Problem(error.status, error.code, error.detail, tuple(named))
        case Http404():
            return Problem(404, "not-found", "there is nothing at this address that you may see")
        case PermissionDenied():
            return Problem(403, "permission-denied", str(error) or "you may not do this")
        case exceptions.ValidationError():
            faults = tuple(_faults(error.detail, in_query=in_query))
            return Problem(error.status_code, "invalid-input", "; ".join(fault.detail for fault in faults), faults)
        case exceptions.NotAuthenticated():
            return _of_api_exception(error, detail="send Authorization: Bearer KEY (manage.py apikey makes one), or log in")
        case exceptions.APIException():
            return _of_api_exception(error)
    return Problem(500, "internal-error", "this is our mistake; tell us the request_id")


def _of_api_exception(error: exceptions.APIException, detail: str = "") -> Problem:
    headers = {}
    if auth_header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = f"{wait:.0f}"
    code = _CODES.get(type(error)) or getattr(error.detail, "code", error.default_code).replace("_", "-")
    return Problem(error.status_code, code, detail or str(error.detail), headers=headers)


def _faults(detail: Any, path: tuple[str, ...] = (), *, in_query: bool) -> Iterator[Fault]:
    """DRF nests its messages like the input: each leaf is a fault."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _faults(inner, path if name == "non_field_errors" else (*path, str(name)), in_query=in_query)
    elif isinstance(detail, list):
        nested = any(isinstance(inner, dict | list) for inner in detail)
        for index, inner in enumerate(detail):
            yield from _faults(inner, (*path, str(index)) if nested else path, in_query=in_query)
    else:
        yield Fault(_pointer("/".join(path), in_query), getattr(detail, "code", "invalid").replace("_", "-"), str(detail))


def _pointer(name: str, in_query: bool) -> str:
    return f"?{name}" if in_query else f"#/{name}" if name else "#"
