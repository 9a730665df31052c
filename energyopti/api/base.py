"""What every endpoint has: declared parameters, its caller's budget and organisations, and an envelope around its results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, cast

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from energyopti.api import params, throttles
from energyopti.api.params import Parameter
from energyopti.organisations.models import Organisation, User
from energyopti.organisations.queries import organisations_of

__all__ = ["Endpoint", "Meta", "Parameter", "listing"]


@dataclass(frozen=True, slots=True)
class Meta:
    """Where an answer comes from. `complete` None: the question has no windows that could be missing."""

    source: str
    licence: str | None = None
    sandbox: bool = False
    freshness: datetime | None = None
    complete: bool | None = None
    more: Mapping[str, Any] = field(default_factory=dict)  # what else this answer has to say of itself

    def told(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in ("source", "licence", "sandbox", "freshness", "complete")}
        return own | dict(self.more)


class Endpoint(APIView):
    """`reads_only`: a POST that changes nothing, so that the scope read is enough."""

    parameters: ClassVar[tuple[Parameter, ...]] = ()
    reads_only: ClassVar[bool] = False
    asked: dict[str, Any]  # the parameters of this request, read

    @classmethod
    def all_parameters(cls) -> tuple[Parameter, ...]:
        return cls.parameters

    @classmethod
    def parameters_of(cls, method: str) -> tuple[Parameter, ...]:
        """What may stand in the address of a request by this method."""
        return cls.all_parameters()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who asks comes first: a stranger learns nothing of the parameters. A method that is not here is refused as such."""
        super().initial(request, *args, **kwargs)
        if request.method in self.allowed_methods:
            known = self.parameters_of(request.method)
            if request.method == "OPTIONS":  # it asks for nothing that could need them
                known = tuple(replace(parameter, required=False) for parameter in known)
            self.asked = params.read(known, request.query_params)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        finished = super().finalize_response(request, response, *args, **kwargs)
        for name, value in throttles.headers(request).items():
            finished[name] = value
        return finished

    @cached_property
    def organisations(self) -> dict[str, Organisation]:
        """The one place that decides whose data somebody may see: by slug."""
        return {found.slug: found for found in organisations_of(cast(User, self.request.user))}

    def organisation(self, slug: str) -> Organisation:
        """What is not yours is not there (404)."""
        if slug not in self.organisations:
            raise Http404(f"organisation {slug}")
        return self.organisations[slug]


def listing(results: Iterable[Any], *, meta: Meta, following: str | None = None) -> Response:
    """The envelope of lists. `following` is the next page's address."""
    return Response({"results": list(results), "next": following, "meta": meta.told()})
