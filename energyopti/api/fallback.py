"""What Django itself refuses, before or beside a view: problem+json under /api/, a page elsewhere."""

from __future__ import annotations

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.csrf import csrf_exempt

from energyopti import logs
from energyopti.api import problems
from energyopti.api.problems import Problem

NOT_FOUND = Problem(404, "not-found", "there is nothing at this address that you may see")
BAD_REQUEST = Problem(400, "bad-request", "this request cannot be understood")
FORBIDDEN = Problem(403, "permission-denied", "you may not do this")
CSRF = Problem(403, "csrf-failed", "the form is too old, or came from another site: load the page again and repeat")
INTERNAL = problems.problem_of(Exception())


@csrf_exempt
def unknown(request: HttpRequest) -> HttpResponse:
    """Every address under /api/ that no endpoint has."""
    return problems.answer(NOT_FOUND, request)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A host that is not ours among others: nothing of the request may be used to render."""
    return _plain(problems.problem_of(exception) if isinstance(exception, RequestDataTooBig) else BAD_REQUEST, request)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(FORBIDDEN, request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(NOT_FOUND, request)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(CSRF, request)


def server_error(request: HttpRequest) -> HttpResponse:
    """Without the session and the database: one of them may be what failed."""
    return _plain(INTERNAL, request)


def _page(problem: Problem, request: HttpRequest) -> HttpResponse:
    if _is_api(request):
        return problems.answer(problem, request)
    return render(request, "error.html", _context(problem), status=problem.status)


def _plain(problem: Problem, request: HttpRequest) -> HttpResponse:
    if _is_api(request):
        return problems.answer(problem, request)
    return HttpResponse(render_to_string("error.html", _context(problem)), status=problem.status)


def _context(problem: Problem) -> dict[str, str]:
    detail = f"{problem.detail[0].upper()}{problem.detail[1:]}."
    return {"title": problem.code.replace("-", " ").capitalize(), "detail": detail, "request_id": logs.request_id()}


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")
