# ruff: noqa: S608 -- put together from texts of this file alone
"""What a ledger pack holds: a query for each file. Who reads it decides what it gives: the owner of the tables all, the
application's role what app.organisation names (migrations/sql/0004_who_sees_what.sql)."""

from __future__ import annotations

_INSTANT = "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS {0}"
_HEX = "encode({0}, 'hex') AS {0}"
_RANGE = "lower(serials) AS serial_start, upper(serials) - 1 AS serial_end"
_HISTORIES = ("registry", "account", "policy", "generator", "registration", "eligibility", "batch", "generationread")
# These have no row policies. Who takes part in a command is told to both sides.
_PARTIES = "id = ANY (recs_scope()) OR id IN (SELECT organisation_id FROM recs_command) OR id IN (SELECT counterparty_id FROM recs_command)"
_OF_MINE = "organisation_id = ANY (recs_scope())"
_OWN_PEOPLE = "id IN (SELECT user_id FROM organisations_historicalmembership WHERE organisation_id = ANY (recs_scope()))"


def files(*, whole: bool) -> dict[str, str]:
    """Name and query, in the order of the pack."""
    own = {
        "organisations": f"SELECT id, slug, name, sandbox FROM organisations_organisation WHERE {_PARTIES} ORDER BY id",
        "people": f"SELECT id, username, is_active FROM organisations_user WHERE {_OWN_PEOPLE} ORDER BY id",
        "memberships": f"SELECT user_id, organisation_id, role FROM organisations_membership WHERE {_OF_MINE} ORDER BY id",
    }
    everybody = {
        "organisations": "SELECT id, slug, name, sandbox FROM organisations_organisation ORDER BY id",
        "people": "SELECT id, username, is_active FROM organisations_user ORDER BY id",
        "memberships": "SELECT user_id, organisation_id, role FROM organisations_membership ORDER BY id",
    }
    return {**(everybody if whole else own), **_RECORDS, "entries": _entries(whole=whole), **_JOURNAL, **_histories(whole=whole)}


def _entries(*, whole: bool) -> str:
    """With the hash of the entry before: that one may be somebody else's, and its row no part of the pack."""
    before, join = ("p.hash", "LEFT JOIN recs_entry p ON p.id = e.prev_id") if whole else ("recs_hash_before(e.id)", "")
    return f"""
        SELECT e.id, e.command_id, e.batch_id, lower(e.serials) AS serial_start, upper(e.serials) - 1 AS serial_end,
               e.from_account_id, e.from_bucket, e.to_account_id, e.to_bucket, e.prev_id,
               encode({before}, 'hex') AS prev_hash, encode(e.hash, 'hex') AS hash
        FROM recs_entry e {join} ORDER BY e.id"""


def _histories(*, whole: bool) -> dict[str, str]:
    told = {f"history_{name}": f"SELECT * FROM recs_historical{name} ORDER BY history_id" for name in _HISTORIES}
    for name, column in (("organisation", "id"), ("membership", "organisation_id")):
        which = "" if whole else f"WHERE {column} = ANY (recs_scope())"
        told[f"history_{name}"] = f"SELECT * FROM organisations_historical{name} {which} ORDER BY history_id"
    return told


_RECORDS = {
    "registries": "SELECT code, name, operator, serial_example, kept_in_id, source FROM recs_registry ORDER BY code",
    "accounts": f"""
        SELECT id, organisation_id, kind, name, registry_id, registry_account, sandbox, {_INSTANT.format("opened_at")},
               {_INSTANT.format("closed_at")} FROM recs_account ORDER BY id""",
    "policies": "SELECT organisation_id, array_to_string(four_eyes, ',') AS four_eyes, offer_days FROM recs_policy ORDER BY 1",
    "generators": """
        SELECT id, organisation_id, name, fuel, technology, state, capacity_mw, commissioned_on, sandbox FROM recs_generator ORDER BY id""",
    "registrations": "SELECT id, generator_id, registry_id, unit_id, sandbox FROM recs_registration ORDER BY id",
    "eligibilities": """
        SELECT id, generator_id, programme, lower(valid) AS first_day, upper(valid) - 1 AS last_day, certification
        FROM recs_eligibility ORDER BY id""",
    "batches": f"""
        SELECT id, registry_id, serial_base, {_RANGE}, registry_text, generator_id, fuel, state, vintage, organisation_id, sandbox,
               variance_of_id, export_id, {_INSTANT.format("created_at")} FROM recs_batch ORDER BY id""",
    "generation_reads": """
        SELECT id, generator_id, lower(days) AS first_day, upper(days) - 1 AS last_day, generation_mwh, batch_id
        FROM recs_generationread ORDER BY id""",
}
_JOURNAL = {
    # As they are hashed (recs_command_hash)
    "commands": f"""
        SELECT id, key, {_HEX.format("request_hash")}, kind, organisation_id, counterparty_id, from_account_id, to_account_id, to_bucket,
               quantity, array_to_string(awaiting, ',') AS awaiting, root_id, resolves_id, reverses_id, export_id, to_registry_id,
               price_cents, reason, reference, to_char(reference_date, 'YYYY-MM-DD') AS reference_date,
               {_INSTANT.format("expires_at")}, self_approved::text, made_by_id, request_id, api_key, {_INSTANT.format("created_at")},
               {_HEX.format("hash")} FROM recs_command ORDER BY id""",
    "retirements": f"""
        SELECT command_id, programme, state, compliance_year, tier, beneficiary, reason, {_HEX.format("hash")}
        FROM recs_retirement ORDER BY command_id""",
    "holdings": f"SELECT batch_id, {_RANGE}, account_id, bucket, entry_id FROM recs_holding ORDER BY batch_id, lower(serials)",
    "cash_accounts": """
        SELECT id, organisation_id, kind, counterparty_id, external_id, balance_cents, credit_limit_cents
        FROM recs_cashaccount ORDER BY id""",
    "cash_entries": f"SELECT id, command_id, account_id, amount_cents, {_HEX.format('hash')} FROM recs_cashentry ORDER BY id",
    "seals": f"""
        SELECT id, upto_entry, upto_command, upto_cash_entry, entries, commands, {_HEX.format("digest")}, {_INSTANT.format("created_at")}
        FROM recs_seal ORDER BY id""",
}
