"""Series and the price tables. The price tables' keys, checks and partitions stand in migrations/sql/0002_price_tables.sql."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Series(models.Model):
    """One feed's prices, real or sandbox: what blocks are stored under."""

    class Market(models.TextChoices):
        REAL_TIME = "real_time"
        DAY_AHEAD = "day_ahead"

    class Quality(models.TextChoices):
        SETTLED = "settled"
        VERIFIED = "verified"
        UNVERIFIED = "unverified"

    id: models.SmallAutoField[int, int] = models.SmallAutoField(primary_key=True)
    feed = models.CharField(max_length=80)
    sandbox = models.BooleanField()
    market = models.CharField(max_length=12, choices=Market)
    minutes = models.PositiveSmallIntegerField()  # one interval
    quality = models.CharField(max_length=12, choices=Quality)
    has_energy = models.BooleanField()

    class Meta:
        verbose_name_plural = "series"
        constraints = [
            models.UniqueConstraint(name="series_feed_once", fields=["feed", "sandbox"]),
            models.CheckConstraint(name="series_minutes_divide_the_hour", condition=models.Q(minutes__in=[5, 15, 60])),
            models.CheckConstraint(name="series_market_known", condition=models.Q(market__in=["real_time", "day_ahead"])),
            models.CheckConstraint(name="series_quality_known", condition=models.Q(quality__in=["settled", "verified", "unverified"])),
        ]

    def __str__(self) -> str:
        return f"{self.feed}{' (sandbox)' if self.sandbox else ''}"


def _prices(**options: Any) -> ArrayField[Any, Any]:
    return ArrayField(models.FloatField(), **options)


class _Block(models.Model):
    """A node's market day: `n` slots from `start`, USD/MWh; NaN marks a slot that is missing."""

    pnode_id = models.BigIntegerField()
    start = models.DateTimeField()
    recorded_at = models.DateTimeField()
    run_id = models.BigIntegerField()
    digest = models.BigIntegerField()
    total_avg = models.FloatField()
    total_min = models.FloatField()
    total_max = models.FloatField()
    congestion_avg = models.FloatField(null=True)
    revision = models.IntegerField()  # how often the block has been replaced
    series = models.SmallIntegerField()
    n = models.SmallIntegerField()
    missing = models.SmallIntegerField()
    unbalanced = models.SmallIntegerField()  # slots whose components miss the total: a flag, never a correction
    version = models.SmallIntegerField(null=True)  # the highest of the day; null: the source has none
    total = _prices()
    congestion = _prices()
    loss = _prices()
    energy = _prices(null=True)  # null: the market's of this series
    slot_versions = ArrayField(models.SmallIntegerField(), null=True)  # where versions differ within the day; 0: missing
    seen = ArrayField(models.IntegerField(), null=True)  # seconds after start; null: all arrived at recorded_at
    runs = ArrayField(models.IntegerField(), null=True)  # which brought each slot; null: all came with run_id

    class Meta:
        abstract = True


class LmpBlock(_Block):
    """What stands now."""

    pk = models.CompositePrimaryKey("series", "pnode_id", "start")

    class Meta:
        db_table = "lmp_block"


class LmpBlockHistory(_Block):
    """What stood from recorded_at to superseded_at; where both are equal, an older version that never stood."""

    pk = models.CompositePrimaryKey("series", "pnode_id", "start", "superseded_at", "layer")
    superseded_at = models.DateTimeField()
    layer = models.SmallIntegerField()  # 0: was current; 1 and more: lower versions that came in one load

    class Meta:
        db_table = "lmp_block_history"


class _Energy(models.Model):
    """The market's energy price of one market day, USD/MWh: the same at all nodes."""

    start = models.DateTimeField()
    recorded_at = models.DateTimeField()
    run_id = models.BigIntegerField()
    revision = models.IntegerField()
    series = models.SmallIntegerField()
    n = models.SmallIntegerField()
    energy = _prices()

    class Meta:
        abstract = True


class LmpEnergy(_Energy):
    pk = models.CompositePrimaryKey("series", "start")

    class Meta:
        db_table = "lmp_energy"


class LmpEnergyHistory(_Energy):
    pk = models.CompositePrimaryKey("series", "start", "superseded_at")
    superseded_at = models.DateTimeField()

    class Meta:
        db_table = "lmp_energy_history"


class LmpLive(models.Model):
    """A price of a running day, as it arrived. The newest recorded_at of a slot is what stands; nothing is overwritten."""

    pk = models.CompositePrimaryKey("series", "pnode_id", "interval_start", "recorded_at")
    pnode_id = models.BigIntegerField()
    interval_start = models.DateTimeField()
    recorded_at = models.DateTimeField()
    run_id = models.BigIntegerField()
    total = models.FloatField()
    congestion = models.FloatField()
    loss = models.FloatField()
    energy = models.FloatField()  # NaN: the source sent nothing
    series = models.SmallIntegerField()
    version = models.SmallIntegerField()  # 0: the source has none

    class Meta:
        db_table = "lmp_live"
