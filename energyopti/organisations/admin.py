"""People, organisations and keys in the back office."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest

from energyopti.organisations import services
from energyopti.organisations.models import APIKey, Membership, Organisation, User


class Kept:
    """Nothing here is deleted: what somebody did stays with a name on it."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class PeopleAdmin(Kept, UserAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Who may log in, and who did?"""

    list_display = ("username", "email", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "memberships__role", "organisations")


class Members(Kept, admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Organisation)
class OrganisationAdmin(Kept, admin.ModelAdmin):  # type: ignore[type-arg]
    """Who belongs to whom, as what?"""

    list_display = ("name", "slug", "sandbox", "created_at")
    list_filter = ("sandbox",)
    search_fields = ("name", "slug")
    inlines = (Members,)

    def get_readonly_fields(self, request: HttpRequest, obj: Organisation | None = None) -> tuple[str, ...]:
        """The slug is the API's owner_id, and what is sandbox stays sandbox."""
        return ("slug", "sandbox") if obj else ()


@admin.register(APIKey)
class APIKeyAdmin(Kept, admin.ModelAdmin):  # type: ignore[type-arg]
    """Which programs get in, and when were they last here? Keys are made by manage.py apikey, which shows them once."""

    list_display = ("name", "user", "scope", "prefix", "created_at", "last_used_at", "expires_at", "revoked_at")
    list_filter = ("scope", ("revoked_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "prefix", "user__username")
    list_select_related = ("user",)
    exclude = ("hash",)
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only by the action: no form."""
        return obj is None and super().has_change_permission(request)

    @admin.action(description="Revoke the selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[APIKey]) -> None:
        for key in queryset:
            services.revoke(key=key, reason="revoked in the back office")
        self.message_user(request, f"{len(queryset)} keys open nothing from now on.")
