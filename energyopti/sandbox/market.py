"""What moves all nodes together: the energy price, the binding constraints and the losses, interval by interval.

Base layer is the verified five-minute market. Hourly real-time is its mean, so both feeds agree; day-ahead is what one could
have expected of it. Prices in USD/MWh. Instants are seconds since 1970 UTC.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from energyopti.sandbox.eastern import DAY, Ints, day_of, day_start, wall
from energyopti.sandbox.nodes import CONSTRAINTS
from energyopti.sandbox.noise import Floats, normal, smooth, uniform

FIVE_MINUTES, HOUR = 300, 3600
SPRING = (3, 4, 5)
WINDY_SHARE = 0.3  # of spring nights have more wind than load
RESTATED_SHARE = 1 / 40  # of market days are restated


@dataclass(frozen=True, slots=True)
class Drivers:
    """One row an interval. `shadow` (n, constraints) are the constraints' prices, `load` scales the losses."""

    energy: Floats
    shadow: Floats
    load: Floats


def _calendar(days: Ints) -> tuple[Ints, Ints]:
    """Month and year of each market day."""
    dates = days.astype("datetime64[D]")
    years = dates.astype("datetime64[Y]").astype(np.int64) + 1970
    return dates.astype("datetime64[M]").astype(np.int64) % 12 + 1, years


def scarcity_day(seed: int, years: Ints) -> Ints:
    """The one day of each summer on which the system runs short: a weekday between 15 June and 15 August."""
    june = (np.asarray(years, np.int64) - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) + 166
    day = june + np.floor(uniform(seed, "scarcity", years) * 60).astype(np.int64)
    weekday = (day + 3) % 7  # 1970-01-01 was a Thursday; 0 is Monday
    return np.asarray(day + np.where(weekday > 4, 7 - weekday, 0), np.int64)


def _bump(hours: Floats, top: float, width: float) -> Floats:
    return np.asarray(np.exp(-(((hours - top) / width) ** 2)), np.float64)


def _expected(seed: int, instants: Ints) -> Floats:
    """Season, weekday, hour and weather: the price before surprises."""
    shown = wall(instants)
    days, hours = shown // DAY, (shown % DAY) / HOUR
    yearly = 2 * np.pi * (days % 365.2425) / 365.2425
    season = 1.0 + 0.18 * np.cos(yearly - 0.3) + 0.16 * np.cos(2 * yearly - 0.5)
    weekend = np.where((days + 3) % 7 > 4, 0.88, 1.0)
    shape = 0.72 + 0.25 * _bump(hours, 8, 2.2) + 0.55 * _bump(hours, 18, 3.2)
    weather = np.exp(0.22 * smooth(seed, "weather", instants, 3 * DAY))
    return np.asarray(38.0 * season * weekend * shape * weather, np.float64)


def _surplus(seed: int, instants: Ints) -> tuple[Floats, Floats]:
    """How far a windy spring night has come (0 to 1), and the price it goes to, below zero."""
    shown = wall(instants)
    days, hours = shown // DAY, (shown % DAY) / HOUR
    windy = np.isin(_calendar(days)[0], SPRING) & (uniform(seed, "wind", days) < WINDY_SHARE)
    depth = np.clip(1.6 * _bump(hours, 3, 1.9), 0, 1) * windy
    return depth, -4.0 - 26.0 * uniform(seed, "surplus", days)


def _scarcity(seed: int, instants: Ints) -> Floats:
    """How short the system is: 0 to 1, above 0.9 from about 16:30 to 18:30 of the year's scarcity day."""
    shown = wall(instants)
    days, hours = shown // DAY, (shown % DAY) / HOUR
    return np.where(scarcity_day(seed, _calendar(days)[1]) == days, np.clip(1.5 * _bump(hours, 17.5, 1.6), 0, 1), 0.0)


def _constraints(seed: int, instants: Ints, short: Floats) -> Floats:
    """Shadow prices without surprises: a constraint binds while its path stays above a threshold."""
    number = np.arange(CONSTRAINTS)
    path = smooth(seed, "constraint", instants[:, None], 4 * HOUR, number)
    size = 12.0 + 45.0 * uniform(seed, "constraint size", number)
    return np.asarray(np.clip(path - 0.6, 0, None) * size * (1 + 3 * short[:, None]), np.float64)


def five_minutes(seed: int, instants: Ints) -> Drivers:
    """The verified five-minute market."""
    calm = _expected(seed, instants) * np.exp(0.12 * smooth(seed, "surprise", instants, 2 * HOUR))
    calm += 1.8 * normal(seed, "jitter", instants)
    spike = uniform(seed, "spike", instants // HOUR)
    calm += np.where(spike < 0.004, 40_000.0 * spike, 0.0)
    depth, floor = _surplus(seed, instants)
    short = _scarcity(seed, instants)
    peak = 1_300.0 + 1_200.0 * uniform(seed, "peak", _calendar(day_of(instants))[1])
    energy = calm + depth * (floor - calm) + short * peak * (0.9 + 0.2 * uniform(seed, "shortage", instants))
    swing = 0.6 + 0.8 * uniform(seed, "swing", instants[:, None], np.arange(CONSTRAINTS))
    return Drivers(energy, _constraints(seed, instants, short) * swing, _load(seed, instants))


def _load(seed: int, instants: Ints) -> Floats:
    """The same for a whole hour, so that the mean of twelve products is the product of the means."""
    return np.asarray(0.7 + 0.008 * _expected(seed, instants // HOUR * HOUR), np.float64)


def _mean(values: Floats, hours: int) -> Floats:
    return np.asarray(values.reshape(hours, 12, *values.shape[1:]).mean(axis=1), np.float64)


def _slots(hours: Ints) -> Ints:
    return np.asarray((hours[:, None] + np.arange(12) * FIVE_MINUTES).ravel(), np.int64)


def hourly(seed: int, hours: Ints) -> Drivers:
    """The real-time hour: the mean of its twelve intervals."""
    inside = five_minutes(seed, _slots(hours))
    count = len(hours)
    return Drivers(_mean(inside.energy, count), _mean(inside.shadow, count), _load(seed, hours))


def day_ahead(seed: int, hours: Ints) -> Drivers:
    """What the day-ahead auction expects of the hour: surpluses and scarcity in part only."""
    inside, count = _slots(hours), len(hours)
    calm = _mean(_expected(seed, inside), count) * np.exp(0.05 * normal(seed, "auction", hours))
    depth, short = _mean(_surplus(seed, inside)[0], count), _mean(_scarcity(seed, inside), count)
    energy = calm * (1 - 0.75 * depth) + 380.0 * short
    return Drivers(energy, 0.85 * _mean(_constraints(seed, inside, np.zeros(count * 12)), count), _load(seed, hours))


def unverified(seed: int, instants: Ints) -> Drivers:
    """The five-minute market as first told: near what is verified later."""
    told = five_minutes(seed, instants)
    slip = normal(seed, "energy slip", instants) * (uniform(seed, "slipped", instants) < 0.3)
    shadow = told.shadow * (1 + 0.02 * normal(seed, "shadow slip", instants[:, None], np.arange(CONSTRAINTS)))
    return Drivers(told.energy * (1 + 0.004 * slip), shadow, told.load)


# --- restatements ----------------------------------------------------------------------------------


def restated_at(seed: int, market: str, days: Ints) -> Ints:
    """When version 2 of each market day is published: 10:00 standard time, 3 to 6 days later; never is far ahead."""
    chosen = uniform(seed, f"restated {market}", days) < RESTATED_SHARE
    later = 3 + np.floor(uniform(seed, f"restated later {market}", days) * 4).astype(np.int64)
    return np.where(chosen, day_start(days) + later * DAY + 10 * HOUR, np.iinfo(np.int64).max)


def restated_energy(seed: int, market: str, instants: Ints) -> Floats:
    """What version 2 adds to the energy price of an hour: one hour of a restated day for sure, others seldom."""
    hours, days = instants // HOUR, day_of(instants)
    surely = (day_start(days) // HOUR) + np.floor(uniform(seed, "restated hour", days) * 23).astype(np.int64)
    changed = (hours == surely) | (uniform(seed, f"changed {market}", hours) < 0.06)
    amount = 1.0 + 11.0 * uniform(seed, "restated by", hours)
    return np.where(changed, np.where(hours % 2 == 0, amount, -amount), 0.0)
