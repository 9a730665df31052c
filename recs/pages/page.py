"""All that /recs/ shows, ready for its template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from energyopti.organisations.models import User
from recs import queries
from recs.pages import asked as asking
from recs.pages import fuels, links
from recs.pages.asked import STATUSES, WORDS, Asked
from recs.pages.belonging import Belonging, belonging
from recs.pages.chart import chart
from recs.pages.deeds import deeds
from recs.pages.portfolio import portfolio, sums
from recs.pages.registries import NAMES
from recs.pages.waiting import waiting
from recs.queries import PortfolioLine

LATEST = 12  # commands


def context(query: Mapping[str, str], *, user: User, host: str) -> dict[str, Any]:
    """`asked` is missing where the person belongs to no organisation. Raises Http404."""
    here = belonging(user, query.get("owner_id", "").strip())
    if here is None:
        return {"problems": ()}
    asked = asking.read(query, organisation=here.chosen, registries=tuple(NAMES))
    return (
        _held(asked)
        | _moving(here, user)
        | {"asked": asked, "here": here, "problems": asked.problems, "downloads": links.downloads(asked, host=host)}
    )


def _held(asked: Asked) -> dict[str, Any]:
    """The whole portfolio is one short statement; what is asked for is taken from it, and so are the choices."""
    everything = queries.portfolio([asked.organisation.pk])
    found = [line for line in everything if suits(line, asked)]
    shown = [line for line in found if line.status in asked.statuses]
    counted = sums(found)
    return {
        "any": bool(everything),
        "counted": [(status, counted.get(status, 0), asked.link(status=status) + "#portfolio") for status in STATUSES],
        "chart": chart(shown),
        "portfolio": portfolio(shown, asked.statuses),
        "choices": _choices(everything, asked),
        "statuses": list(WORDS.items()),
        "words": asked.words,
        "all": asked.link(status="all"),
    }


def suits(line: PortfolioLine, asked: Asked) -> bool:
    """As recs.queries' criteria do."""
    named = (asked.registry, line.registry), (asked.fuel_type, line.fuel_type), (asked.state, line.state)
    if any(wanted and wanted != found for wanted, found in named):
        return False
    return (asked.vintage_from is None or line.vintage >= asked.vintage_from) and (
        asked.vintage_to is None or line.vintage <= asked.vintage_to
    )


def _choices(lines: Sequence[PortfolioLine], asked: Asked) -> dict[str, list[tuple[str, str]]]:
    """What can be asked for: what there is, and what was asked. Value and words."""
    registries = {line.registry for line in lines} | {asked.registry}
    named = {line.fuel_type for line in lines} | {asked.fuel_type}
    states = {line.state for line in lines} | {asked.state}
    return {
        "registry": [(code, NAMES[code]) for code in sorted(registries - {""})],
        "fuel_type": [(fuel, fuels.words(fuel)) for fuel in sorted(named - {""})],
        "state": [(state, state) for state in sorted(states - {""})],
    }


def _moving(here: Belonging, user: User) -> dict[str, Any]:
    open_rows = queries.open_commands([here.chosen.pk])
    latest = queries.commands([here.chosen.pk], limit=LATEST)
    told = deeds([*open_rows, *latest])
    found = waiting([told[row.id] for row in open_rows], here=here, user=user)
    return {"waiting": found, "yours": sum(one.yours for one in found), "latest": [told[row.id] for row in latest]}
