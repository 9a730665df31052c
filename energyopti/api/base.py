"""What every endpoint has: declared parameters, and an envelope around its results."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from energyopti.errors import InvalidInput


class UnknownParameter(InvalidInput):
    """A parameter that the endpoint does not have: a typing error must not turn into a larger answer."""

    code = "unknown-parameter"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter, as the schema tells it."""

    name: str
    description: str
    required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Meta:
    """Where an answer comes from. `complete` None: the question has no windows that could be missing."""

    source: str
    licence: str | None = None
    sandbox: bool = False
    freshness: datetime | None = None
    complete: bool | None = None


class Endpoint(APIView):
    """`reads_only`: a POST that changes nothing, so that the scope read is enough."""

    parameters: ClassVar[tuple[Parameter, ...]] = ()
    reads_only: ClassVar[bool] = False

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who asks comes first: a stranger learns nothing of the parameters."""
        super().initial(request, *args, **kwargs)
        known = [parameter.name for parameter in self.parameters]
        if unknown := [name for name in request.query_params if name not in known]:
            told = f"known are {', '.join(known)}" if known else "this endpoint takes none"
            raise UnknownParameter(f"unknown parameter {', '.join(map(repr, unknown))}; {told}", field=unknown[0])


def listing(results: Iterable[Any], *, meta: Meta, following: str | None = None) -> Response:
    """The envelope of lists. `following` is the next page's address."""
    return Response({"results": list(results), "next": following, "meta": asdict(meta)})
