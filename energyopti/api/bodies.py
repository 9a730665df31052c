"""What a request's body may hold: declared by a serializer, and nothing else."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail


class Body(serializers.Serializer[Any]):
    """A name that is not declared is refused: a typing error must not be taken for a default."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := [name for name in data if name not in self.fields]):
            told = f"there is no such field; known are {', '.join(self.fields)}"
            raise serializers.ValidationError({name: [ErrorDetail(told, code="unknown-field")] for name in unknown})
        return super().to_internal_value(data)
