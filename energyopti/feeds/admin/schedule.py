"""What runs when: django-celery-beat's own pages, on the one base."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django_celery_beat import admin as beat
from django_celery_beat import models

from energyopti.backoffice.base import OfficeAdmin

PAGES: dict[Any, Any] = {
    models.PeriodicTask: beat.PeriodicTaskAdmin,
    models.CrontabSchedule: beat.CrontabScheduleAdmin,
    models.IntervalSchedule: beat.IntervalScheduleAdmin,
    models.ClockedSchedule: beat.ClockedScheduleAdmin,
    models.SolarSchedule: beat.SolarScheduleAdmin,
}

for place, (model, page) in enumerate(PAGES.items()):
    admin.site.unregister(model)
    admin.site.register(model, type(page.__name__, (OfficeAdmin, page), {"organisation_path": None, "shelf": "Schedule", "place": place}))
