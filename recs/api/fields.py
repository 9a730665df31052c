"""Fields of bodies as the ledger wants them: each refuses what it cannot take for exactly one meaning."""

from __future__ import annotations

import re
from datetime import UTC, date, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from energyopti.api.bodies import ruled
from energyopti.api.echo import quoted
from recs import exact
from recs.errors import BadAmount, BadQuantity, QuantityTooLarge, Unknown
from recs.queries import registry_code

_DIGITS = re.compile(r"-?[0-9]+")
_MANY = 40  # digits: more than any number here has, and fewer than int() takes long for
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_AMOUNT = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")
_STATE = re.compile(r"[A-Z]{2}")
_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


def _whole(number: object, *, least: int, most: int, field: str = "") -> int:
    """A whole number, or a string of digits. Raises FloatInLedger, BadQuantity, QuantityTooLarge."""
    if isinstance(number, str):
        number = _from_digits(number)
    if isinstance(number, int) and not isinstance(number, bool) and number > most:
        raise QuantityTooLarge(f"this is at most {most}", field=field)
    return exact.whole(number, field=field, least=least)


def _from_digits(text: str) -> int:
    digits = text.strip()
    if not _DIGITS.fullmatch(digits):
        raise BadQuantity(f"{quoted(text)} is not a whole number")
    return int(digits) if len(digits) <= _MANY else -1 if digits.startswith("-") else exact.LARGEST + 1


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
        return ruled(lambda: _whole(data, least=0, most=exact.LARGEST_SERIAL))


@extend_schema_field({"type": "integer", "format": "int64", "minimum": 1, "example": 17})
class Number(serializers.Field[int, Any, Any, Any]):
    """Of an account, a batch, a command: what nothing can have is not there."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool) or data < 1:
            raise serializers.ValidationError(f"{quoted(data)} is no number of anything; send it as it was told: 17", code="invalid")
        if data > exact.LARGEST:
            raise serializers.ValidationError(Unknown.words, code=Unknown.code)
        return data

    def to_representation(self, value: int) -> int:
        return value


class Text(serializers.CharField):
    """A text, and nothing that could be made into one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Fuel(Text):
    """As generators are kept: in small letters."""

    def __init__(self, **more: Any) -> None:
        super().__init__(max_length=20, **more)

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data).lower()


@extend_schema_field({"type": "string", "pattern": "^[A-Za-z]{2}$", "example": "IA"})
class State(Text):
    """As generators are kept: two capital letters."""

    def to_internal_value(self, data: Any) -> str:
        state = super().to_internal_value(data).upper()
        if not _STATE.fullmatch(state):
            raise serializers.ValidationError("a state is two letters: IA", code="invalid")
        return state


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


@extend_schema_field({"type": "string", "format": "date", "example": "2026-11-24"})
class Day(serializers.Field[date, Any, Any, Any]):
    """2026-11-24. Within what PostgreSQL, numpy and Python can all tell; `past`: not after tomorrow, by UTC, as it is tomorrow
    somewhere already."""

    def __init__(self, *, first_year: int = 1990, past: bool = False, **more: Any) -> None:
        super().__init__(**more)
        self.first_year, self.past = first_year, past

    def to_internal_value(self, data: Any) -> date:
        try:
            day = date.fromisoformat(data) if isinstance(data, str) and _DAY.fullmatch(data) else None
        except ValueError:
            day = None
        if day is None or not self.first_year <= day.year <= 2199:
            raise serializers.ValidationError(f"write a day between {self.first_year} and 2199 as 2024-03-10", code="invalid")
        if self.past and day > timezone.now().astimezone(UTC).date() + timedelta(days=1):
            raise serializers.ValidationError(f"{day} has not come yet", code="invalid")
        return day

    def to_representation(self, value: date) -> str:
        return value.isoformat()


@extend_schema_field({"type": "string", "pattern": "^[A-Za-z]+$", "maxLength": 20, "example": "gats"})
class RegistryCode(Text):
    """A registry's code, or another name that it has."""

    def __init__(self, **more: Any) -> None:
        super().__init__(max_length=20, **more)

    def to_internal_value(self, data: Any) -> str:
        typed = super().to_internal_value(data)
        self.run_validators(typed)  # before it is looked for: what was not found is told back
        return ruled(lambda: registry_code(typed))


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
            raise BadAmount(f"{quoted(data)} is no amount; write US dollars as 3125.50")
        data = Decimal(data)
    exact.cents_of(data, field="")  # type: ignore[arg-type]  # it refuses what is no number
    return Decimal(data)  # type: ignore[arg-type]
