"""What goes into the ledger and comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

ALIASES = {"pjm": "gats", "caiso": "wregis"}  # names that people use for a registry that is called otherwise


@dataclass(frozen=True, slots=True, order=True)
class SerialRange:
    """Serial numbers of a batch, both ends included."""

    batch_id: int
    serial_start: int
    serial_end: int

    @property
    def quantity(self) -> int:
        return self.serial_end - self.serial_start + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """Which certificates will do; None: any. Vintages are first days of months, both ends included."""

    registry: str | None = None
    fuel_type: str | None = None
    state: str | None = None
    vintage_from: date | None = None
    vintage_to: date | None = None
    eligibility: str | None = None
    batch_id: int | None = None

    def told(self) -> dict[str, Any]:
        named = {name: getattr(self, name) for name in self.__slots__}
        return {name: value.isoformat() if isinstance(value, date) else value for name, value in named.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What certificates are retired for. `programme` empty: voluntary."""

    beneficiary: str
    reason: str
    programme: str = ""
    state: str = ""
    compliance_year: int | None = None
    tier: str = ""
