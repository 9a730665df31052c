from __future__ import annotations

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "energyopti.api"
    label = "api"
    verbose_name = "API"
    schedule = "energyopti.api.schedule:ENTRIES"

    def ready(self) -> None:
        """A rate that cannot be read is told at the start, not by the first request."""
        from energyopti.api import throttles

        throttles.check_settings()
