"""The admin's place among the installed apps: Django's own, with our site in it."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class BackOfficeConfig(AdminConfig):
    default_site = "energyopti.backoffice.site.BackOffice"
