"""How a fuel is drawn: a colour and a pattern of its own, so that colour alone does not tell."""

from __future__ import annotations

from collections.abc import Iterable

KNOWN = ("wind", "solar", "hydro", "biomass", "landfill_gas", "geothermal", "nuclear")
SPARE = 3  # patterns for fuels that the list does not know; more than that share them


def looks(fuels: Iterable[str]) -> dict[str, str]:
    """Each fuel's class in static/recs.css and pattern in the chart, the same on every page; the fuels in drawing order."""
    present = sorted(set(fuels))
    others = [fuel for fuel in present if fuel not in KNOWN]
    known = {fuel: fuel for fuel in KNOWN if fuel in present}
    return known | {fuel: f"spare{place % SPARE}" for place, fuel in enumerate(others)}


def words(fuel: str) -> str:
    return fuel.replace("_", " ")
