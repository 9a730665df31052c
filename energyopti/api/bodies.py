"""What a request's body may hold: declared by a serializer, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from energyopti.errors import EnergyOptiError

Value = TypeVar("Value")


class Body(serializers.Serializer[Any]):
    """A name that is not declared is refused: a typing error must not be taken for a default."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := [name for name in data if name not in self.fields]):
            told = f"there is no such field; known are {', '.join(self.fields)}"
            raise serializers.ValidationError({name: [ErrorDetail(told, code="unknown-field")] for name in unknown})
        return super().to_internal_value(data)


def ruled(check: Callable[[], Value]) -> Value:
    """What a check of ours gives. What it refuses is told at the field that is being read, beside what others have found."""
    try:
        return check()
    except EnergyOptiError as fault:
        raise serializers.ValidationError(fault.detail, code=fault.code) from fault


def read(body: type[Body], data: Any) -> dict[str, Any]:
    """What a body holds. Raises ValidationError with all that is wrong with it."""
    reader = body(data=data)
    reader.is_valid(raise_exception=True)
    return dict(reader.validated_data)
