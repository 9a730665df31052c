"""What the ledger answers: the objects of single answers, and the columns of tables."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from energyopti.api.columns import Column, Kind
from recs.api.fields import Amount, Month
from recs.queries import STATUSES, AccountRow, CommandRow, GeneratorRow

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
    from_account = serializers.IntegerField(source="from_account_id", allow_null=True)
    to_account = serializers.IntegerField(source="to_account_id", allow_null=True)
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

    def to_representation(self, instance: CommandRow) -> Any:
        told = super().to_representation(instance)
        return told | {"counterparty": told["counterparty"] or None}


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

# --- tables -----------------------------------------------------------------------------------------------

HOLDINGS = (
    Column("batch_id", Kind.INTEGER, "of which batch", example=17),
    Column("registry", Kind.TEXT, "the place of record", example="gats"),
    Column("serial_start", Kind.INTEGER, "the first serial number", example=1),
    Column("serial_end", Kind.INTEGER, "the last serial number, included", example=250),
    Column("serials", Kind.TEXT, "as the registry writes them", example="1771330 1-250"),
    Column("quantity_mwh", Kind.INTEGER, "certificates, one a MWh", example=250),
    Column("vintage", Kind.TEXT, "the month of generation", example="2024-03"),
    Column("fuel_type", Kind.TEXT, "the generator's", example="wind"),
    Column("generator", Kind.TEXT, "its name", example="Prairie Wind"),
    Column("account_id", Kind.INTEGER, "where they lie; of what was exported: where they lay", example=3),
    Column("owner_id", Kind.TEXT, "the organisation's slug", example="acme-wind"),
    Column("status", Kind.TEXT, ", ".join(STATUSES), example="active"),
)
COMMANDS = (
    Column("id", Kind.INTEGER, "the command", example=4711),
    Column("kind", Kind.TEXT, "issue, import, receive, transfer, export, retire, reserve, reverse, pay, credit", example="transfer"),
    Column("status", Kind.TEXT, "pending, instructed, completed, rejected, cancelled, expired, reversed", example="pending"),
    Column("stage", Kind.TEXT, "what it waits for: approval, acceptance, registry, release; empty: nothing", example="acceptance"),
    Column("owner_id", Kind.TEXT, "the slug of the organisation that acts", example="acme-wind"),
    Column("counterparty", Kind.TEXT, "the slug of the other side", nullable=True, example="city-utility"),
    Column("from_account", Kind.INTEGER, "where from", nullable=True, example=3),
    Column("to_account", Kind.INTEGER, "where to", nullable=True, example=9),
    Column("quantity", Kind.INTEGER, "certificates", example=250),
    Column("price_usd", Kind.TEXT, "of all of it: a decimal number", nullable=True, example="3125.50"),
    Column("reason", Kind.TEXT, "as it was given", example="contract 2026-117"),
    Column("self_approved", Kind.BOOLEAN, "one person did alone what may need two", example=True),
    Column("incoming", Kind.BOOLEAN, "it is yours to accept or to reject", example=False),
    Column("made_by", Kind.TEXT, "who asked; empty where it was somebody of the other side", example="trader"),
    Column("created_at", Kind.INSTANT, "when it was asked for", example="2026-11-25T14:03:09.512345Z"),
    Column("changed_at", Kind.INSTANT, "when its last step was", example="2026-11-25T14:03:09.512345Z"),
    Column("expires_at", Kind.INSTANT, "when it ends unless somebody answers", nullable=True, example="2026-12-09T14:03:09.512345Z"),
)
HISTORY = (
    Column("entry_id", Kind.INTEGER, "of the journal; 0: the batch was recorded", example=90210),
    Column("at", Kind.INSTANT, "when", example="2026-11-25T14:03:09.512345Z"),
    Column("kind", Kind.TEXT, "recorded, or what kind of command it was", example="issue"),
    Column("command_id", Kind.INTEGER, "the command that was asked for", nullable=True, example=4711),
    Column("serial_start", Kind.INTEGER, "the first serial number", example=1),
    Column("serial_end", Kind.INTEGER, "the last serial number, included", example=1000),
    Column("serials", Kind.TEXT, "as the registry writes them", example="1771330 1-1000"),
    Column("quantity_mwh", Kind.INTEGER, "certificates, one a MWh", example=1000),
    Column("from_account", Kind.INTEGER, "null: they came into being", nullable=True, example=None),
    Column("from_status", Kind.TEXT, "active, held, retired; empty: they came into being", example=""),
    Column("to_account", Kind.INTEGER, "where to", nullable=True, example=3),
    Column("to_status", Kind.TEXT, "active, held, retired", example="active"),
    Column("organisation", Kind.TEXT, "whose people did it", example="Acme Wind"),
    Column("made_by", Kind.TEXT, "who; empty where it was somebody of the other side, or the clock", example="trader"),
    Column("reason", Kind.TEXT, "as it was given", example="March issuance"),
    Column("beneficiary", Kind.TEXT, "of a retirement", example=""),
    Column("reference", Kind.TEXT, "the registry's confirmation number", example=""),
    Column("reference_date", Kind.DAY, "the day the registry did it", nullable=True, example=None),
)
ACCOUNTS = (
    Column("id", Kind.INTEGER, "the account", example=3),
    Column("owner_id", Kind.TEXT, "the organisation's slug", example="acme-wind"),
    Column("name", Kind.TEXT, "as its organisation calls it", example="GATS active"),
    Column("kind", Kind.TEXT, "active, reserve, retirement, export, external", example="active"),
    Column("registry", Kind.TEXT, "it takes certificates of this registry alone", nullable=True, example="gats"),
    Column("registry_account", Kind.TEXT, "the account there that it mirrors; empty: none", example="12345"),
    Column("sandbox", Kind.BOOLEAN, "its certificates are invented", example=False),
    Column("opened_at", Kind.INSTANT, "since when it is there", example="2026-11-25T14:03:09.512345Z"),
    Column("closed_at", Kind.INSTANT, "since when it is closed", nullable=True, example=None),
    Column("active_mwh", Kind.INTEGER, "certificates that may move", example=1000),
    Column("held_mwh", Kind.INTEGER, "certificates that wait for something", example=0),
    Column("retired_mwh", Kind.INTEGER, "certificates that never move again", example=0),
)
GENERATORS = (
    Column("id", Kind.INTEGER, "the generator", example=5),
    Column("owner_id", Kind.TEXT, "the organisation's slug", example="acme-wind"),
    Column("name", Kind.TEXT, "as its organisation calls it", example="Prairie Wind"),
    Column("fuel_type", Kind.TEXT, "what it makes energy from", example="wind"),
    Column("technology", Kind.TEXT, "how", example="onshore turbine"),
    Column("state", Kind.TEXT, "where it stands", example="PA"),
    Column("capacity_mw", Kind.NUMBER, "nameplate capacity", example=100.5),
    Column("commissioned_on", Kind.DAY, "its first day", nullable=True, example="2019-05-01"),
    Column("sandbox", Kind.BOOLEAN, "it is invented", example=False),
    Column("units", Kind.TEXT, "its names at registries: registry, colon, unit", example="gats:NON604366"),
    Column("programmes", Kind.TEXT, "for which it is certified: programme, first day/last day", example="NJ Class I 2019-05-01/"),
)
REGISTRIES = (
    Column("code", Kind.TEXT, "its name in this API", example="gats"),
    Column("name", Kind.TEXT, "as it calls itself", example="PJM-EIS GATS"),
    Column("operator", Kind.TEXT, "who runs it", example="PJM-EIS"),
    Column("serial_example", Kind.TEXT, "a serial number as it writes them; empty: none was seen", example="1771330 1-10"),
    Column("kept_in", Kind.TEXT, "the registry that keeps its certificates", nullable=True, example=None),
    Column("aliases", Kind.TEXT, "other names that are taken for it", example="pjm"),
    Column("source", Kind.TEXT, "where this is known from", example="registry documentation, read November 2026"),
)


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


def example_of(columns: tuple[Column, ...]) -> dict[str, Any]:
    return {column.name: column.example for column in columns}
