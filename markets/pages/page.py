"""All that /markets/ shows, ready for its template."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from energyopti.intervals import market_day
from energyopti.pages.templatetags.energy import cadence
from markets.feeds.pjm import EASTERN, FEEDS
from markets.pages import asked as asking
from markets.pages import figures, links, node
from markets.pages import known as knowing
from markets.pages.asked import DAY_AHEAD, REAL_TIME, STEPS, Asked
from markets.pages.congested import congested
from markets.pages.heat import heat
from markets.pages.known import Known
from markets.queries import glance


def context(query: Mapping[str, str], *, host: str) -> dict[str, Any]:
    """`asked` is missing where no node is known, so that there is nothing to show."""
    known = knowing.known()
    chosen = node.choose(query, known)
    today = timezone.now().astimezone(EASTERN).date()
    if chosen.node is None:
        return {"problems": (), "today": today, "tomorrow": today + timedelta(days=1), "feeds": _feeds()}
    newest = node.newest_day(chosen.node, known, step=STEPS.get(query.get("resolution", ""), STEPS["1h"]))
    problems = (chosen.problem,) if chosen.problem else ()
    asked = asking.read(query, node=chosen.node, newest=newest or today, problems=problems)
    shown = _shown(asked, known, host=host)
    days = links.days(asked, newest=newest or today)
    return shown | {"problems": asked.problems, "similar": chosen.similar, "days": days, "newest": newest}


def _feeds() -> list[tuple[str, str, str]]:
    """Name, title and timetable of each feed that brings nodes or prices."""
    return [(feed.name, feed.title, cadence(feed.cadence)) for feed in FEEDS]


def _shown(asked: Asked, known: Known, *, host: str) -> dict[str, Any]:
    day = market_day(asked.last, EASTERN)
    lying = glance.lying(known.every_series, span=asked.span, node=asked.node.node_id, day=day)
    day_ahead, real_time = figures.markets(asked, known, lying)
    total = asked.span.slots(asked.step)
    return {
        "asked": asked,
        "invented": [market.title.lower() for market in (day_ahead, real_time) if market.frame.sandbox and market.stored],
        "markets": (day_ahead, real_time),
        "stored": day_ahead.stored + real_time.stored,
        "dart": figures.dart(day_ahead, real_time),
        "rows": list(figures.rows(asked, day_ahead, real_time)),
        "rows_left": max(0, total - figures.MOST_ROWS),
        "licences": figures.licences(day_ahead, real_time),
        "heat": heat(asked, known, lying),
        "congested": congested(asked, known, lying),
        "heat_links": _heat_links(asked),
        "downloads": links.downloads(asked, host=host),
        "chart": _chart(asked),
    }


def _heat_links(asked: Asked) -> list[links.Link]:
    named = ((DAY_AHEAD, "Day-ahead"), (REAL_TIME, "Real-time"))
    return [links.Link(text, asked.link(heat=market) + "#heat", market == asked.heat) for market, text in named]


def _chart(asked: Asked) -> dict[str, str]:
    """What the script needs to know: where the prices are, and the window with its steps."""
    fields = "interval_start,lmp_usd_per_mwh,energy_usd_per_mwh,congestion_usd_per_mwh,loss_usd_per_mwh,quality,version,first_seen_at"
    told = {"layout": "columns", "limit": "100000"}
    return {
        "day_ahead": links.lmp(asked, DAY_AHEAD, **told, fields=fields),
        "real_time": links.lmp(asked, REAL_TIME, **told, fields=fields),
        "day_ahead_revisions": links.revisions(asked, DAY_AHEAD),
        "real_time_revisions": links.revisions(asked, REAL_TIME),
        "start": str(int(asked.span.start.timestamp())),
        "end": str(int(asked.span.end.timestamp())),
        "step": str(int(asked.step.total_seconds())),
        "zone": EASTERN.key,
        "as_of": str(asked.as_of.timestamp()) if asked.as_of else "",
    }
