"""The feed machine in the back office, to look at: what people may do there comes by actions, never by a form."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from energyopti.feeds.models import Coverage, Payload, Quarantine, SyncRun


class LookOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """The machine writes these; a person reads them."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(SyncRun)
class SyncRunAdmin(LookOnly):
    """What came in, and when?"""

    list_display = (
        "id",
        "feed",
        "sandbox",
        "trigger",
        "status",
        "started_at",
        "windows_complete",
        "windows_total",
        "rows_read",
        "quarantined",
    )
    list_filter = ("feed", "sandbox", "status", "trigger")
    search_fields = ("source", "error")
    ordering = ("-id",)


@admin.register(Payload)
class PayloadAdmin(LookOnly):
    """Which raw answer is behind it?"""

    list_display = ("id", "run", "start_row", "rows", "total_rows", "size", "fetched_at", "dropped_at")
    search_fields = ("url", "sha256")
    list_select_related = ("run",)
    ordering = ("-id",)


@admin.register(Quarantine)
class QuarantineAdmin(LookOnly):
    """What was refused, and why?"""

    list_display = ("id", "feed", "sandbox", "row", "field", "code", "reason", "created_at")
    list_filter = ("feed", "sandbox", "code")
    search_fields = ("raw", "reason")
    ordering = ("-id",)


@admin.register(Coverage)
class CoverageAdmin(LookOnly):
    """What is missing?"""

    list_display = ("feed", "sandbox", "node_set", "window_start", "status", "expected", "stored", "missing", "next_attempt_at", "reason")
    list_filter = ("status", "feed", "sandbox")
    ordering = ("-window_start",)
