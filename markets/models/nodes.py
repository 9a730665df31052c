"""Pricing nodes and which of them the installation follows."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Deferrable, F, Func, Q, Value
from django.db.models.functions import Trim, Upper
from simple_history.models import HistoricalRecords


def plain_name() -> Upper:
    """A name as it is compared: upper case, runs of blanks made one."""
    one_blank = Func(F("name"), Value(r"\s+"), Value(" "), Value("g"), function="regexp_replace", output_field=models.TextField())
    return Upper(Trim(one_blank))


class Node(models.Model):
    """A pricing node in one effective window [effective_from, effective_to). Retired nodes stay; names are not keys."""

    class Origin(models.TextChoices):
        PNODE = "pnode"  # the node list
        PRICE = "price"  # first met in a price row; gives way to the node list

    sandbox = models.BooleanField()
    pnode_id = models.BigIntegerField()
    name = models.TextField()  # letter by letter: runs of blanks belong to it
    type = models.CharField(max_length=40, blank=True)  # ZONE, HUB, LOAD, GEN … (the node list's subtype)
    kind = models.CharField(max_length=40, blank=True)  # BUS, AGGREGATE; empty where only a price row is known
    zone = models.TextField(blank=True)
    voltage = models.TextField(blank=True)
    effective_from = models.DateTimeField()
    effective_to = models.DateTimeField(null=True)  # null: active
    origin = models.CharField(max_length=5, choices=Origin)
    run = models.ForeignKey("feeds.SyncRun", models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="node_window_once", fields=["sandbox", "pnode_id", "effective_from"]),
            models.CheckConstraint(name="node_window_forward", condition=Q(effective_to=None) | Q(effective_to__gt=F("effective_from"))),
            # deferred: one load may end a window and begin the next in either order
            ExclusionConstraint(
                name="node_windows_never_overlap",
                expressions=[
                    (Func(F("sandbox"), function="int4", output_field=models.IntegerField()), RangeOperators.EQUAL),
                    (F("pnode_id"), RangeOperators.EQUAL),
                    (
                        Func(F("effective_from"), F("effective_to"), function="tstzrange", output_field=DateTimeRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                deferrable=Deferrable.DEFERRED,
            ),
        ]
        indexes = [
            models.Index(name="node_by_type", fields=["sandbox", "type", "zone"]),
            models.Index(plain_name(), name="node_by_plain_name"),
            GinIndex(OpClass(plain_name(), name="gin_trgm_ops"), name="node_by_part_of_name"),  # 12,000 names: 45 ms without
        ]

    def __str__(self) -> str:
        return f"{self.pnode_id} {self.name}"


class FollowedNode(models.Model):
    """A node that scheduled pulls take. No row and no history: zones, hubs and interfaces are followed."""

    sandbox = models.BooleanField()
    pnode_id = models.BigIntegerField()
    since = models.DateTimeField()
    backfill_days = models.PositiveIntegerField(default=0)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    history = HistoricalRecords()

    class Meta:
        constraints = [models.UniqueConstraint(name="followednode_once", fields=["sandbox", "pnode_id"])]

    def __str__(self) -> str:
        return str(self.pnode_id)
