"""What a registry issued, and the metered energy behind it."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import BigIntegerRangeField, DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from simple_history.models import HistoricalRecords

from energyopti.organisations.models import Organisation, Trace
from recs.models.generators import Generator
from recs.models.plain import is_plain, same_text
from recs.models.registries import Registry


class Batch(models.Model):
    """A range of serial numbers on one base of a registry: same generator, same vintage month, one certificate a MWh.

    Ranges of one base never overlap over all batches, and a generator's month is issued in one registry only, unless a
    batch was imported for certificates exported elsewhere. What a batch is never changes once it is written down; one whose
    issue was refused or undone may be voided, and then stands in nobody's way.
    """

    registry = models.ForeignKey(Registry, models.PROTECT, related_name="+")
    serial_base = models.CharField(max_length=80)
    serials = BigIntegerRangeField()
    registry_text = models.CharField(max_length=200, blank=True)  # the registry's own string, letter by letter
    generator = models.ForeignKey(Generator, models.PROTECT, related_name="batches")
    fuel = models.CharField(max_length=20)  # the generator's when this was written down, filled in by the database
    state = models.CharField(max_length=2)
    vintage = models.DateField()  # the first day of the month of generation
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")  # who wrote it down
    sandbox = models.BooleanField()
    variance_of = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="variances")
    export = models.ForeignKey("recs.Command", models.PROTECT, null=True, blank=True, related_name="imported_batches")
    voided_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    history = HistoricalRecords(bases=[Trace])

    class Meta:
        verbose_name_plural = "batches"
        ordering = ["vintage", "id"]
        indexes = [models.Index(name="batch_by_vintage", fields=["vintage", "id"])]
        constraints = [
            ExclusionConstraint(
                name="batch_serials_once",
                expressions=[
                    ("registry", RangeOperators.EQUAL),
                    (same_text("serial_base"), RangeOperators.EQUAL),
                    ("sandbox", RangeOperators.EQUAL),
                    ("serials", RangeOperators.OVERLAPS),
                ],
                condition=Q(voided_at=None),
            ),
            ExclusionConstraint(
                name="batch_month_in_one_registry",
                expressions=[
                    ("generator", RangeOperators.EQUAL),
                    ("vintage", RangeOperators.EQUAL),
                    ("registry", RangeOperators.NOT_EQUAL),
                ],
                condition=Q(export=None, voided_at=None),
            ),
            models.CheckConstraint(
                name="batch_serials_bounded",
                condition=Q(serials__isempty=False, serials__lower_inf=False, serials__upper_inf=False, serials__startswith__gte=0),
            ),
            models.CheckConstraint(name="batch_vintage_is_a_month", condition=Q(vintage__day=1)),
            models.CheckConstraint(name="batch_base_plain", condition=is_plain("serial_base")),
            models.CheckConstraint(name="batch_varies_another", condition=Q(variance_of=None) | ~Q(variance_of=F("id"))),
        ]

    def __str__(self) -> str:
        return f"{self.registry_id} {self.serial_base} {self.serials.lower}-{self.serials.upper - 1}"


class GenerationRead(models.Model):
    """Accepted metered generation of a span of days. It backs one issuance: reads of a generator never overlap, and one that names
    its batch never changes."""

    generator = models.ForeignKey(Generator, models.PROTECT, related_name="reads")
    days = DateRangeField()
    generation_mwh = models.DecimalField(max_digits=15, decimal_places=3)
    batch = models.ForeignKey(Batch, models.PROTECT, null=True, blank=True, related_name="reads")
    history = HistoricalRecords(bases=[Trace])

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="generation_read_once",
                expressions=[("generator", RangeOperators.EQUAL), ("days", RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(
                name="generation_read_bounded", condition=Q(days__isempty=False, days__lower_inf=False, days__upper_inf=False)
            ),
            models.CheckConstraint(name="generation_read_not_negative", condition=Q(generation_mwh__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.generation_mwh} MWh"
