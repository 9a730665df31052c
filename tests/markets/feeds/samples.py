"""Rows of our own in Data Miner's shapes, and where the real ones are."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from energyopti.feeds.feed import Feed
from markets.feeds import pjm

FEEDS = {feed.name: feed for feed in pjm.FEEDS}
PNODE, DAY_AHEAD, HOURLY = FEEDS["pjm.pnode"], FEEDS["pjm.da_hrl_lmps"], FEEDS["pjm.rt_hrl_lmps"]
FIVE_MINUTE, UNVERIFIED = FEEDS["pjm.rt_fivemin_hrl_lmps"], FEEDS["pjm.rt_unverified_fivemin_lmps"]

SHARED = Path(os.environ.get("ENERGYOPTI_SHARED", Path(__file__).parents[4] / "shared")) / "data" / "pjm"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="no recorded PJM data at ENERGYOPTI_SHARED")

_PRICES: dict[str, Any] = {"total_lmp_rt": 31.5, "congestion_price_rt": 1.25, "marginal_loss_price_rt": 0.25}
_STAMPS = {"datetime_beginning_utc": "2024-07-01T04:00:00", "datetime_beginning_ept": "2024-07-01T00:00:00"}


def hourly(**changes: Any) -> dict[str, Any]:
    """A row of rt_hrl_lmps or rt_fivemin_hrl_lmps, in PJM's order."""
    node = {
        "pnode_id": 900001,
        "pnode_name": "TEST  230 KV  T-1",
        "voltage": "230 KV",
        "equipment": "T-1",
        "type": "LOAD",
        "zone": "TESTZONE",
    }
    return _STAMPS | node | {"system_energy_price_rt": 30.0} | _PRICES | {"row_is_current": True, "version_nbr": 1} | changes


def day_ahead(**changes: Any) -> dict[str, Any]:
    return {name.replace("_rt", "_da"): value for name, value in hourly().items()} | changes


def unverified(**changes: Any) -> dict[str, Any]:
    node = {"pnode_id": 900001, "pnode_name": "TEST  230 KV  T-1", "type": "LOAD"}
    return _STAMPS | node | _PRICES | {"occ_check": False, "ref_caseid_used_multi_interval": 7} | changes


def pnode(**changes: Any) -> dict[str, Any]:
    node = {"pnode_id": 900001, "pnode_name": "TEST  230 KV  T-1", "pnode_type": "BUS", "pnode_subtype": "LOAD", "zone": None}
    dates = {"effective_date": "2020-07-01T00:00:00", "termination_date": "9999-12-31T00:00:00"}
    return node | {"voltage_level": "230 KV"} | dates | changes


def page(rows: list[dict[str, Any]], total: int | None = None) -> bytes:
    """Data Miner's envelope."""
    links = [{"rel": "metadata", "href": "https://example.invalid/metadata"}]
    return json.dumps(
        {"links": links, "items": rows, "searchSpecification": {}, "totalRows": len(rows) if total is None else total}
    ).encode()


def typed(feed: Feed, *rows: dict[str, Any]) -> list[Any]:
    return [feed.row(**row) for row in rows]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
