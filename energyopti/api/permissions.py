"""What more than a key some endpoints ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:  # DRF's views read the settings that name modules of ours
    from rest_framework.views import APIView


class Staff(BasePermission):
    """Who looks after the installation."""

    message = "only staff may do this: it spends the budget that all share at the upstream"
    code = "staff-only"

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.is_staff)
