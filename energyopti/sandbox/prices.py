"""The price of a node in an interval: energy + congestion + loss, rounded as the upstream rounds.

Real-time: total of unrounded parts, energy then told with 2 decimals, so that the told parts miss the total by up to 0.005,
for a bus by up to 0.010. Day-ahead: exact. Unverified: everything with 2 decimals and the energy left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from energyopti.sandbox import market
from energyopti.sandbox.eastern import Ints
from energyopti.sandbox.market import FIVE_MINUTES, HOUR, Drivers
from energyopti.sandbox.nodes import Nodes
from energyopti.sandbox.noise import Floats, normal, uniform

DRIVERS: dict[str, Callable[[int, Ints], Drivers]] = {
    "day-ahead": market.day_ahead,
    "hourly": market.hourly,
    "five-minute": market.five_minutes,
    "unverified": market.unverified,
}


@dataclass(frozen=True, slots=True)
class Prices:
    """USD/MWh, one row a price."""

    energy: Floats
    total: Floats
    congestion: Floats
    loss: Floats


def market_of(grain: str) -> str:
    """Real-time feeds restate the same days and hours; day-ahead has its own."""
    return "day-ahead" if grain == "day-ahead" else "real-time"


def _rounded(values: Floats, decimals: int) -> Floats:
    return np.asarray(np.round(values, decimals) + 0.0, np.float64)  # + 0.0: no minus before a zero


def _local(nodes: Nodes, entry: Ints, instants: Ints, grain: str) -> Floats:
    """Congestion that one node has alone. Five-minute intervals of an hour deviate in pairs: their mean is the hour's."""
    ids, hours = nodes.ids[entry], instants // HOUR
    local = 0.15 * normal(nodes.seed, "local", ids, hours)
    if grain in ("five-minute", "unverified"):
        slot = instants % HOUR // FIVE_MINUTES
        sign = np.where(slot < 6, 1.0, -1.0)
        local += 0.1 * sign * normal(nodes.seed, "local slot", ids, hours, np.minimum(slot, 11 - slot))
    return np.where(nodes.is_bus[entry], local, 0.05 * local)


def prices(nodes: Nodes, grain: str, *, entry: Ints, instants: Ints, versions: Ints) -> Prices:
    """One price for each (entry, instant, version); the three arrays have the same length."""
    seed = nodes.seed
    times, row = np.unique(instants, return_inverse=True)
    drivers = DRIVERS[grain](seed, times)
    restated = market.restated_energy(seed, market_of(grain), times)
    energy = drivers.energy[row] + np.where(versions > 1, restated[row], 0.0)
    congestion = _local(nodes, entry, instants, grain) - np.einsum("ij,ij->i", drivers.shadow[row], nodes.shifts[entry])
    loss = energy * nodes.losses[entry] * drivers.load[row]
    if grain == "day-ahead":
        parts = _rounded(energy, 2), _rounded(congestion, 6), _rounded(loss, 6)
        return Prices(parts[0], _rounded(parts[0] + parts[1] + parts[2], 6), parts[1], parts[2])
    total = energy + congestion + loss
    if grain == "unverified":
        return Prices(_rounded(energy, 2), _rounded(total, 2), _rounded(congestion, 2), _rounded(loss, 2))
    # A bus is off by a little more than the rounding of its energy: seen in the real feed, cause unknown.
    total += np.where(nodes.is_bus[entry], 0.009 * (uniform(seed, "bus", nodes.ids[entry], instants // HOUR) - 0.5), 0.0)
    return Prices(_rounded(energy, 2), _rounded(total, 6), _rounded(congestion, 6), _rounded(loss, 6))
