"""How large a request may be: refused by its length before it is read, and cut off where it grows beyond what it said.

Django's ASGI handler puts a whole body on the disk before any view sees it, and its own limit covers forms alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string

from energyopti import logs
from energyopti.api import problems
from energyopti.api.problems import Problem

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

UPLOADS = "/admin/feeds/upload/add/"  # where the back office takes a file
MEGABYTE = 1_000_000
MULTIPART = MEGABYTE  # what a form adds around its file
PATIENCE = MEGABYTE  # read and thrown away beyond the limit
CUT = "energyopti.body_cut"  # in the scope of a request whose body was cut off
END: Message = {"type": "http.request", "body": b"", "more_body": False}


def limit_of(path: str) -> int:
    """Bytes that a request to this address may have."""
    if path == UPLOADS:
        return int(settings.UPLOAD_MAX_MB) * MEGABYTE + MULTIPART
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def limited(application: Application) -> Application:
    """The application, which never sees more of a body than it may have. `Limit` says so to the sender."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            receive = _counting(scope, receive)
        await application(scope, receive, send)

    return serve


def _counting(scope: Scope, receive: Receive) -> Receive:
    left = limit_of(scope["path"])
    if _announced(dict(scope["headers"]).get(b"content-length", b"").decode("latin-1")) > left:
        left = -1

    async def counted() -> Message:
        nonlocal left
        if left < 0 and not scope.get(CUT):
            scope[CUT] = True
            return END
        message = await receive()
        if message["type"] != "http.request" or scope.get(CUT):
            return message
        left -= len(message.get("body", b""))
        if left >= 0:
            return message
        while message.get("more_body") and left > -PATIENCE:  # a sender who is nearly through hears our answer
            message = await receive()
            left -= len(message.get("body", b""))
        scope[CUT] = True
        return END

    return counted


def _announced(length: str) -> int:
    return int(length) if length.isdecimal() else 0


class Limit:
    """Middleware: 413 for a body that is too large, problem+json under /api/, a page elsewhere."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        limit = limit_of(request.path)
        cut = getattr(request, "scope", {}).get(CUT, False)
        if cut or _announced(request.META.get("CONTENT_LENGTH") or "") > limit:
            return _refusal(request, limit)
        return self.get_response(request)


def _refusal(request: HttpRequest, limit: int) -> HttpResponse:
    problem = Problem(413, "body-too-large", f"a request to this address may have {limit} bytes")
    if request.path.startswith("/api/"):
        answer: HttpResponse = problems.answer(problem, request)
    else:
        context = {"title": "Too large", "detail": f"{problem.detail.capitalize()}.", "request_id": logs.request_id()}
        answer = HttpResponse(render_to_string("error.html", context), status=problem.status)
    answer["Content-Length"] = str(len(answer.content))  # so far out nobody else says it
    return answer
