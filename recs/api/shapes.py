"""What the ledger answers where it is one thing: objects, as the schema tells them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from recs.api.fields import Amount, Month
from recs.queries import AccountRow, CommandRow, GeneratorRow

# --- commands ---------------------------------------------------------------------------------------------


class PieceShape(serializers.Serializer[Any]):
    batch_id = serializers.IntegerField()
    serial_start = serializers.IntegerField(help_text="the first serial number")
    serial_end = serializers.IntegerField(help_text="the last serial number, included")
    serials = serializers.CharField(help_text="as the registry writes them")
    quantity_mwh = serializers.IntegerField()
    registry = serializers.CharField()
    vintage = Month(help_text="the month of generation")
    fuel_type = serializers.CharField()
    state = serializers.CharField()
    generator = serializers.CharField()


class CommandShape(serializers.Serializer[CommandRow]):
    """A command, and where it stands."""

    id = serializers.IntegerField()
    kind = serializers.CharField(help_text="issue, import, receive, transfer, export, retire, reserve, reverse")
    status = serializers.CharField(help_text="pending, instructed, completed, rejected, cancelled, expired, reversed")
    ranges = PieceShape(many=True, help_text="which certificates; ranges that touch are told as one")
    created_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField(help_text="of its last step")
    awaiting = serializers.ListField(
        child=serializers.CharField(), help_text="what it waits for, in order: approval, acceptance, registry, release"
    )
    self_approved = serializers.BooleanField(help_text="one person did alone what may need two")
    quantity = serializers.IntegerField()
    owner_id = serializers.CharField(help_text="the slug of the organisation that acts")
    counterparty = serializers.CharField(allow_null=True, help_text="the slug of the other side")
    from_account = serializers.IntegerField(allow_null=True)
    to_account = serializers.IntegerField(allow_null=True)
    price_usd = Amount(allow_null=True, help_text="of all of it")
    reason = serializers.CharField()
    reference = serializers.CharField(help_text="the registry's confirmation number")
    reference_date = serializers.DateField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True, help_text="when it ends unless somebody answers")
    made_by = serializers.CharField(help_text="who asked; empty where it was somebody of the other side")
    incoming = serializers.BooleanField(help_text="it is yours to accept or to reject")
    reverses = serializers.IntegerField(allow_null=True)
    reversed_by = serializers.IntegerField(allow_null=True)
    export = serializers.IntegerField(allow_null=True, help_text="the export that an import follows")
    to_registry = serializers.CharField(allow_null=True, help_text="where an export goes")


class StepShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.CharField()
    at = serializers.DateTimeField()
    organisation = serializers.CharField(help_text="whose people did it")
    made_by = serializers.CharField(help_text="who; empty where it was somebody of the other side, or the clock")
    reason = serializers.CharField()
    reference = serializers.CharField()
    reference_date = serializers.DateField(allow_null=True)
    awaiting = serializers.ListField(child=serializers.CharField(), help_text="what was still to pass after it")
    self_approved = serializers.BooleanField()
    request_id = serializers.CharField(help_text="of the request that did it; empty for the other side's")
    api_key = serializers.CharField(help_text="the public prefix of the key that did it")


class PurposeShape(serializers.Serializer[Any]):
    beneficiary = serializers.CharField()
    reason = serializers.CharField()
    programme = serializers.CharField(help_text="empty: voluntary")
    state = serializers.CharField()
    compliance_year = serializers.IntegerField(allow_null=True)
    tier = serializers.CharField()


class WholeCommandShape(CommandShape):
    steps = StepShape(many=True, help_text="the command itself first, then what resolved its stages")
    purpose = PurposeShape(allow_null=True, help_text="of a retirement")


class BulkShape(serializers.Serializer[Any]):
    commands = CommandShape(many=True, help_text="in the order of the moves")


class InstructionShape(serializers.Serializer[Any]):
    command = serializers.IntegerField()
    registry = serializers.CharField(help_text="where to type it")
    action = serializers.CharField(help_text="transfer, retire or export")
    steps = serializers.ListField(child=serializers.CharField(), help_text="a checklist")
    text = serializers.CharField(help_text="what to type letter by letter; empty: nothing is prescribed")
    layout_known = serializers.BooleanField(help_text="false: the columns are ours, as the registry's are not known")
    columns = serializers.ListField(child=serializers.CharField())
    rows = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    csv = serializers.CharField(help_text="columns and rows as a CSV file")


COMMAND_EXAMPLE: dict[str, Any] = {
    "id": 4711,
    "kind": "transfer",
    "status": "pending",
    "ranges": [
        {
            "batch_id": 17,
            "serial_start": 1,
            "serial_end": 250,
            "serials": "1771330 1-250",
            "quantity_mwh": 250,
            "registry": "gats",
            "vintage": "2024-03",
            "fuel_type": "wind",
            "state": "PA",
            "generator": "Prairie Wind",
        }
    ],
    "created_at": "2026-11-25T14:03:09.512345Z",
    "changed_at": "2026-11-25T14:03:09.512345Z",
    "awaiting": ["acceptance"],
    "self_approved": True,
    "quantity": 250,
    "owner_id": "acme-wind",
    "counterparty": "city-utility",
    "from_account": 3,
    "to_account": 9,
    "price_usd": "3125.50",
    "reason": "contract 2026-117",
    "reference": "",
    "reference_date": None,
    "expires_at": "2026-12-09T14:03:09.512345Z",
    "made_by": "trader",
    "incoming": False,
    "reverses": None,
    "reversed_by": None,
    "export": None,
    "to_registry": None,
}

INSTRUCTION_EXAMPLE: dict[str, Any] = {
    "command": 4712,
    "registry": "ercot",
    "action": "export",
    "steps": [
        "Log in to ERCOT REC programme, account 88, and choose the 31 certificates of the rows below.",
        "ERCOT has no export of its own: retire these certificates, and type as the reason, letter by letter:",
        "Export to M-RETS effective 11/25/2026",
        "E-mail the declaration that M-RETS asks for; it issues the certificates anew under numbers of its own.",
        "No upload layout of ERCOT REC programme for this is known here: the columns below are ours, to type from.",
        "Enter the confirmation number and its date at command 4712; if the registry refuses, say so there.",
    ],
    "text": "Export to M-RETS effective 11/25/2026",
    "layout_known": False,
    "columns": ["serial numbers", "quantity", "vintage", "generator", "unit"],
    "rows": [["000001 -- 000031", "31", "2024-03", "Lone Star Wind", ""]],
    "csv": "serial numbers,quantity,vintage,generator,unit\r\n000001 -- 000031,31,2024-03,Lone Star Wind,\r\n",
}

# --- records ----------------------------------------------------------------------------------------------


class AccountShape(serializers.Serializer[AccountRow]):
    id = serializers.IntegerField()
    owner_id = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField()
    registry = serializers.CharField(allow_null=True)
    registry_account = serializers.CharField()
    sandbox = serializers.BooleanField()
    opened_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)
    active_mwh = serializers.IntegerField()
    held_mwh = serializers.IntegerField()
    retired_mwh = serializers.IntegerField()


class UnitShape(serializers.Serializer[Any]):
    registry = serializers.CharField()
    unit_id = serializers.CharField()


class EligibleShape(serializers.Serializer[Any]):
    programme = serializers.CharField()
    first_day = serializers.DateField(allow_null=True)
    last_day = serializers.DateField(allow_null=True)
    certification = serializers.CharField()


class GeneratorShape(serializers.Serializer[GeneratorRow]):
    id = serializers.IntegerField()
    owner_id = serializers.CharField()
    name = serializers.CharField()
    fuel_type = serializers.CharField()
    technology = serializers.CharField()
    state = serializers.CharField()
    capacity_mw = serializers.FloatField()
    commissioned_on = serializers.DateField(allow_null=True)
    sandbox = serializers.BooleanField()
    registrations = UnitShape(many=True)
    eligibilities = EligibleShape(many=True)
