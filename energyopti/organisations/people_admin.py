"""Invitations in the back office, and the way back in for somebody who is locked out."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from energyopti.backoffice.base import LookOnly
from energyopti.organisations import invitations, lockout, queries
from energyopti.organisations.errors import NotAdministrator
from energyopti.organisations.models import Invitation, User


@admin.action(description="Let in again: forget wrong passwords", permissions=["change"])
def unlock(model_admin: Any, request: HttpRequest, people: QuerySet[User]) -> None:
    """An action on users. Their passwords stay as they are."""
    forgiven = sum(lockout.forgive(name) for name in people.values_list("username", flat=True))
    model_admin.message_user(request, f"{forgiven} records of wrong passwords are forgotten.")


@admin.register(Invitation)
class InvitationAdmin(LookOnly):
    """Who was invited, by whom, and what became of it? The button Add leads to the page that invites."""

    organisation_path = "organisation"
    shelf, place = "People", 15
    list_display = ("email", "organisation", "role", "invited_by", "created_at", "expires_at", "accepted_by", "accepted_at", "withdrawn_at")
    list_filter = ("organisation", "role", ("accepted_at", admin.EmptyFieldListFilter), ("withdrawn_at", admin.EmptyFieldListFilter))
    list_select_related = ("organisation", "invited_by", "accepted_by")
    search_fields = ("email",)
    exclude = ("hash",)
    date_hierarchy = "created_at"
    actions = ("withdraw",)

    def note(self, request: HttpRequest) -> str:
        return f"{queries.pending_invitations().count()} open"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return queries.administered_by(request.user).exists()  # type: ignore[arg-type]  # the back office has no strangers

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return redirect("people")

    @admin.action(description="Withdraw the selected invitations")
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        try:
            for invitation in queryset.select_related("organisation"):
                invitations.withdraw(invitation=invitation, by=request.user, reason="in the back office")  # type: ignore[arg-type]
        except NotAdministrator as problem:
            self.message_user(request, problem.detail, "error")
        else:
            self.message_user(request, f"{len(queryset)} links open nothing from now on.")
