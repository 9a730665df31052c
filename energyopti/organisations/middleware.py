"""Whose rows a page shows: those of the person's organisations.

The database shows rows under a policy for the length of one transaction (energyopti/organisations/scope.py). A page that reads
such rows therefore runs in one, its template included: a TemplateResponse is rendered by Django only after the view. What fails
takes the transaction back, and leaves as the error page that it would be anyway. A view that must not run in a transaction says
so as it would to Django, by `transaction.non_atomic_requests`, and sees rows where it asks for it itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest, HttpResponseBase

from energyopti.organisations.scope import seeing

# Where pages read rows under a policy. Others must not be in here without need: what they leave for after the COMMIT (a task
# that waits for a worker) would come after their answer, and a worker that cannot be told could no longer be said in it.
BELOW = ("/recs/", "/admin/recs/")
ALONE = "/admin/"  # the index, with its notes


class RowScope:
    """The last middleware of all: the others' checks are over when it calls the view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: tuple[Any, ...], named: dict[str, Any]
    ) -> HttpResponseBase | None:
        alone = DEFAULT_DB_ALIAS in getattr(view, "_non_atomic_requests", ())
        if alone or not _reads_rows(request.path_info) or not request.user.is_authenticated:
            return None
        with seeing(request.user):
            response = view(request, *args, **named)
            render = getattr(response, "render", None)
            return cast(HttpResponseBase, render()) if render else response


def _reads_rows(path: str) -> bool:
    return path.startswith(BELOW) or path == ALONE
