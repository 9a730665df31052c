"""The registries: the places of record."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from energyopti.organisations.models import Trace


class Registry(models.Model):
    """One of the eight. The rows are reference data (recs/reference.py): `code` is the name in API and files."""

    code = models.CharField(primary_key=True, max_length=10)
    name = models.CharField(max_length=100)
    operator = models.CharField(max_length=100, blank=True)
    serial_example = models.CharField(max_length=60, blank=True)  # empty: no real serial number was seen
    kept_in = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")  # CAISO keeps none of its own
    source = models.CharField(max_length=200)
    history = HistoricalRecords(bases=[Trace])

    class Meta:
        verbose_name_plural = "registries"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(name="registry_code_plain", condition=Q(code__regex=r"^[a-z]+$")),
            models.CheckConstraint(name="registry_not_kept_in_itself", condition=Q(kept_in=None) | ~Q(kept_in=F("code"))),
        ]

    def __str__(self) -> str:
        return self.name
