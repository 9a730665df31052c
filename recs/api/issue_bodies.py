"""How certificates come into being: what may be said of a batch, field by field."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from energyopti.api.bodies import Body, Choice, Listed
from recs import exact
from recs.api.bodies import RangeBody, reason_why
from recs.api.fields import Month, Number, Quantity, RegistryCode, Serial, Text

NEW = ("registry", "serial_base", "serial_start", "generator", "vintage")


class IssueBody(Body):
    """A batch and all its certificates at once; or certificates of a batch that was recorded: `batch_id`, or `ranges`."""

    account = Number(help_text="of yours; where they shall lie")
    kind = Choice(
        ["issue", "receive", "import"],
        default="issue",
        help_text="issue: to the generator's owner; receive: the registry had them elsewhere before; import: of an export",
    )
    registry = RegistryCode(required=False, help_text="which registry issued them")
    serial_base = Text(required=False, max_length=80, help_text="what the registry writes before the numbers: 1771330")
    serial_start = Serial(required=False, help_text="the first serial number")
    serial_end = Serial(required=False, help_text="the last serial number, included")
    quantity = Quantity(required=False, help_text="instead of serial_end")
    generator = Number(required=False, help_text="what made the energy")
    vintage = Month(required=False, help_text="the month of generation")
    registry_text = Text(
        required=False,
        default="",
        allow_blank=True,
        max_length=200,
        trim_whitespace=False,
        help_text="the registry's own string, letter by letter",
    )
    variance_of = Number(required=False, help_text="the batch that these certificates put right")
    export = Number(required=False, help_text="for import: the export's command")
    batch_id = Number(required=False, help_text="a batch that is recorded already, instead of all that")
    ranges = Listed(
        child=RangeBody(), required=False, allow_empty=False, max_length=1, help_text="some of a batch that is recorded already"
    )
    reason = reason_why(100)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Gives `new`: whether a batch is recorded by this."""
        known = [name for name in ("batch_id", "ranges") if name in attrs]
        describes = [name for name in (*NEW, "serial_end", "quantity", "variance_of", "export") if name in attrs]
        if len(known) + bool(describes) > 1 or (known and attrs["registry_text"]):
            told = f"this names a batch that is recorded already: leave out {', '.join(describes) or 'the rest'}"
            raise serializers.ValidationError({known[0]: [told]}, code="invalid")
        if not known:
            return attrs | {"new": True, "serial_end": self._last(attrs)}
        return attrs | {"new": False}

    def _last(self, attrs: dict[str, Any]) -> int:
        missing = {name: ["This field is required."] for name in NEW if name not in attrs}
        if "serial_end" not in attrs and "quantity" not in attrs:
            missing["serial_end"] = ["say the last serial number, or the quantity"]
        if attrs["kind"] == "import" and "export" not in attrs:
            missing["export"] = ["say which export these certificates come from"]
        if missing:
            raise serializers.ValidationError(missing, code="required")
        last = attrs.get("serial_end", attrs["serial_start"] + attrs.get("quantity", 0) - 1)
        if last > exact.LARGEST_SERIAL:
            raise serializers.ValidationError({"quantity": [f"serial numbers end at {exact.LARGEST_SERIAL}"]}, code="quantity-too-large")
        if last < attrs["serial_start"]:
            raise serializers.ValidationError({"serial_end": ["the last serial comes before the first"]}, code="quantity")
        if "quantity" in attrs and attrs["quantity"] != last - attrs["serial_start"] + 1:
            told = f"these serial numbers are {last - attrs['serial_start'] + 1} certificates, not {attrs['quantity']}"
            raise serializers.ValidationError({"quantity": [told]}, code="quantity")
        return int(last)
