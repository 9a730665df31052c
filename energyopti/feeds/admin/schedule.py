"""What runs when: django-celery-beat's own pages, on the one base."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django_celery_beat import admin as beat
from django_celery_beat import models

from energyopti.backoffice.base import OfficeAdmin

WHAT = ("name", "task", "args", "kwargs", "expires", "expire_seconds", "queue", "exchange", "routing_key", "priority", "headers")


class PeriodicTaskAdmin(beat.PeriodicTaskAdmin):  # type: ignore[misc]
    """What runs when? A task does whatever its arguments say, in anybody's name: a superuser says what runs, staff when and whether."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*super().get_readonly_fields(request, obj), *(() if request.user.is_superuser else WHAT))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        sets = super().get_fieldsets(request, obj)
        if request.user.is_superuser:
            return sets
        return [(title, {**each, "fields": [name for name in each["fields"] if name != "regtask"]}) for title, each in sets]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        """The library's own form takes a task's name from a second field."""
        given = {} if request.user.is_superuser else {"form": forms.ModelForm}
        return super().get_form(request, obj, change=change, **given, **options)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """The library lets everybody who may look start and stop tasks."""
        may = self.has_change_permission(request)
        return {name: action for name, action in super().get_actions(request).items() if may or name == "delete_selected"}


PAGES: dict[Any, Any] = {
    models.PeriodicTask: PeriodicTaskAdmin,
    models.CrontabSchedule: beat.CrontabScheduleAdmin,
    models.IntervalSchedule: beat.IntervalScheduleAdmin,
    models.ClockedSchedule: beat.ClockedScheduleAdmin,
    models.SolarSchedule: beat.SolarScheduleAdmin,
}

for place, (model, page) in enumerate(PAGES.items()):
    admin.site.unregister(model)
    admin.site.register(model, type(page.__name__, (OfficeAdmin, page), {"organisation_path": None, "shelf": "Schedule", "place": place}))
