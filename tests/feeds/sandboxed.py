"""What the pipeline's tests share: a sandbox to pull from, and the truth to compare the store with."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import requests
from django.db import connection

from energyopti.feeds import registry
from energyopti.feeds.runner import sync
from energyopti.feeds.runs import Summary
from energyopti.intervals import Span, market_day
from energyopti.sandbox.server import Sandbox

NOW = datetime(2026, 6, 20, 16, tzinfo=UTC)
FEED = "pjm.rt_hrl_lmps"
PRICES = {"da_hrl_lmps": "da"}

Key = tuple[datetime, int]


def days(first: date, last: date | None = None, feed: str = FEED) -> Span:
    zone = registry.feed(feed).zone
    return Span(market_day(first, zone).start, market_day(last or first, zone).end)


def pull(span: Span, feed: str = FEED, **options: Any) -> Summary:
    return sync(registry.feed(feed), span, clock=lambda: NOW, **options)


def truth(server: Sandbox, span: Span, feed: str = FEED, **filters: str) -> dict[Key, tuple[float, ...]]:
    """(interval start, pnode) → prices of the highest version, asked of the sandbox in the plainest way there is."""
    path = feed.removeprefix("pjm.")
    ending = PRICES.get(path, "rt")
    last = span.end - (registry.feed(feed).step or span.length)
    asked = {"datetime_beginning_utc": f"{span.start:%Y-%m-%dT%H:%M}to{last:%Y-%m-%dT%H:%M}", "row_is_current": "all", **filters}
    if "unverified" in path:
        del asked["row_is_current"]
    rows: dict[Key, tuple[int, tuple[float, ...]]] = {}
    start, total = 1, 1
    while start <= total:
        answer = requests.get(
            f"{server.url}/api/v1/{path}", params={**asked, "startRow": str(start), "rowCount": "50000"}, timeout=60
        ).json()
        total, start = answer["totalRows"], start + 50_000
        for item in answer["items"]:
            key = datetime.fromisoformat(item["datetime_beginning_utc"]).replace(tzinfo=UTC), item["pnode_id"]
            names = [f"total_lmp_{ending}", f"congestion_price_{ending}", f"marginal_loss_price_{ending}", f"system_energy_price_{ending}"]
            found = item.get("version_nbr", 0), tuple(item.get(name) for name in names)
            rows[key] = max(rows.get(key, found), found, key=lambda one: one[0])
    return {key: prices for key, (_, prices) in rows.items()}


def stored(span: Span, feed: str = FEED, *, sandbox: bool = True) -> dict[Key, tuple[float, ...]]:
    """The same from the store, by the view for BI tools: total, congestion, loss, energy."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT interval_start, pnode_id, total, congestion, loss, energy FROM lmp_point "
            "WHERE feed = %s AND sandbox = %s AND start >= %s AND start < %s",
            [feed, sandbox, span.start, span.end],
        )
        return {(start, node): tuple(prices) for start, node, *prices in cursor.fetchall()}
