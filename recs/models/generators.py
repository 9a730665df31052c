"""What made the energy."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from energyopti.organisations.models import Organisation, Trace
from recs.models.plain import is_plain, same_text
from recs.models.registries import Registry


class Generator(models.Model):
    """A plant or unit. One row, however many registries know it: that is what a double issue is found by."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")  # who keeps this record
    name = models.CharField(max_length=120)
    fuel = models.CharField(max_length=20)
    technology = models.CharField(max_length=60, blank=True)
    state = models.CharField(max_length=2)
    capacity_mw = models.DecimalField(max_digits=10, decimal_places=3)
    commissioned_on = models.DateField(null=True, blank=True)
    sandbox = models.BooleanField()
    history = HistoricalRecords(bases=[Trace])

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(name="generator_name_once", fields=["organisation", "name"]),
            models.CheckConstraint(name="generator_named", condition=~Q(name="")),
            models.CheckConstraint(name="generator_fuel_plain", condition=Q(fuel__regex=r"^[a-z][a-z_]*$")),
            models.CheckConstraint(name="generator_state_plain", condition=Q(state__regex=r"^[A-Z]{2}$")),
            models.CheckConstraint(name="generator_capacity_positive", condition=Q(capacity_mw__gt=0)),
        ]

    def __str__(self) -> str:
        return self.name


class Registration(models.Model):
    """The name that a registry has for a generator (GATS: NON604366, MSET53813137)."""

    generator = models.ForeignKey(Generator, models.PROTECT, related_name="registrations")
    registry = models.ForeignKey(Registry, models.PROTECT, related_name="+")
    unit_id = models.CharField(max_length=40)
    sandbox = models.BooleanField()
    history = HistoricalRecords(bases=[Trace])

    class Meta:
        constraints = [
            models.UniqueConstraint("registry", same_text("unit_id"), "sandbox", name="registration_unit_once"),
            models.CheckConstraint(name="registration_unit_plain", condition=is_plain("unit_id")),
        ]

    def __str__(self) -> str:
        return f"{self.registry_id} {self.unit_id}"


class Eligibility(models.Model):
    """A generator's certification for a programme ("NJ Class I"), from a day until a day (or for good)."""

    generator = models.ForeignKey(Generator, models.PROTECT, related_name="eligibilities")
    programme = models.CharField(max_length=60)
    valid = DateRangeField()
    certification = models.CharField(max_length=60, blank=True)
    history = HistoricalRecords(bases=[Trace])

    class Meta:
        verbose_name_plural = "eligibilities"
        constraints = [
            ExclusionConstraint(
                name="eligibility_once_at_a_time",
                expressions=[("generator", RangeOperators.EQUAL), ("programme", RangeOperators.EQUAL), ("valid", RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(name="eligibility_valid_some_day", condition=Q(valid__isempty=False)),
            models.CheckConstraint(name="eligibility_programme_named", condition=~Q(programme="")),
        ]

    def __str__(self) -> str:
        return self.programme
