"""The price store's two doors: a window's rows come in, and a day that is over is sealed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction

from energyopti.feeds.feed import Batch, Feed, Written
from energyopti.feeds.table import Table
from energyopti.intervals import Span
from markets import arrays, partitions
from markets.blocks import nodes
from markets.blocks.day import layers
from markets.blocks.load import Load, nothing
from markets.blocks.stored import Slot
from markets.models import Series


@dataclass(frozen=True, slots=True)
class PriceStore:
    """Where a price feed ends up. `tolerance` (USD/MWh): how far the source's own rounding lets components miss the total."""

    market: str  # real_time, day_ahead
    quality: str  # settled, verified, unverified
    tolerance: float

    def prepare(self, feed: Feed, window: Span) -> None:
        """Make the month's partitions, in a session of its own."""
        partitions.ensure(window.start)

    def write(self, batch: Batch) -> Written:
        """Store a window's prices.

        Per slot the highest version stands, the newer of equal ones; lower ones are kept for the revisions. A day that is
        neither over nor whole lies in the live table; else it is a block. The same prices again write nothing.
        """
        series = self._series(batch)
        if series is None:
            return nothing(batch)
        days = layers(batch.table, feed=batch.feed, window=batch.window, energy=series.has_energy)
        digest = days[0].digests()  # before the lock is taken
        nodes.first_met(batch, days[0].nodes)
        with arrays.cursor() as rows:
            return Load(batch, _slot(series, batch), rows, self.tolerance).store(days, digest)

    def _series(self, batch: Batch) -> Series | None:
        """The series of these prices; None while it has none."""
        feed, table = batch.feed, batch.table
        found = Series.objects.filter(feed=feed.name, sandbox=batch.sandbox).first()
        if found or not len(table):
            return found
        assert feed.step is not None
        values = {"market": self.market, "minutes": feed.step // timedelta(minutes=1), "quality": self.quality}
        values["has_energy"] = "energy" in table.columns
        return Series.objects.get_or_create(feed=feed.name, sandbox=batch.sandbox, defaults=values)[0]


def seal(*, series_feed: Feed, window: Span, sandbox: bool, run_id: int) -> Written | None:
    """Make blocks of what lies live of a day that is over; None where nothing lies there.

    For days whose last pull never came. Makes room, and opens its own transaction.
    """
    series = Series.objects.filter(feed=series_feed.name, sandbox=sandbox).first()
    if series is None or not _lies_live(series, window):
        return None
    series_feed.store.prepare(series_feed, window)
    with transaction.atomic():
        return series_feed.store.write(Batch(series_feed, window, Table({}), None, sandbox, run_id, window.end))


def _lies_live(series: Series, window: Span) -> bool:
    """Whether a node has live rows and no block: overwritten values of a sealed day stay in the live table for good."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM lmp_live l WHERE series = %(series)s AND interval_start >= %(start)s AND interval_start < %(end)s"
            " AND NOT EXISTS (SELECT FROM lmp_block b WHERE b.series = l.series AND b.pnode_id = l.pnode_id AND b.start = %(start)s))",
            {"series": series.pk, "start": window.start, "end": window.end},
        )
        return bool(cursor.fetchone()[0])


def _slot(series: Series, batch: Batch) -> Slot:
    step = timedelta(minutes=series.minutes)
    window = batch.window
    return Slot(series.pk, window.start, window.end, window.slots(step), int(step.total_seconds()), series.has_energy)
