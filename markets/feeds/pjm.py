"""PJM's prices and pricing nodes: what is declared, and how their rows become columns.

Source of the field lists and figures: PJM's Data Miner 2 guide and feed pages, and recorded answers (2023–2026).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from energyopti.feeds.feed import Cut, Feed, Licence
from markets.blocks import PriceStore
from markets.feeds.pjm_rows import DayAheadRow, PnodeRow, RealTimeRow, UnverifiedRow, pnode_columns, price_columns
from markets.nodes import NODE_STORE, PjmNodes

EASTERN = ZoneInfo("America/New_York")  # "EPT", Eastern prevailing time
HOUR, FIVE_MINUTES = timedelta(hours=1), timedelta(minutes=5)

LICENCE = Licence(
    text="PJM Data Miner 2: for internal use only; redistribution needs an active PJM membership.",
    url="https://www.pjm.com/-/media/etools/data-miner-2/data-miner-2-api-guide.ashx",
    display=False,
    derive=False,
    export=False,
)

# Nodes by type: the active pnodes of 2019-12-15. They size a question whose answer holds every node of a type.
NODES_BY_TYPE = {
    "LOAD": 10_004,
    "GEN": 2_124,
    "AGGREGATE": 289,
    "EHV": 135,
    "RESIDUAL_METERED_EDC": 28,
    "ZONE": 23,
    "INTERFACE": 16,
    "HUB": 12,
}
NODES = 13_600  # 13,549 in rt_hrl_lmps of 2024-02-20

_COMMON: dict[str, Any] = {"upstream": "pjm", "licence": LICENCE, "zone": EASTERN}
_PRICES: dict[str, Any] = _COMMON | {"nodes": PjmNodes(), "node_column": "pnode_id"}
_VERSIONED: dict[str, Any] = _PRICES | {
    "key": ("interval_start", "pnode_id", "version"),
    # PJM restates up to 60 days back; verified prices settle with the weekly statement (M28)
    "restated_after": (4, 10, 30, 61),
}
_NO_WEEKENDS = "posted on business days: Friday to Sunday come on Monday, later after a holiday"

FEEDS: tuple[Feed, ...] = (
    Feed(
        name="pjm.pnode",
        title="Pricing nodes",
        path="pnode",
        row=PnodeRow,
        columns=pnode_columns(EASTERN),
        key=("pnode_id", "effective_from"),
        store=NODE_STORE,
        cut=Cut.SNAPSHOT,
        cadence="15 6 * * *",
        lag=timedelta(0),
        lookback=1,
        keep_raw=timedelta(days=400),
        quirks=(
            "some 24,000 rows: one per effective window; the windows of a node never overlap",
            "a termination date of 12/31/9999 means that the node is active",
            "names hold runs of blanks, which belong to them",
        ),
        **_COMMON,
    ),
    Feed(
        name="pjm.da_hrl_lmps",
        title="Day-ahead hourly LMP",
        path="da_hrl_lmps",
        row=DayAheadRow,
        columns=price_columns("da", step=HOUR, zone=EASTERN),
        store=PriceStore(market="day_ahead", quality="verified", tolerance=1e-6),  # 1e-6 held in every recorded row
        step=HOUR,
        cadence="40 13,15,18 * * *",
        lag=timedelta(hours=-34.5),  # results before 13:30 of the day before (M11)
        quirks=("the sum of the components is the total to 1e-6",),
        options={"archive_days": 731, "versions": True, "nodes": NODES, "nodes_by_type": NODES_BY_TYPE},
        **_VERSIONED,
    ),
    Feed(
        name="pjm.rt_hrl_lmps",
        title="Real-time hourly LMP, verified",
        path="rt_hrl_lmps",
        row=RealTimeRow,
        columns=price_columns("rt", step=HOUR, zone=EASTERN),
        # energy comes rounded to 2 decimals: the identity is off by up to 0.010 in recorded rows
        store=PriceStore(market="real_time", quality="verified", tolerance=0.0101),
        step=HOUR,
        cadence="10 11,13,16 * * *",
        lag=timedelta(hours=12),  # next business day, about noon
        lookback=5,  # over a long weekend
        quirks=(_NO_WEEKENDS, "energy has 2 decimals: components miss the total by up to 0.01"),
        options={"archive_days": 731, "versions": True, "nodes": NODES, "nodes_by_type": NODES_BY_TYPE},
        **_VERSIONED,
    ),
    Feed(
        name="pjm.rt_fivemin_hrl_lmps",
        title="Real-time 5-minute LMP, verified",
        path="rt_fivemin_hrl_lmps",
        row=RealTimeRow,
        columns=price_columns("rt", step=FIVE_MINUTES, zone=EASTERN),
        store=PriceStore(market="real_time", quality="verified", tolerance=0.0101),
        step=FIVE_MINUTES,
        cadence="25 11,13,16 * * *",
        lag=timedelta(hours=12),  # next business day, about noon
        lookback=5,
        keep_raw=timedelta(days=100),
        quirks=(_NO_WEEKENDS, "takes no type filter, in the archive or out of it"),
        options={"archive_days": 186, "versions": True, "nodes": NODES},
        **_VERSIONED,
    ),
    Feed(
        name="pjm.rt_unverified_fivemin_lmps",
        title="Real-time 5-minute LMP, unverified",
        path="rt_unverified_fivemin_lmps",
        row=UnverifiedRow,
        columns=price_columns("rt", step=FIVE_MINUTES, zone=EASTERN, energy=False, versions=False),
        key=("interval_start", "pnode_id"),
        store=PriceStore(market="real_time", quality="unverified", tolerance=0.0101),
        step=FIVE_MINUTES,
        cadence="*/5 * * * *",
        lag=timedelta(minutes=10),  # 5 to 10 minutes after the interval's end
        lookback=2,
        live=True,
        retention=timedelta(days=15),
        keep_raw=timedelta(days=7),  # the running day is asked for every 5 minutes: some 60 MB of raw answers a day
        absent_nodes=frozenset({3}),  # MID-ATL/APS: asked for on 2026-06-10, no row came
        quirks=("no energy and no version column: neither is invented", "prices have 2 decimals", "newest first"),
        options={"nodes": NODES},
        **_PRICES,
    ),
)
