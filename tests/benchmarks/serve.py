"""The way out, one answer at a time: a node's month, the newest prices of all nodes, page after page, the pages people open."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlencode, urlsplit

from markets.api.views import Lmp
from tests.benchmarks import dataset, row_store, web
from tests.benchmarks.table import Row
from tests.benchmarks.web import Site, both, p50, p95, times

LMP, LATEST, TOP = "/api/v1/pjm/lmp", "/api/v1/pjm/lmp/latest", "/api/v1/pjm/lmp/top-congestion"
REQUESTS = 60
PEER_NODES = 8
PAGES = 40
MONTH = dataset.SLOTS * dataset.DAYS


def points() -> int:
    return int(os.environ.get("BENCH_POINTS") or 10_000_000)


def address(path: str, **asked: object) -> str:
    return f"{path}?{urlencode(asked)}" if asked else path


def window() -> dict[str, str]:
    span = dataset.month()
    return {"start_time": _iso(span.start), "end_time": _iso(span.end)}


def _iso(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def run() -> Iterator[Row]:
    filled = dataset.fill(points=points())
    nodes = [int(node) for node in dataset.ids(filled.nodes)[:: max(1, filled.nodes // REQUESTS)][:REQUESTS]]
    yield Row("5-minute prices stored, blocks and coverage", f"{filled.points:,} points", filled.rate, "", True)
    yield from _inside(nodes)
    with web.serving() as site:
        yield from _over_http(site, nodes)
        yield from _paging(site, nodes)
        yield from _pages(site)


def _inside(nodes: list[int]) -> Iterator[Row]:
    """Within this process, beside the stock way over rows of the same nodes."""
    get = web.inside()
    paths = [address(LMP, nodes=node, layout="columns", limit=100_000, **window()) for node in nodes]
    columns = json.loads(get(paths[0]).body)["columns"]
    assert {len(values) for values in columns.values()} == {MONTH}, {name: len(values) for name, values in columns.items()}
    ours, alone = times(get, paths), times(web.in_view(Lmp), paths)
    with row_store.rows(nodes[:PEER_NODES], dataset.month()) as ask:
        peer = json.loads(ask(nodes[0])[1])
        assert columns == {name: [row[name] for row in peer] for name in columns}  # it is the same answer
        theirs = p50([ask(node)[0] * 1000 for node in nodes[:PEER_NODES]])
    what = f"a node's month of 5-minute prices ({MONTH:,}), columns"
    yield Row(f"{what}, inside the server", both(ours), "15 ms", f"p95 {p95(ours) / 15:.0%} of it", p95(ours) <= 15)
    ratio = theirs / p50(alone)
    peer_view = f"DRF ListAPIView, ModelSerializer p50 {theirs:.0f} ms"
    yield Row("the same in the view alone, without key and middleware", f"p50 {p50(alone):.1f} ms", peer_view, _x(ratio), ratio >= 50)


def _x(ratio: float) -> str:
    return f"{ratio:.0f}x (goal 50x)"


def _over_http(site: Site, nodes: list[int]) -> Iterator[Row]:
    asked = [("columns", {"layout": "columns", "limit": 100_000}, 40), ("rows", {"limit": 10_000}, 60)]
    for layout, shape, goal in asked:
        paths = [address(LMP, nodes=node, **shape, **window()) for node in nodes]
        body = json.loads(site.get(paths[0], keep=True).body)
        shown = body["results"] if layout == "rows" else body["columns"]["interval_start"]
        assert (len(shown), body["next"]) == (MONTH, None)
        yield _limit(f"a node's month over HTTP, {layout}", times(site.get, paths), goal)
    newest = address(LATEST, market_type="real_time", layout="columns", limit=100_000)
    shown = json.loads(site.get(newest, keep=True).body)["columns"]["node_id"]
    assert len(shown) == dataset.NODES, len(shown)
    yield _limit(f"newest price of all {dataset.NODES:,} nodes over HTTP, columns", times(site.get, [newest] * REQUESTS), 30)
    top = times(site.get, [address(TOP, date=dataset.MONTH, market_type="day_ahead")] * REQUESTS)
    yield Row(f"most congested of {dataset.NODES:,} nodes on a day, over HTTP", both(top), "", "", True)


def _limit(what: str, ours: list[float], goal: float) -> Row:
    return Row(what, both(ours), f"{goal} ms", f"p95 {p95(ours) / goal:.0%} of it", p95(ours) <= goal)


def _paging(site: Site, nodes: list[int]) -> Iterator[Row]:
    """A later page costs what the first does: of all nodes' month, and of one node's."""
    first = address(LMP, layout="columns", limit=100_000, **window())
    taken, _ = _follow(site, first, PAGES)
    yield _same(f"page {len(taken)} of all nodes' month, 100,000 a page", taken[-10:], _again(site, first, 10))
    firsts, lasts = [], []
    for node in nodes[:20]:
        path = address(LMP, nodes=node, limit=1000, **window())
        taken, following = _follow(site, path, 9)
        assert following is None
        firsts += _again(site, path, 1)
        lasts += taken[7:8]  # the ninth is not full
    yield _same("page 8 of a node's month, 1,000 rows a page", lasts, firsts)


def _same(what: str, late: list[float], early: list[float]) -> Row:
    ratio = statistics.median(late) / statistics.median(early)
    ours, theirs = (f"p50 {statistics.median(some):.1f} ms" for some in (late, early))
    return Row(what, ours, f"page 1 {theirs}", f"{ratio:.2f} (goal 1.25)", ratio <= 1.25)


def _follow(site: Site, path: str, pages: int) -> tuple[list[float], str | None]:
    """Milliseconds of each page in a row, and the address of the one behind."""
    taken: list[float] = []
    following: str | None = path
    while following and len(taken) < pages:
        got = site.get(following, keep=True)
        taken.append(got.seconds * 1000)
        following = json.loads(got.body)["next"]
        following = _path(following) if following else None
    return taken, following


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def _again(site: Site, path: str, repeats: int) -> list[float]:
    return [site.get(path).seconds * 1000 for _ in range(repeats)]


def _pages(site: Site) -> Iterator[Row]:
    """What the server takes for the pages people open; their scripts then ask the API."""
    cookie = web.cookie()
    for page in ("/", "/markets/", "/status/"):
        taken = times(lambda path: site.get(path, cookie=cookie), [page] * REQUESTS)
        yield Row(f"the page {page}, over HTTP", both(taken), "", "", True)
