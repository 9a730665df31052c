"""The stock way: a row a price, a ModelSerializer, a ListAPIView. What serving is measured against.

The table holds the asked nodes alone, so that it lies in memory whole: nothing of its price at 100 million rows is counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from django.db import connection, models
from rest_framework.generics import ListAPIView
from rest_framework.renderers import JSONRenderer
from rest_framework.serializers import ModelSerializer
from rest_framework.test import APIRequestFactory

from energyopti.intervals import Span


class LmpRow(models.Model):
    """A price as a row, with every field of our answer: nothing is joined."""

    pk = models.CompositePrimaryKey("node_id", "interval_start")
    node_id = models.BigIntegerField()
    node_name = models.TextField()
    market_type = models.TextField()
    resolution = models.TextField()
    interval_start = models.DateTimeField()
    interval_end = models.DateTimeField()
    lmp_usd_per_mwh = models.FloatField()
    energy_usd_per_mwh = models.FloatField()
    congestion_usd_per_mwh = models.FloatField()
    loss_usd_per_mwh = models.FloatField()
    quality = models.TextField()
    version = models.SmallIntegerField()
    first_seen_at = models.DateTimeField()

    class Meta:
        app_label = "markets"
        managed = False
        db_table = "benchmark_lmp_row"


FIELDS = [one.name for one in LmpRow._meta.concrete_fields]
_FILL = """
INSERT INTO benchmark_lmp_row
SELECT b.pnode_id, n.name, 'real_time', '5min', b.start + (u.i - 1) * interval '5 minutes', b.start + u.i * interval '5 minutes',
  u.total, (coalesce(b.energy, e.energy))[u.i], u.congestion, u.loss, 'verified', b.version, b.recorded_at
FROM lmp_block b LEFT JOIN lmp_energy e USING (series, start) JOIN markets_node n ON n.pnode_id = b.pnode_id AND NOT n.sandbox
CROSS JOIN LATERAL unnest(b.total, b.congestion, b.loss) WITH ORDINALITY u(total, congestion, loss, i)
WHERE b.series = (SELECT id FROM markets_series WHERE feed = 'pjm.rt_fivemin_hrl_lmps' AND NOT sandbox)
  AND b.pnode_id = ANY(%s) AND b.start >= %s AND b.start < %s ORDER BY b.start, u.i, b.pnode_id
"""


class RowSerializer(ModelSerializer):
    class Meta:
        model = LmpRow
        fields = FIELDS


class RowList(ListAPIView):
    serializer_class = RowSerializer
    renderer_classes = (JSONRenderer,)
    permission_classes = ()
    authentication_classes = ()
    throttle_classes = ()
    queryset = LmpRow.objects.all()

    def get_queryset(self) -> models.QuerySet[LmpRow]:
        asked = self.request.query_params
        of_node = super().get_queryset().filter(node_id=asked["node"])
        return of_node.filter(interval_start__gte=asked["start"], interval_start__lt=asked["end"]).order_by("interval_start")


@contextmanager
def rows(nodes: Sequence[int], span: Span) -> Iterator[Callable[[int], tuple[float, bytes]]]:
    """Ask for a node's rows in `span`: seconds in the view with its rendering, and the body. The table goes away afterwards."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS benchmark_lmp_row")
    with connection.schema_editor() as editor:
        editor.create_model(LmpRow)
    with connection.cursor() as cursor:
        values = ", ".join(name for name in FIELDS if name not in ("node_id", "interval_start"))
        cursor.execute(f"CREATE INDEX ON benchmark_lmp_row (node_id, interval_start) INCLUDE ({values})")
        cursor.execute(_FILL, [list(nodes), span.start, span.end])
        cursor.execute("VACUUM (ANALYZE) benchmark_lmp_row")
    try:
        yield lambda node: _ask(node, span)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE benchmark_lmp_row")


def _ask(node: int, span: Span) -> tuple[float, bytes]:
    asked = {"node": node, "start": span.start.isoformat(), "end": span.end.isoformat()}
    request, view = APIRequestFactory().get("/rows", asked), RowList.as_view()
    started = time.perf_counter()
    body = view(request).render().content
    return time.perf_counter() - started, body
