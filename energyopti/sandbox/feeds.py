"""The feeds that the sandbox answers: their columns, in the upstream's order, and the rules of asking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DAY_AHEAD_DAYS = REAL_TIME_DAYS = 731  # Data Miner 2 Guide for Historic Data Retrieval
FIVE_MINUTE_DAYS = 186  # the same guide
UNVERIFIED_DAYS = 15  # how long the unverified prices are kept
NEVER_UNVERIFIED = frozenset({3})  # MID-ATL/APS has no unverified prices: seen in recorded answers


@dataclass(frozen=True, slots=True)
class Column:
    """`source` is where the sandbox takes the value from; `kind` the upstream's data type."""

    name: str
    source: str
    kind: str
    filtered: bool = True


@dataclass(frozen=True, slots=True)
class Feed:
    """`grain` None: the list of nodes. `step` in seconds. `cutoff_days` None: nothing is archived."""

    name: str
    title: str
    columns: tuple[Column, ...]
    sorts: tuple[str, ...]
    grain: str | None = None
    step: int = 0
    cutoff_days: int | None = None
    frequency: str = ""

    @property
    def versioned(self) -> bool:
        return any(column.source == "version" for column in self.columns)

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


_TIMES = (Column("datetime_beginning_utc", "utc", "datetime"), Column("datetime_beginning_ept", "ept", "datetime"))
_NODE = (Column("pnode_id", "id", "integer"), Column("pnode_name", "station", "text"))


def _versioned(suffix: str, *, type_filter: bool = True) -> tuple[Column, ...]:
    return (
        *_TIMES,
        *_NODE,
        Column("voltage", "voltage", "text"),
        Column("equipment", "equipment", "text"),
        Column("type", "subtype", "text", filtered=type_filter),
        Column("zone", "zone", "text"),
        Column(f"system_energy_price_{suffix}", "energy", "number", filtered=False),
        Column(f"total_lmp_{suffix}", "total", "number", filtered=False),
        Column(f"congestion_price_{suffix}", "congestion", "number", filtered=False),
        Column(f"marginal_loss_price_{suffix}", "loss", "number", filtered=False),
        Column("row_is_current", "current", "boolean"),
        Column("version_nbr", "version", "integer"),
    )


_UNVERIFIED = (
    *_TIMES,
    *_NODE,
    Column("type", "subtype", "text"),
    Column("total_lmp_rt", "total", "number", filtered=False),
    Column("congestion_price_rt", "congestion", "number", filtered=False),
    Column("marginal_loss_price_rt", "loss", "number", filtered=False),
    Column("occ_check", "occ_check", "boolean"),
    Column("ref_caseid_used_multi_interval", "multi_interval", "boolean"),
)

_PNODE = (
    Column("pnode_id", "id", "integer"),
    Column("pnode_name", "name", "text"),
    Column("pnode_type", "kind", "text"),
    Column("pnode_subtype", "subtype", "text"),
    Column("zone", "zone", "text"),
    Column("voltage_level", "voltage", "text"),
    Column("effective_date", "effective", "datetime"),
    Column("termination_date", "termination", "datetime"),
)

_SORTS = ("datetime_beginning_ept", "pnode_id", "zone")
_HOUR, _FIVE = 3600, 300

FEEDS = {
    feed.name: feed
    for feed in (
        Feed("da_hrl_lmps", "Day-Ahead Hourly LMPs", _versioned("da"), _SORTS, "day-ahead", _HOUR, DAY_AHEAD_DAYS, "Daily"),
        Feed("rt_hrl_lmps", "Real-Time Hourly LMPs", _versioned("rt"), _SORTS, "hourly", _HOUR, REAL_TIME_DAYS, "Daily"),
        Feed(
            "rt_fivemin_hrl_lmps",
            "Real-Time Five Minute LMPs",
            _versioned("rt", type_filter=False),
            _SORTS,
            "five-minute",
            _FIVE,
            FIVE_MINUTE_DAYS,
            "Daily",
        ),
        Feed(
            "rt_unverified_fivemin_lmps",
            "Unverified Five Minute LMPs",
            _UNVERIFIED,
            _SORTS[:2],
            "unverified",
            _FIVE,
            frequency="Every 5 minutes",
        ),
        Feed("pnode", "Pricing Nodes", _PNODE, ("pnode_id", "pnode_name", "zone"), frequency="As needed"),
    )
}


def metadata(feed: Feed) -> dict[str, Any]:
    """The feed's definition. The three archive fields are documented for archived feeds; the other names are assumed."""
    archived = feed.cutoff_days is not None
    return {
        "name": feed.name,
        "displayName": feed.title,
        "description": f"{feed.title}, made up by the EnergyOpti sandbox",
        "postingFrequency": feed.frequency,
        "enableArchiving": archived,
        "archiveCutoffDays": feed.cutoff_days,
        "enableArchiveFiltering": archived,
        "columns": [
            {"name": c.name, "dataType": c.kind, "isFilterable": c.filtered, "isSortable": c.name in feed.sorts} for c in feed.columns
        ],
    }


def directory() -> list[dict[str, Any]]:
    """What `GET /api/v1/` lists."""
    return [
        {"name": feed.name, "displayName": feed.title, "description": metadata(feed)["description"], "isActive": True}
        for feed in FEEDS.values()
    ]
