"""Who asks: a program with `Authorization: Bearer KEY`, or a person whose browser is logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from energyopti.organisations import services
from energyopti.organisations.models import APIKey, User
from energyopti.organisations.queries import api_key_for

if TYPE_CHECKING:  # DRF's views read the settings that name this module
    from rest_framework.views import APIView


class KeyAuthentication(BaseAuthentication):
    """`request.auth` is the APIKey. One answer for every key that opens nothing: which one it was is nobody's business."""

    def authenticate(self, request: Request) -> tuple[User, APIKey] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        key = api_key_for(secret.strip())
        if key is None:
            raise AuthenticationFailed("this API key is unknown, revoked or expired", code="bad-key")
        services.touch(key=key)
        structlog.contextvars.bind_contextvars(api_key=key.prefix)
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="EnergyOpti"'


class HasScope(BasePermission):
    """A key that only reads may only read; a POST that only reads says so (`reads_only` on its view)."""

    message = "this API key may only read; make one with the scope write"
    code = "scope-too-small"

    def has_permission(self, request: Request, view: APIView) -> bool:
        key: Any = request.auth
        reads = request.method in SAFE_METHODS or getattr(view, "reads_only", False)
        return reads or not isinstance(key, APIKey) or key.scope == APIKey.Scope.WRITE
