"""What may be asked of the ledger, field by field."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from rest_framework import serializers

from energyopti.api.bodies import Body
from recs import exact
from recs.api.fields import Amount, Month, Number, Quantity, RegistryCode, Serial, Text
from recs.types import Criteria, Purpose, SerialRange

MOST_MOVES = 1000
MOST_RANGES = 10_000
CRITERIA = ("registry", "fuel_type", "state", "vintage_from", "vintage_to", "eligibility", "batch_id")
_REASON = "why; kept with the command, and the other side of a transfer sees it"


def reason_why(length: int = 200, *, told: str = _REASON, required: bool = False) -> Text:
    more: dict[str, Any] = {} if required else {"required": False, "default": "", "allow_blank": True}
    return Text(max_length=length, help_text=told, **more)


def _orderly(given: dict[str, Any]) -> None:
    first, last = given.get("vintage_from"), given.get("vintage_to")
    if first and last and last < first:
        raise serializers.ValidationError({"vintage_to": ["vintage_to is before vintage_from"]}, code="reversed-span")


# --- which certificates ---------------------------------------------------------------------------------


class CriteriaBody(Body):
    """Which certificates will do; what is left out does not matter."""

    registry = RegistryCode(required=False, help_text="mrets, nar, wregis, nepool, gats (or pjm), ercot, nyiso; caiso means wregis")
    fuel_type = Text(required=False, max_length=20, help_text="as the generator has it: wind")
    state = Text(required=False, max_length=2, help_text="where the generator stands: IA")
    vintage_from = Month(required=False, help_text="the first month of generation")
    vintage_to = Month(required=False, help_text="the last month of generation, included")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        _orderly(attrs)
        return attrs


class MoveCriteriaBody(CriteriaBody):
    eligibility = Text(
        required=False, max_length=60, help_text="a programme for which the generator was certified in the month: NJ Class I"
    )
    batch_id = Number(required=False, help_text="one batch")


class RangeBody(Body):
    """Serial numbers of a batch, both ends included."""

    batch_id = Number()
    serial_start = Serial()
    serial_end = Serial()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["serial_end"] < attrs["serial_start"]:
            raise serializers.ValidationError({"serial_end": ["the last serial comes before the first"]}, code="quantity")
        return attrs


class WantedBody(Body):
    """Which certificates: `quantity`, with criteria beside it or inside `criteria`; or `ranges`."""

    quantity = Quantity(required=False, help_text="how many; the oldest vintages first")
    criteria = MoveCriteriaBody(required=False)
    registry = RegistryCode(required=False, help_text="a criterion, as in `criteria`")
    fuel_type = Text(required=False, max_length=20, help_text="a criterion, as in `criteria`")
    state = Text(required=False, max_length=2, help_text="a criterion, as in `criteria`")
    vintage_from = Month(required=False, help_text="a criterion, as in `criteria`")
    vintage_to = Month(required=False, help_text="a criterion, as in `criteria`")
    eligibility = Text(required=False, max_length=60, help_text="a criterion, as in `criteria`")
    batch_id = Number(required=False, help_text="a criterion, as in `criteria`")
    ranges = serializers.ListField(
        child=RangeBody(), required=False, allow_empty=False, max_length=MOST_RANGES, help_text="instead of quantity and criteria"
    )

    def beside(self) -> tuple[str, ...]:
        """The criteria that may stand beside the quantity."""
        return CRITERIA

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Gives `wanted`: the three arguments of the ledger's functions."""
        inside = dict(attrs.get("criteria") or {})
        beside = {name: attrs[name] for name in self.beside() if name in attrs}
        if twice := sorted(set(inside) & set(beside)):
            raise serializers.ValidationError({twice[0]: ["this stands beside `criteria` and in it; write it once"]}, code="invalid")
        chosen = inside | beside
        _orderly(chosen)
        ranges = [SerialRange(**one) for one in attrs.get("ranges", ())]
        if not ranges and "quantity" not in attrs:
            raise serializers.ValidationError({"quantity": ["say how many certificates, or which serial numbers"]}, code="quantity")
        if ranges and chosen:
            raise serializers.ValidationError({"ranges": ["ranges name the certificates already: leave the criteria out"]}, code="quantity")
        _once(ranges)
        criteria = Criteria(**chosen) if chosen else None
        return attrs | {"wanted": {"quantity": attrs.get("quantity"), "criteria": criteria, "ranges": ranges or None}}


def _once(ranges: list[SerialRange]) -> None:
    ordered = sorted(ranges)
    for one, following in pairwise(ordered):
        if one.batch_id == following.batch_id and following.serial_start <= one.serial_end:
            told = f"serial {following.serial_start} of batch {one.batch_id} stands in two ranges"
            raise serializers.ValidationError({"ranges": [told]}, code="quantity")
    if sum(one.quantity for one in ranges) > exact.LARGEST:
        raise serializers.ValidationError({"ranges": [f"together these are more than {exact.LARGEST}"]}, code="quantity-too-large")


# --- commands ---------------------------------------------------------------------------------------------


class TransferBody(WantedBody):
    from_account = Number(help_text="of yours")
    to_account = Number(help_text="of yours, or of another organisation, which then has to accept")
    price_usd = Amount(required=False, help_text="what the other side owes for all of it once it has accepted, US dollars")
    reason = reason_why()


class PurposeBody(WantedBody):
    """`state` is the programme's: certificates of a state are chosen inside `criteria`."""

    state = Text(required=False, max_length=2, help_text="of the programme; certificates of a state are chosen inside `criteria`")
    reason = reason_why(required=True, told="why they are retired: kept for good")
    beneficiary = Text(max_length=200, help_text="for whom they are retired")
    programme = Text(required=False, default="", allow_blank=True, max_length=60, help_text="left out: voluntary")
    compliance_year = serializers.IntegerField(required=False, min_value=1990, max_value=2200, help_text="of the programme")
    tier = Text(required=False, default="", allow_blank=True, max_length=40, help_text="of the programme")

    def beside(self) -> tuple[str, ...]:
        return tuple(name for name in CRITERIA if name != "state")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Gives `purpose` too."""
        if "state" in attrs and not attrs["programme"]:
            told = "this is the state of a programme: name the programme, or choose certificates of a state inside `criteria`"
            raise serializers.ValidationError({"state": [told]}, code="invalid")
        return super().validate(attrs) | {"purpose": purpose_of(attrs)}


def purpose_of(given: dict[str, Any]) -> Purpose:
    return Purpose(
        beneficiary=given["beneficiary"],
        reason=given["reason"],
        programme=given["programme"],
        state=given.get("state", ""),
        compliance_year=given.get("compliance_year"),
        tier=given["tier"],
    )


class RetireBody(PurposeBody):
    account = Number(help_text="where they lie")
    to_account = Number(required=False, help_text="a retirement account of yours; left out: they stay where they lie")


class ReserveBody(WantedBody):
    account = Number(help_text="where they lie")
    reason = reason_why()


class ExportBody(WantedBody):
    account = Number(help_text="where they lie")
    to_registry = RegistryCode(help_text="where they go")
    reason = reason_why()


class ReceiveBody(Body):
    """Certificates of a batch that this ledger knows come back from outside."""

    from_account = Number(help_text="of a counterparty, or a registry's world outside")
    to_account = Number(help_text="of yours")
    ranges = serializers.ListField(child=RangeBody(), allow_empty=False, max_length=MOST_RANGES)
    price_usd = Amount(required=False, help_text="what you owe the counterparty for all of it, US dollars")
    reason = reason_why()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        ranges = [SerialRange(**one) for one in attrs["ranges"]]
        _once(ranges)
        return attrs | {"ranges": ranges}


NEW = ("registry", "serial_base", "serial_start", "generator", "vintage")


class IssueBody(Body):
    """A batch and all its certificates at once; or certificates of a batch that was recorded: `batch_id`, or `ranges`."""

    account = Number(help_text="of yours; where they shall lie")
    kind = serializers.ChoiceField(
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
    ranges = serializers.ListField(
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
        if last > exact.LARGEST - 1:
            raise serializers.ValidationError({"quantity": [f"serial numbers end at {exact.LARGEST - 1}"]}, code="quantity-too-large")
        if last < attrs["serial_start"]:
            raise serializers.ValidationError({"serial_end": ["the last serial comes before the first"]}, code="quantity")
        if "quantity" in attrs and attrs["quantity"] != last - attrs["serial_start"] + 1:
            told = f"these serial numbers are {last - attrs['serial_start'] + 1} certificates, not {attrs['quantity']}"
            raise serializers.ValidationError({"quantity": [told]}, code="quantity")
        return int(last)


class ReverseBody(Body):
    id = Number(help_text="of a completed transfer, receipt or issue, all of whose certificates you still have")
    reason = reason_why()


class ReasonBody(Body):
    reason = reason_why()


class ConfirmBody(ReasonBody):
    reference = Text(max_length=100, help_text="the registry's confirmation number")
    reference_date = serializers.DateField(help_text="the day the registry did it")


class RefuseBody(ReasonBody):
    reference = Text(required=False, default="", allow_blank=True, max_length=100, help_text="what the registry calls its refusal")


FITS = {  # which fields a move of a kind must have, and may have, besides which certificates and why
    "transfer": (("to_account",), ("price_usd",)),
    "retire": (("beneficiary", "reason"), ("to_account", "programme", "state", "compliance_year", "tier")),
    "reserve": ((), ()),
    "export": (("to_registry",), ()),
}


class MoveBody(PurposeBody):
    """One of several. `state` is the programme's: certificates of a state are chosen inside `criteria`."""

    kind = serializers.ChoiceField(list(FITS))
    from_account = Number(help_text="where they lie")
    to_account = Number(required=False, help_text="transfer: where they go; retire: a retirement account of yours")
    price_usd = Amount(required=False, help_text="transfer: what the other side owes for all of it, US dollars")
    to_registry = RegistryCode(required=False, help_text="export: where they go")
    reason = reason_why()
    beneficiary = Text(required=False, max_length=200, help_text="retire: for whom they are retired")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        needed, allowed = FITS[attrs["kind"]]
        faults = {name: ["This field is required."] for name in needed if not attrs.get(name)}
        others = {name for must, may in FITS.values() for name in (*must, *may)} - {*needed, *allowed, "reason"}
        faults |= {name: [f"a {attrs['kind']} has no such field"] for name in sorted(others) if attrs.get(name)}
        if faults:
            raise serializers.ValidationError(faults, code="required" if needed else "invalid")
        return super().validate(attrs) if attrs["kind"] == "retire" else WantedBody.validate(self, attrs)


class BulkBody(Body):
    moves = serializers.ListField(child=MoveBody(), allow_empty=False, max_length=MOST_MOVES)
