"""Errors as application/problem+json (RFC 9457). One place maps every error that an answer can be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import set_rollback

from energyopti import logs
from energyopti.api import throttles
from energyopti.api.echo import cut
from energyopti.errors import EnergyOptiError, Several

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"
MOST_FAULTS = 100  # that one answer tells
MOST_SENTENCES = 10  # of them in `detail`
AWAY_SECONDS = "5"  # what a database that does not answer is given

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
    """One input that broke a rule.

    `pointer`: `#/quantity` in a body (a JSON pointer), `?start_time` among the parameters, `{feed}` in the address,
    `header Idempotency-Key` among the headers. Names that somebody made up are cut.
    """

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


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request's fields stand: `in_query` as long as only its parameters have been read; names in its address.

    `queried`: names that stand among the parameters though there is a body, too.
    """

    in_query: bool = False
    in_path: frozenset[str] = frozenset()
    queried: frozenset[str] = frozenset()

    def pointer(self, name: str) -> str:
        if name in self.in_path:
            return f"{{{name}}}"
        name = "/".join(map(cut, name.split("/")))
        return f"?{name}" if self.in_query and name else f"#/{name}" if name else "#"


def handle(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's EXCEPTION_HANDLER: nothing leaves an API view in another form, an error of ours included."""
    request: Request = context["request"]
    problem = problem_of(error, _place(context))
    if problem.status in throttles.REFUSED_EARLY and (throttled := throttles.spend_on_refusal(request)):
        problem = problem_of(throttled)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request.failed", code=problem.code, path=request.path, exc_info=error)
    set_rollback()
    body = problem.body(instance=request.path)
    return Response(body, status=problem.status, headers=problem.headers, content_type=CONTENT_TYPE)


def _place(context: dict[str, Any]) -> Place:
    """`asked` is there once the parameters were read (Endpoint.initial): what is wrong before that stands in the query."""
    request: Request = context["request"]
    reads = request.method in ("GET", "HEAD")
    return Place(
        in_query=reads or not hasattr(context.get("view"), "asked"),
        in_path=frozenset(context.get("kwargs") or ()),
        queried=frozenset(request.query_params),
    )


def answer(problem: Problem, request: HttpRequest) -> JsonResponse:
    """The same for Django's own views."""
    body = problem.body(instance=request.path)
    return JsonResponse(body, status=problem.status, headers=problem.headers, content_type=CONTENT_TYPE)


def problem_of(error: Exception, place: Place = Place()) -> Problem:
    match error:
        case Several():
            return _several(error.status, error.code, [_fault(fault, place) for fault in error.faults])
        case EnergyOptiError():
            return Problem(error.status, error.code, error.detail, (_fault(error, place),) if error.field else ())
        case Http404():
            return Problem(404, "not-found", "there is nothing at this address that you may see")
        case PermissionDenied():
            return Problem(403, "permission-denied", str(error) or "you may not do this")
        case OperationalError():  # away, or all connections of the pool are taken: nothing that the asker could put right
            detail = "the database does not answer at this moment; ask again soon"
            return Problem(503, "database-away", detail, headers={"Retry-After": AWAY_SECONDS})
        case RequestDataTooBig():
            return Problem(413, "body-too-large", f"the body is larger than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes")
        case SuspiciousOperation():  # too many fields, a broken multipart body: Django's own words may quote it
            return Problem(400, "bad-request", "this request cannot be understood")
        case exceptions.APIException():
            return _of_api_exception(error, place)
    return Problem(500, "internal-error", "this is our mistake; tell us the request_id")


def _of_api_exception(error: exceptions.APIException, place: Place) -> Problem:
    match error:
        case exceptions.ValidationError():
            faults = list(_faults(error.detail, place=place))
            rule = _rules().get(faults[0].code) if len(faults) == 1 else None  # one of ours, found while a body was read
            code, status = (rule.code, rule.status) if rule else ("invalid-input", error.status_code)
            return _several(status, code, faults)
        case exceptions.ParseError():
            return _plain(error, errors=(Fault("#", "malformed-body", str(error.detail)),))
        case exceptions.NotAuthenticated():
            return _plain(error, detail="send Authorization: Bearer KEY (manage.py apikey makes one), or log in")
        case exceptions.UnsupportedMediaType():
            return _plain(error, detail=f"{error.detail} Send Content-Type: application/json.")
        case exceptions.Throttled():
            return _plain(error, detail=f"your budget is used up; ask again in {_wait(error)} s")
    return _plain(error)


def _several(status: int, code: str, faults: Sequence[Fault]) -> Problem:
    """As many as anybody reads: a body of nothing but faults must not get an answer many times its size."""
    sentences = [fault.detail for fault in faults[:MOST_SENTENCES]]
    if (more := len(faults) - MOST_SENTENCES) > 0:
        sentences.append(f"and {more} more")
    return Problem(status, code, "; ".join(sentences), tuple(faults[:MOST_FAULTS]))


def _rules() -> dict[str, type[EnergyOptiError]]:
    """Every rule of ours by its code."""
    kinds = EnergyOptiError.__subclasses__()
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    return {kind.code: kind for kind in kinds}


def _wait(error: exceptions.Throttled) -> str:
    return f"{getattr(error, 'wait', None) or 1:.0f}"


def _plain(error: exceptions.APIException, *, detail: str = "", errors: tuple[Fault, ...] = ()) -> Problem:
    headers = {}
    if auth_header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if isinstance(error, exceptions.Throttled):
        headers["Retry-After"] = _wait(error)
    code = _CODES.get(type(error)) or getattr(error.detail, "code", error.default_code).replace("_", "-")
    return Problem(error.status_code, code, detail or str(error.detail), errors, headers)


def _fault(error: EnergyOptiError, place: Place) -> Fault:
    """An error that always stands in one place (a header) names it itself."""
    name = error.field or ""
    at = f"?{cut(name)}" if name in place.queried else place.pointer(name)
    return Fault(getattr(error, "pointer", "") or at, error.code, error.detail)


def _faults(detail: Any, path: tuple[str, ...] = (), *, place: Place) -> Iterator[Fault]:
    """DRF nests its messages like the input: each leaf is a fault."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _faults(inner, path if name == "non_field_errors" else (*path, _escaped(str(name))), place=place)
    elif isinstance(detail, list):
        nested = any(isinstance(inner, dict | list) for inner in detail)
        for index, inner in enumerate(detail):
            yield from _faults(inner, (*path, str(index)) if nested else path, place=place)
    else:
        yield Fault(place.pointer("/".join(path)), getattr(detail, "code", "invalid").replace("_", "-"), str(detail))


def _escaped(name: str) -> str:
    """As JSON pointers write a name (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
