"""People, organisations and keys in the back office."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from energyopti.backoffice.base import OfficeAdmin, OfficeInline
from energyopti.backoffice.reasons import Deed, Plan, ShortReasonForm, ask_for_rows
from energyopti.organisations import people_admin, queries, services
from energyopti.organisations.forms import MemberFormSet
from energyopti.organisations.models import APIKey, Membership, Organisation, User


class Kept:
    """Nothing here is deleted: what somebody did stays with a name on it."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class PeopleAdmin(Kept, OfficeAdmin, UserAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Who may log in, and who did?"""

    organisation_path = "organisations"
    shelf, place = "People", 10
    list_display = ("username", "email", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "memberships__role", "organisations")
    actions = (people_admin.unlock,)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Only who has all rights gives rights: the permission to edit people is not one to edit one's own."""
        return () if request.user.is_superuser else ("is_staff", "is_superuser", "groups", "user_permissions", "last_login", "date_joined")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody takes over somebody who may do more than they by a new password or address."""
        allowed = bool(super().has_change_permission(request, obj))
        return allowed and (obj is None or queries.may_look_after(cast(User, request.user), obj))


admin.site.unregister(Group)


@admin.register(Group)
class GroupsAdmin(OfficeAdmin, GroupAdmin):
    """Which rights are given together? A group's rights are its members': only who has all rights gives them."""

    organisation_path = None
    shelf, place = "People", 30

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return bool(request.user.is_superuser)


class Members(Kept, OfficeInline):
    """The permission to edit members is one for the organisations that one administers."""

    model = Membership
    formset = MemberFormSet
    autocomplete_fields = ("user",)

    def has_add_permission(self, request: HttpRequest, obj: Organisation | None = None) -> bool:
        return bool(super().has_add_permission(request, obj)) and _decides(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Organisation | None = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and _decides(request, obj)


def _decides(request: HttpRequest, organisation: Organisation | None) -> bool:
    return organisation is None or queries.administers(cast(User, request.user), organisation)


@admin.register(Organisation)
class OrganisationAdmin(Kept, OfficeAdmin):
    """Who belongs to whom, as what?"""

    organisation_path = "pk"
    shelf, place = "Organisations", 10
    list_display = ("name", "slug", "sandbox", "created_at")
    list_filter = ("sandbox",)
    search_fields = ("name", "slug")
    date_hierarchy = "created_at"
    inlines = (Members,)

    def get_readonly_fields(self, request: HttpRequest, obj: Organisation | None = None) -> tuple[str, ...]:
        """The slug is the API's owner_id, and what is sandbox stays sandbox."""
        return ("slug", "sandbox") if obj else ()

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Two may swap their roles."""
        with services.many_at_once():
            super().save_formset(request, form, formset, change)


@admin.register(APIKey)
class APIKeyAdmin(Kept, OfficeAdmin):
    """Which programs get in, and when were they last here? Keys are made by manage.py apikey, which shows them once."""

    organisation_path = "user__organisations"  # a program sees what its person sees
    shelf, place = "People", 20
    list_display = ("name", "user", "scope", "prefix", "created_at", "last_used_at", "expires_at", "revoked_at")
    list_filter = ("scope", ("revoked_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "prefix", "user__username")
    list_select_related = ("user",)
    date_hierarchy = "created_at"
    exclude = ("hash",)
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only by the action: no form."""
        return obj is None and super().has_change_permission(request)

    @admin.action(description="Revoke the selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[APIKey]) -> HttpResponse:
        deed = Deed(
            title="Revoke keys",
            button="Revoke",
            form=ShortReasonForm,
            plan=partial(_revoke_plan, queryset),
            act=partial(_revoke, queryset),
            back=reverse("admin:organisations_apikey_changelist"),
        )
        return ask_for_rows(self, request, deed, action="revoke")


def _revoke_plan(keys: QuerySet[APIKey], parameters: Mapping[str, Any]) -> Plan:
    shown = tuple((key.name, key.user.get_username(), key.prefix, key.last_used_at or "never") for key in keys.select_related("user"))
    told = "From now on these keys open nothing. What they opened stays named after them, and none can be brought back."
    return Plan((told,), ("key", "of", "prefix", "last used"), shown)


def _revoke(keys: QuerySet[APIKey], parameters: Mapping[str, Any], reason: str) -> str:
    revoked = [services.revoke(key=key, reason=reason) for key in keys]
    return f"{len(revoked)} keys open nothing from now on."
