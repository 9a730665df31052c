"""What the pages know of the store before they read prices: its series, its hubs, zones and interfaces. Two statements."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from markets import queries
from markets.pages.asked import MARKETS, STEPS
from markets.queries import Asked, glance
from markets.queries.frames import empty
from markets.queries.glance import Catalogue, Landmark, Lying
from markets.queries.prices import merged
from markets.queries.rows import from_live
from markets.queries.sealed import sealed
from markets.types import NodeRow, PriceFrame, SeriesSeen

KINDS = ("HUB", "ZONE", "INTERFACE")


@dataclass(frozen=True, slots=True)
class Known:
    """`sandbox`: whether the prices that answer are the sandbox's."""

    catalogue: Catalogue
    landmarks: tuple[Landmark, ...]
    sandbox: bool

    def series(self, market: str, step: timedelta) -> tuple[SeriesSeen, ...]:
        return self.catalogue.choose(market=market, resolution=step)

    @property
    def every_series(self) -> tuple[SeriesSeen, ...]:
        return tuple(one for market in MARKETS for step in STEPS.values() for one in self.series(market, step))

    def shown(self, kinds: tuple[str, ...] = KINDS) -> list[NodeRow]:
        """The followed ones of these kinds by kind, then name; all of them where people follow none."""
        active = [one for one in self.landmarks if one.node.node_type.upper() in kinds]
        chosen = [one.node for one in active if one.followed] or [one.node for one in active]
        return sorted(chosen, key=lambda row: (kinds.index(row.node_type.upper()), row.node_name))


def known(*, newest: bool = False) -> Known:
    """`newest`: where each series ends is looked up, too."""
    catalogue = glance.catalogue(newest=newest)
    series = [one for market in MARKETS for one in catalogue.choose(market=market, resolution=STEPS["1h"])]
    # real as soon as a price feed ran for real
    sandbox = all(one.sandbox for one in series) if series else queries.is_sandbox()
    return Known(catalogue, tuple(glance.landmarks(sandbox=sandbox)), sandbox)


def read(asked: Asked, lying: Lying, *, sandbox: bool) -> PriceFrame:
    """As markets.queries.prices; of the live table only series that lie there are asked for."""
    if not asked.series:
        return empty([], sandbox=sandbox)
    live = tuple(one for one in asked.series if one.id in lying.live)
    return merged(asked, sealed(asked), from_live(replace(asked, series=live)) if live else empty(asked.series))
