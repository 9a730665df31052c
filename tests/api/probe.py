"""Addresses of tests alone: real views on the real base classes, one for each thing that can go wrong."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import include, path
from django.views.generic import View
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from energyopti.api import bodies
from energyopti.api.base import Endpoint, Parameter
from energyopti.errors import NaiveTime, UpstreamUnreachable
from energyopti.organisations import services

RAISED = {
    "naive": NaiveTime("'2024-01-01' has no offset from UTC", field="start_time"),
    "upstream": UpstreamUnreachable("PJM did not answer whole"),
    "http404": Http404("User 7"),
    "denied": PermissionDenied(),
    "throttled": exceptions.Throttled(wait=17),
    "bug": ZeroDivisionError("the insides"),
}


class Order(bodies.Body):
    quantity = serializers.IntegerField(min_value=1)


class Body(bodies.Body):
    orders = bodies.Listed(child=Order(), max_length=1000)


class Raises(Endpoint):
    def get(self, request: Request, what: str) -> Response:
        raise RAISED[what]


class Writes(Endpoint):
    def get(self, request: Request) -> Response:
        return Response({})

    def post(self, request: Request) -> Response:
        body = Body(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(body.validated_data, status=201)


class Asks(Writes):
    reads_only = True


class Takes(Endpoint):
    parameters = (Parameter("node", "a node"), Parameter("zone", "a zone", choices=("A", "B")))

    def get(self, request: Request) -> Response:
        return Response(dict(request.query_params.items()))


class Founds(Endpoint):
    def post(self, request: Request) -> Response:
        services.create_organisation(slug="acme", name="Acme", reason="founded")
        return Response({})


class Owned(Endpoint):
    def get(self, request: Request, slug: str) -> Response:
        return Response({"owner_id": self.organisation(slug).slug})


class Page(View):
    def get(self, request: object) -> None:
        raise ZeroDivisionError("the insides")


urlpatterns = [
    path("api/v1/probe/raises/<what>", Raises.as_view()),
    path("api/v1/probe/writes", Writes.as_view()),
    path("api/v1/probe/asks", Asks.as_view()),
    path("api/v1/probe/founds", Founds.as_view()),
    path("api/v1/probe/takes", Takes.as_view()),
    path("api/v1/probe/owned/<slug>", Owned.as_view()),
    path("api/v1/probe/plain", Page.as_view()),
    path("probe/page", Page.as_view()),
    path("", include("energyopti.urls")),
]
handler400 = "energyopti.api.fallback.bad_request"
handler403 = "energyopti.api.fallback.forbidden"
handler404 = "energyopti.api.fallback.not_found"
handler500 = "energyopti.api.fallback.server_error"
