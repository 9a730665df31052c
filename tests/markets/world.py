"""A small market for the pages' tests: two hubs, two zones and a bus, on the days when clocks change and on a common one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from energyopti.feeds import registry
from energyopti.feeds.feed import Feed
from markets.models import Node
from tests.markets.prices import day, flat, load

WESTERN, EASTERN_HUB, AECO, PECO, BUS = 51288, 51217, 51291, 51297, 48592
SPRING, AUTUMN, COMMON = day("2024-03-10"), day("2024-11-03"), day("2024-11-05")
KINDS = {WESTERN: ("WESTERN HUB", "HUB"), EASTERN_HUB: ("EASTERN HUB", "HUB"), AECO: ("AECO", "ZONE"), PECO: ("PECO", "ZONE")}
MISSING, RESTATED = 6, 10  # slots of WESTERN HUB's real-time hours on the common day
BEFORE_RESTATEMENT = datetime(2024, 11, 8, tzinfo=UTC)
FIVE_MINUTES_MISSING = range(30, 42)


def feed(name: str) -> Feed:
    return registry.feed(f"pjm.{name}")


def nodes(*, sandbox: bool = False) -> None:
    since = datetime(2005, 1, 1, tzinfo=UTC)
    named = KINDS | {BUS: ("SBX BUS  13 KV", "LOAD")}
    Node.objects.bulk_create(
        Node(
            sandbox=sandbox,
            pnode_id=node,
            name=name,
            type=kind,
            zone="PECO" if kind == "LOAD" else "",
            effective_from=since,
            origin="pnode",
        )
        for node, (name, kind) in named.items()
    )


def prices(*, sandbox: bool = False) -> None:
    """Day-ahead 30 and up, real-time 25 and up; the common day misses an hour, and has one that was restated."""
    for window in (SPRING, AUTUMN, COMMON):
        ahead = [row for place, node in enumerate(KINDS) for row in flat(feed("da_hrl_lmps"), window, node, 30.0 + place)]
        load(feed("da_hrl_lmps"), window, ahead, sandbox=sandbox)
        slots = [slot for slot in range(30) if not (window is COMMON and slot == MISSING) and slot < window.slots(timedelta(hours=1))]
        real = [row for place, node in enumerate(KINDS) for row in flat(feed("rt_hrl_lmps"), window, node, 25.0 + place, slots=slots)]
        load(feed("rt_hrl_lmps"), window, real, sandbox=sandbox, run=2)
    five = [slot for slot in range(288) if slot not in FIVE_MINUTES_MISSING]
    rows = flat(feed("rt_fivemin_hrl_lmps"), COMMON, WESTERN, 25.0, slots=five)
    load(feed("rt_fivemin_hrl_lmps"), COMMON, rows, sandbox=sandbox, run=3)


def restate(*, sandbox: bool = False) -> None:
    """PJM sends the common day again: one hour of WESTERN HUB is 99.5, as version 2."""
    rows = flat(feed("rt_hrl_lmps"), COMMON, WESTERN, 25.0, slots=[slot for slot in range(24) if slot != MISSING])
    at = COMMON.start + RESTATED * timedelta(hours=1)
    sent = [(at, WESTERN, 2, (99.5, 78.5, 1.0, 20.0)) if row[0] == at else row for row in rows]
    others = [row for place, node in enumerate(KINDS) if node != WESTERN for row in flat(feed("rt_hrl_lmps"), COMMON, node, 25.0 + place)]
    load(feed("rt_hrl_lmps"), COMMON, sent + others, sandbox=sandbox, run=4)
