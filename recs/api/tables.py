"""What the ledger answers where it is many things: the columns of tables."""

from __future__ import annotations

from typing import Any

from energyopti.api.columns import Column, Kind
from recs.queries import STATUSES

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
    Column("world_account", Kind.INTEGER, "the account outside of this book, at this registry", nullable=True, example=1),
    Column("sandbox_world_account", Kind.INTEGER, "the same for the sandbox", nullable=True, example=9),
    Column("source", Kind.TEXT, "where this is known from", example="registry documentation, read November 2026"),
)


def example_of(columns: tuple[Column, ...]) -> dict[str, Any]:
    return {column.name: column.example for column in columns}
