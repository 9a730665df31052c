"""The way out, all at once: a million points in each streamed format against COPY of their blocks, and the web's memory meanwhile."""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta

from django.db import connection

from energyopti.feeds import registry
from energyopti.feeds.table import Array
from energyopti.intervals import local_midnight
from markets.models import Series
from tests.benchmarks import dataset, web
from tests.benchmarks.serve import LMP, MONTH, address, points, window
from tests.benchmarks.table import Row
from tests.benchmarks.web import Site

GOALS = {"arrow": 0.5, "parquet": 0.2, "csv": 0.15}
FIELDS = "node_id,interval_start,lmp_usd_per_mwh,congestion_usd_per_mwh,loss_usd_per_mwh"
NODES = 112  # 999,936 points
REPEATS = 5
MUCH = 20_000_000
SLOW = 3  # seconds
FLAT = 1.1
WARM = 3  # rounds
_BLOCKS = (
    "COPY (SELECT pnode_id, start, total, congestion, loss FROM lmp_block WHERE series = {series} AND pnode_id IN ({nodes})"
    " AND start >= '{start_time}' AND start < '{end_time}') TO STDOUT (FORMAT binary)"
)


def run() -> Iterator[Row]:
    filled = dataset.fill(points=points())
    nodes = dataset.ids(filled.nodes)[:: max(1, filled.nodes // NODES)][:NODES]
    with web.serving() as site:
        yield from _formats(site, nodes)
        yield from _memory(site, filled.nodes, nodes)


def _formats(site: Site, nodes: Array) -> Iterator[Row]:
    """The COPY is measured between the streams, so that both meet the same machine."""
    total = len(nodes) * MONTH
    for form, goal in GOALS.items():
        path = _asked(form, nodes)
        got = site.get(path, keep=True)
        rows = _rows(form, got.body)
        assert rows == total, (form, rows, total)
        pairs = [(_copy(nodes), site.get(path).seconds) for _ in range(REPEATS)]
        copy, ours = (statistics.median(seconds) for seconds in zip(*pairs, strict=True))
        yield Row(
            f"{total:,} points as {form} over HTTP, {got.size / 1e6:.1f} MB",
            f"{total / ours / 1e6:.2f} M points/s",
            f"COPY of the blocks {total / copy / 1e6:.2f} M points/s",
            f"{copy / ours:.2f} (goal {goal})",
            copy / ours >= goal,
        )


def _asked(form: str, nodes: Array) -> str:
    return address(LMP, nodes=",".join(map(str, nodes)), fields=FIELDS, format=form, **window())


def _rows(form: str, body: bytes) -> int:
    if form == "csv":
        return body.count(b"\n") - 1
    from pyarrow import ipc, parquet

    table = ipc.open_stream(body).read_all() if form == "arrow" else parquet.read_table(io.BytesIO(body))
    assert table.column_names == FIELDS.split(",")
    return int(table.num_rows)


def _copy(nodes: Array) -> float:
    """Seconds for the same blocks as PostgreSQL gives them, read and thrown away."""
    series = Series.objects.get(feed="pjm.rt_fivemin_hrl_lmps", sandbox=False).pk
    statement = _BLOCKS.format(series=series, nodes=",".join(map(str, nodes)), **window())
    started = time.perf_counter()
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for _ in copy:
            pass
    return time.perf_counter() - started


def _memory(site: Site, loaded: int, nodes: Array) -> Iterator[Row]:
    """The web's peak while it streams a million points, and twenty times as many, then to a reader who takes a rest."""
    days = max(1, min(dataset.DAYS, MUCH // (loaded * dataset.SLOTS)))
    zone = registry.feed("pjm.rt_fivemin_hrl_lmps").zone
    end = local_midnight(dataset.MONTH + timedelta(days=days), zone)
    span = window() | {"end_time": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
    many = loaded * dataset.SLOTS * days
    for form in [*GOALS] * WARM:  # libraries are loaded, and each thread has had its turn
        site.get(_asked(form, nodes))
    for form in GOALS:
        few = _peak(site, _asked(form, nodes))
        much = _peak(site, address(LMP, fields=FIELDS, format=form, **span))
        what = f"web's peak memory, {many / 1e6:.0f} M points as {form}"
        yield Row(what, f"{much:.0f} MB", f"1 M points {few:.0f} MB", f"{much / few:.2f} (goal {FLAT})", much / few <= FLAT)
    slow = _peak(site, address(LMP, fields=FIELDS, format="arrow", **span), pause=SLOW)
    what = f"the same as arrow, the reader rests {SLOW} s"
    yield Row(what, f"{slow:.0f} MB", f"1 M points {few:.0f} MB", f"{slow / few:.2f} (goal {FLAT})", slow / few <= FLAT)


def _peak(site: Site, path: str, *, pause: float = 0) -> float:
    """MB at most while this is answered."""
    site.forget_peak()
    site.get(path, pause=pause)
    return site.memory()[1]
