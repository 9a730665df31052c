"""What a request's body may hold: declared by a serializer, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from energyopti.api.echo import quoted
from energyopti.errors import EnergyOptiError

Value = TypeVar("Value")


class Body(serializers.Serializer[Any]):
    """A name that is not declared is refused: a typing error must not be taken for a default."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := [name for name in data if name not in self.fields]):
            known = f"there is no such field; known are {', '.join(self.fields)}"
            told = [known, *["there is no such field"] * (len(unknown) - 1)]
            raise serializers.ValidationError(
                {name: [ErrorDetail(one, code="unknown-field")] for name, one in zip(unknown, told, strict=True)}
            )
        return super().to_internal_value(data)


class Listed(serializers.ListField):
    """A list whose length is looked at before what it lists: a long one of things that are wrong costs nothing."""

    def __init__(self, *, max_length: int, **more: Any) -> None:
        super().__init__(max_length=max_length, **more)

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list) and len(data) > (self.max_length or 0):
            raise serializers.ValidationError(f"this lists {len(data)}; at most {self.max_length}", code="max_length")
        return list(super().to_internal_value(data))


class Choice(serializers.ChoiceField):
    """One of some words, and nothing that could be made into one."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or data not in self.choices:
            told = f"{quoted(data)} is not one of {', '.join(map(str, self.choices))}"
            raise serializers.ValidationError(told, code="invalid_choice")
        return data


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
