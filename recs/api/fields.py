"""Fields of bodies as the ledger wants them: each refuses what it cannot take for exactly one meaning."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from energyopti.api.bodies import ruled
from recs import exact
from recs.errors import BadAmount, BadQuantity, QuantityTooLarge
from recs.queries import registry_code

LARGEST_SERIAL = exact.LARGEST - 1  # the range type keeps the number after it
_DIGITS = re.compile(r"-?[0-9]{1,40}")
_AMOUNT = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")
_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


def _whole(number: object, *, least: int, most: int, field: str = "") -> int:
    """A whole number, or a string of digits. Raises FloatInLedger, BadQuantity, QuantityTooLarge."""
    if isinstance(number, str):
        if not _DIGITS.fullmatch(number.strip()):
            raise BadQuantity(f"{number!r} is not a whole number", field=field)
        number = int(number)
    if isinstance(number, int) and not isinstance(number, bool) and number > most:
        raise QuantityTooLarge(f"this is at most {most}", field=field)
    return exact.whole(number, field=field, least=least)


@extend_schema_field(
    {"oneOf": [{"type": "integer", "format": "int64", "minimum": 1}, {"type": "string", "pattern": "^[0-9]+$"}], "example": 250}
)
class Quantity(serializers.Field[int, Any, Any, Any]):
    """Certificates: a whole number above zero."""

    def to_internal_value(self, data: Any) -> int:
        return ruled(lambda: _whole(data, least=1, most=exact.LARGEST))

    def to_representation(self, value: int) -> int:
        return value


@extend_schema_field(
    {"oneOf": [{"type": "integer", "format": "int64", "minimum": 0}, {"type": "string", "pattern": "^[0-9]+$"}], "example": 1}
)
class Serial(Quantity):
    def to_internal_value(self, data: Any) -> int:
        return ruled(lambda: _whole(data, least=0, most=LARGEST_SERIAL))


@extend_schema_field({"type": "integer", "format": "int64", "minimum": 1, "example": 17})
class Number(Quantity):
    """Of an account, a batch, a command."""


class Text(serializers.CharField):
    """A text, and nothing that could be made into one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


@extend_schema_field({"type": "string", "pattern": r"^[0-9]{4}-(0[1-9]|1[0-2])$", "example": "2024-03"})
class Month(serializers.Field[date, Any, Any, Any]):
    """2024-03: the first day of the month."""

    def to_internal_value(self, data: Any) -> date:
        found = _MONTH.fullmatch(data) if isinstance(data, str) else None
        if found is None or not 1990 <= int(found[1]) <= 2199:
            raise serializers.ValidationError("write a month as 2024-03", code="invalid")
        return date(int(found[1]), int(found[2]), 1)

    def to_representation(self, value: date) -> str:
        return f"{value:%Y-%m}"


@extend_schema_field({"type": "string", "pattern": "^[a-z]+$", "example": "gats"})
class RegistryCode(Text):
    """A registry's code, or another name that it has."""

    def to_internal_value(self, data: Any) -> str:
        return ruled(lambda: registry_code(super(RegistryCode, self).to_internal_value(data)))


@extend_schema_field({"type": "string", "pattern": r"^[0-9]+(\.[0-9]{1,2})?$", "example": "3125.50"})
class Amount(serializers.Field[Decimal, Any, Any, Any]):
    """US dollars as a decimal string; a JSON float has no exact cents."""

    def to_internal_value(self, data: Any) -> Decimal:
        return ruled(lambda: _amount(data))

    def to_representation(self, value: Decimal) -> str:
        return f"{value:.2f}"


def _amount(data: object) -> Decimal:
    if isinstance(data, str):
        if not _AMOUNT.fullmatch(data.strip()):
            raise BadAmount(f"{data!r} is no amount; write US dollars as 3125.50")
        data = Decimal(data)
    exact.cents_of(data, field="")  # type: ignore[arg-type]  # it refuses what is no number
    return Decimal(data)  # type: ignore[arg-type]
