"""A POST that writes is done once, however often its caller has to ask.

`@idempotent` on an endpoint's `post` demands the header Idempotency-Key and runs the handler in one transaction with the
row that keeps its answer: a crash leaves neither. Work that must not be undone by a rollback (a task, a mail) belongs
into `transaction.on_commit`.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from django.db import connection, transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from energyopti.api.models import KeptAnswer
from energyopti.errors import EnergyOptiError, InvalidInput
from energyopti.organisations.models import User

HEADER, REPLAYED = "Idempotency-Key", "Idempotent-Replayed"
VISIBLE = re.compile(r"[!-~]{1,200}")
KEPT_FOR = timedelta(days=7)

View = TypeVar("View")
Path = ParamSpec("Path")


class NoIdempotencyKey(InvalidInput):
    """A POST that writes came without a usable Idempotency-Key."""

    code = "idempotency-key"
    pointer = f"header {HEADER}"


class KeyReused(EnergyOptiError):
    """The key belongs to another request."""

    code = "idempotency-key-reused"
    status = 422
    pointer = f"header {HEADER}"

    def __init__(self) -> None:
        super().__init__("this Idempotency-Key was used for another request; choose a new one", field=HEADER)


class InProgress(EnergyOptiError):
    """The same key is being worked on at this moment."""

    code = "in-progress"
    status = 409
    pointer = f"header {HEADER}"

    def __init__(self) -> None:
        super().__init__("a request with this Idempotency-Key is being worked on; ask again when it is done", field=HEADER)


def idempotent(
    handler: Callable[Concatenate[View, Request, Path], Response],
) -> Callable[Concatenate[View, Request, Path], HttpResponseBase]:
    """For a view's `post`. Raises NoIdempotencyKey, KeyReused, InProgress; what the handler raises undoes all it wrote."""

    @functools.wraps(handler)
    def post(view: View, request: Request, *args: Path.args, **kwargs: Path.kwargs) -> HttpResponseBase:
        return _once(request, lambda: handler(view, request, *args, **kwargs))

    post.idempotent = True  # type: ignore[attr-defined]  # the schema, and the test that every writing POST is one, look for it
    return cast(Callable[Concatenate[View, Request, Path], HttpResponseBase], post)


def _once(request: Request, run: Callable[[], Response]) -> HttpResponseBase:
    key, user = _key(request), cast(User, request.user)
    digest = _digest(request)
    with transaction.atomic(durable=True):
        if not _locked(user, key):
            raise InProgress
        if kept := KeptAnswer.objects.filter(user=user, key=key).first():
            return _again(kept, digest)
        response = run()
        if not 200 <= response.status_code < 300:  # nothing may be kept of it, and so nothing may be left of it
            transaction.set_rollback(True)
            return response
        body = JSONRenderer().render(response.data).decode()
        KeptAnswer.objects.create(user=user, key=key, request_hash=digest, status=response.status_code, body=body)
    return _response(response.status_code, body)


def _key(request: Request) -> str:
    key = request.headers.get(HEADER, "")
    if VISIBLE.fullmatch(key):
        return str(key)
    fault = "is longer than 200 characters, or holds others than visible ASCII" if key else "is missing"
    raise NoIdempotencyKey(f"the header {HEADER} {fault}; send one that you choose anew for each thing you do", field=HEADER)


def _digest(request: Request) -> str:
    """Of what was asked. A body counts by its content: blanks and the order of names do not matter."""
    body = json.dumps(request.data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256("\n".join((str(request.method), request.get_full_path(), body)).encode()).hexdigest()


def _locked(user: User, key: str) -> bool:
    """Until the transaction ends. The lock is on 64 bits of a hash: two keys that share them cost a needless 409, no more."""
    number = int.from_bytes(hashlib.sha256(f"{user.pk} {key}".encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])


def _again(kept: KeptAnswer, digest: str) -> HttpResponse:
    if kept.request_hash != digest:
        raise KeyReused
    response = _response(kept.status, kept.body)
    response[REPLAYED] = "true"
    return response


def _response(status: int, body: str) -> HttpResponse:
    """The first answer and its repetition take the same way: they are the same letter by letter."""
    return HttpResponse(body, status=status, content_type="application/json")


def drop_old(*, now: datetime) -> int:
    """Let go of answers that are older than they are kept; how many."""
    dropped, _ = KeptAnswer.objects.filter(created_at__lt=now - KEPT_FOR).delete()
    return dropped


def is_idempotent(handler: Any) -> bool:
    return bool(getattr(handler, "idempotent", False))
