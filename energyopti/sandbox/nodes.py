"""The sandbox's pricing nodes: real hubs, zones and interfaces by name and id, and as many synthetic buses as wanted.

One entry is one effective window of one node, as in the upstream's `pnode` feed. Some buses are retired, some begin late,
one changed its name: two entries, one id.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from energyopti.sandbox.aggregates import HUBS, INTERFACES, WIDE_AREAS, ZONES
from energyopti.sandbox.eastern import DAY, Ints, text
from energyopti.sandbox.noise import Floats, uniform

CONSTRAINTS = 10
FIRST_BUS = 9_000_000_001  # far beyond the ids that PJM gives
EPOCH = date(1970, 1, 1)
BEGINNING = (date(2000, 1, 1) - EPOCH).days
RENAMED_ON = (date(2023, 6, 1) - EPOCH).days
NO_END = (date(9999, 12, 31) - EPOCH).days
RENAMED, RETIRED_EVERY, LATE_EVERY = 7, 25, 40
VOLTAGES = ("13 KV", "34.5 KV", "69 KV", "115 KV", "138 KV", "230 KV", "345 KV", "500 KV")
REGIONS = tuple(name for number, name in ZONES.items() if number not in WIDE_AREAS)


@dataclass(frozen=True, slots=True)
class Entry:
    """A node under one name. `first` and `last` are market days, `last` not included."""

    pnode_id: int
    station: str
    kind: str
    subtype: str
    zone: str | None = None
    voltage: str | None = None
    equipment: str | None = None
    first: int = BEGINNING
    last: int = NO_END

    @property
    def name(self) -> str:
        """As the upstream's node list writes it: station and voltage in columns of eight, blanks between."""
        return f"{self.station:<8}{self.voltage:<8}{self.equipment}".rstrip() if self.voltage else self.station

    @property
    def region(self) -> str:
        return self.zone or self.station


def _bus(seed: int, number: int) -> list[Entry]:
    voltage = VOLTAGES[int(uniform(seed, "voltage", number) * len(VOLTAGES))]
    extra_high = voltage in ("345 KV", "500 KV") and number % 3 == 0
    subtype = "EHV" if extra_high else "GEN" if number % 5 == 0 else "LOAD"
    entry = {
        "pnode_id": FIRST_BUS + number,
        "kind": "BUS",
        "subtype": subtype,
        "zone": REGIONS[number % len(REGIONS)],
        "voltage": voltage,
        "equipment": {"EHV": "", "GEN": f"UNIT{number % 9 + 1}", "LOAD": f"T-{number % 30 + 1}"}[subtype],
    }
    station = f"SBX{number // 2:04d}"
    if number == RENAMED:
        return [Entry(station=station, last=RENAMED_ON, **entry), Entry(station="SBXNEW", first=RENAMED_ON, **entry)]  # type: ignore[arg-type]
    draw = float(uniform(seed, "window", number))
    month = (date(2019 + int(draw * 7), int(draw * 84) % 12 + 1, 1) - EPOCH).days
    first = month if number % LATE_EVERY == LATE_EVERY - 1 else BEGINNING
    last = month if number % RETIRED_EVERY == RETIRED_EVERY - 1 and first == BEGINNING else NO_END
    return [Entry(station=station, first=first, last=last, **entry)]  # type: ignore[arg-type]


def entries(*, seed: int, count: int) -> list[Entry]:
    """`count` nodes, all aggregates and then buses, ascending by id."""
    named = (("ZONE", ZONES), ("HUB", HUBS), ("INTERFACE", INTERFACES))
    found = [Entry(number, name, "AGGREGATE", subtype) for subtype, names in named for number, name in names.items()]
    found += [entry for number in range(count - len(found)) for entry in _bus(seed, number)]
    return sorted(found, key=lambda entry: (entry.pnode_id, entry.first))


def _json(values: Sequence[Any]) -> NDArray[np.object_]:
    return np.array([json.dumps(value) for value in values], dtype=object)


@dataclass(frozen=True)
class Nodes:
    """All entries as columns, and how each feels the market: what the model needs to price it."""

    seed: int
    entries: list[Entry]

    @cached_property
    def ids(self) -> Ints:
        return np.array([entry.pnode_id for entry in self.entries], np.int64)

    @cached_property
    def first(self) -> Ints:
        return np.array([entry.first for entry in self.entries], np.int64)

    @cached_property
    def last(self) -> Ints:
        return np.array([entry.last for entry in self.entries], np.int64)

    @cached_property
    def is_bus(self) -> NDArray[np.bool_]:
        return np.array([entry.kind == "BUS" for entry in self.entries])

    @cached_property
    def texts(self) -> dict[str, Sequence[str | None]]:
        """The text columns of all feeds, as they are filtered. A price row calls a bus by its station alone."""
        listed = self.entries
        return {
            "station": [entry.station for entry in listed],
            "name": [entry.name for entry in listed],
            "kind": [entry.kind for entry in listed],
            "subtype": [entry.subtype for entry in listed],
            "zone": [entry.zone for entry in listed],
            "voltage": [entry.voltage for entry in listed],
            "equipment": [entry.equipment or None for entry in listed],
            "effective": text(self.first * DAY),
            "termination": text(self.last * DAY),
        }

    @cached_property
    def json(self) -> dict[str, NDArray[np.object_]]:
        """The same columns, and the id, ready to stand in an answer."""
        return {"id": _json(self.ids.tolist())} | {name: _json(values) for name, values in self.texts.items()}

    @cached_property
    def shifts(self) -> Floats:
        """How much each binding constraint moves each entry's price: (entries, constraints), about -1 to 1."""
        names = {name: number for number, name in enumerate((*REGIONS, *HUBS.values(), *INTERFACES.values(), *ZONES.values()))}
        regions = np.array([names[entry.region] for entry in self.entries], np.int64)
        constraints = np.arange(CONSTRAINTS)
        regional = uniform(self.seed, "regional shift", regions[:, None], constraints) * 2 - 1
        local = uniform(self.seed, "local shift", self.ids[:, None], constraints) * 2 - 1
        shifts = np.where(np.abs(regional) > 0.35, 0.8 * regional, 0.0) + 0.2 * local * self.is_bus[:, None]
        return np.asarray(shifts * self._breadth[:, None], np.float64)

    @cached_property
    def losses(self) -> Floats:
        """Marginal losses as a share of the energy price."""
        return np.asarray((uniform(self.seed, "losses", self.ids) * 0.13 - 0.05) * self._breadth, np.float64)

    @property
    def _breadth(self) -> Floats:
        return np.array([WIDE_AREAS.get(entry.pnode_id, 1.0) for entry in self.entries])
