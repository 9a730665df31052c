"""What may be asked of the ledger, field by field."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from rest_framework import serializers

from energyopti.api.bodies import Body, Choice, Listed
from recs import exact
from recs.api.fields import Amount, Day, Fuel, Month, Number, Quantity, RegistryCode, Serial, State, Text
from recs.types import Criteria, Purpose, SerialRange

MOST_MOVES = 1000
MOST_RANGES = 10_000
_REASON = "why; kept with the command, and the other side of a transfer sees it"


def reason_why(length: int = 200, *, told: str = _REASON, required: bool = False) -> Text:
    more: dict[str, Any] = {} if required else {"required": False, "default": "", "allow_blank": True}
    return Text(max_length=length, help_text=told, **more)


def orderly(given: dict[str, Any]) -> None:
    first, last = given.get("vintage_from"), given.get("vintage_to")
    if first and last and last < first:
        raise serializers.ValidationError({"vintage_to": ["vintage_to is before vintage_from"]}, code="reversed-span")


# --- which certificates ---------------------------------------------------------------------------------


class CriteriaBody(Body):
    """Which certificates will do; what is left out does not matter."""

    registry = RegistryCode(required=False, help_text="mrets, nar, wregis, nepool, gats (or pjm), ercot, nyiso; caiso means wregis")
    fuel_type = Fuel(required=False, help_text="as the generator has it: wind")
    state = State(required=False, help_text="where the generator stands: IA")
    vintage_from = Month(required=False, help_text="the first month of generation")
    vintage_to = Month(required=False, help_text="the last month of generation, included")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        orderly(attrs)
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


class WantedBody(MoveCriteriaBody):
    """Which certificates: `quantity`, with criteria beside it or inside `criteria`; or `ranges`."""

    quantity = Quantity(required=False, help_text="how many; the oldest vintages first")
    criteria = MoveCriteriaBody(required=False, help_text="what may stand beside the quantity may stand here, too")
    ranges = Listed(
        child=RangeBody(), required=False, allow_empty=False, max_length=MOST_RANGES, help_text="instead of quantity and criteria"
    )

    def beside(self) -> tuple[str, ...]:
        """The criteria that may stand beside the quantity."""
        return tuple(MoveCriteriaBody._declared_fields)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Gives `wanted`: the three arguments of the ledger's functions."""
        inside = dict(attrs.get("criteria") or {})
        beside = {name: attrs[name] for name in self.beside() if name in attrs}
        if twice := sorted(set(inside) & set(beside)):
            raise serializers.ValidationError({twice[0]: ["this stands beside `criteria` and in it; write it once"]}, code="invalid")
        chosen = inside | beside
        orderly(chosen)
        ranges = [SerialRange(**one) for one in attrs.get("ranges", ())]
        if not ranges and "quantity" not in attrs:
            raise serializers.ValidationError({"quantity": ["say how many certificates, or which serial numbers"]}, code="quantity")
        if ranges and chosen:
            raise serializers.ValidationError({"ranges": ["ranges name the certificates already: leave the criteria out"]}, code="quantity")
        once(ranges)
        criteria = Criteria(**chosen) if chosen else None
        return attrs | {"wanted": {"quantity": attrs.get("quantity"), "criteria": criteria, "ranges": ranges or None}}


def once(ranges: list[SerialRange]) -> None:
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


_OF_A_PROGRAMME = {
    "state": "this is the state of a programme: name the programme, or choose certificates of a state inside `criteria`",
    "compliance_year": "this is the year of a programme: name the programme",
    "tier": "this is the tier of a programme: name the programme",
}


class PurposeBody(WantedBody):
    """`state` is the programme's: certificates of a state are chosen inside `criteria`."""

    state = State(required=False, help_text="of the programme; certificates of a state are chosen inside `criteria`")
    reason = reason_why(required=True, told="why they are retired: kept for good")
    beneficiary = Text(max_length=200, help_text="for whom they are retired")
    programme = Text(required=False, default="", allow_blank=True, max_length=60, help_text="left out: voluntary")
    compliance_year = serializers.IntegerField(required=False, min_value=1990, max_value=2200, help_text="of the programme")
    tier = Text(required=False, default="", allow_blank=True, max_length=40, help_text="of the programme")

    def beside(self) -> tuple[str, ...]:
        return tuple(name for name in super().beside() if name != "state")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Gives `purpose` too."""
        lost = [name for name in _OF_A_PROGRAMME if attrs.get(name) and not attrs["programme"]]
        if lost:
            raise serializers.ValidationError({name: [_OF_A_PROGRAMME[name]] for name in lost}, code="invalid")
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
    ranges = Listed(child=RangeBody(), allow_empty=False, max_length=MOST_RANGES)
    price_usd = Amount(required=False, help_text="what you owe the counterparty for all of it, US dollars")
    reason = reason_why()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        ranges = [SerialRange(**one) for one in attrs["ranges"]]
        once(ranges)
        return attrs | {"ranges": ranges}


class ReverseBody(Body):
    id = Number(help_text="of a completed transfer, receipt or issue, all of whose certificates you still have")
    reason = reason_why()


class ReasonBody(Body):
    """Nothing has to be said; a reason may be."""

    reason = reason_why()


class ConfirmBody(ReasonBody):
    reference = Text(max_length=100, help_text="the registry's confirmation number")
    reference_date = Day(past=True, help_text="the day the registry did it")


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

    kind = Choice(list(FITS))
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
    moves = Listed(child=MoveBody(), allow_empty=False, max_length=MOST_MOVES)
