"""Addresses of tests alone: endpoints that write, by the real decorator."""

from __future__ import annotations

import threading

from django.db import transaction
from django.urls import include, path
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from energyopti.api.base import Endpoint
from energyopti.api.idempotency import idempotent
from energyopti.organisations import services

entered, go_on = threading.Event(), threading.Event()
sent: list[str] = []


class Founds(Endpoint):
    """Makes an organisation; `then` says what goes wrong afterwards."""

    @idempotent
    def post(self, request: Request) -> Response:
        slug, then = request.data["slug"], request.data.get("then")
        made = services.create_organisation(slug=slug, name=f"{slug} \N{WIND BLOWING FACE}")
        transaction.on_commit(lambda: sent.append(slug))
        if then == "wait":
            entered.set()
            assert go_on.wait(20)
        if then == "invalid":
            raise ValidationError({"slug": ["no"]})
        if then == "bug":
            raise ZeroDivisionError("the insides")
        if then == "refuse":
            return Response({"no": slug}, status=409)
        return Response({"slug": slug, "name": made.name, "created_at": made.created_at}, status=201)


class Other(Founds):
    pass


urlpatterns = [
    path("api/v1/probe/founds", Founds.as_view()),
    path("api/v1/probe/others", Other.as_view()),
    path("", include("energyopti.urls")),
]
handler500 = "energyopti.api.fallback.server_error"
