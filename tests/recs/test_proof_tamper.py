"""Somebody with all rights changes rows: which rule tells, and what only a seal can tell."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection

from energyopti.organisations.models import User
from recs import ledger
from recs.models import Account, CashAccount, CashEntry, Command, Entry, Holding, Retirement, Seal
from recs.proof import seal
from recs.types import Purpose
from tests.recs.lived import Lived
from tests.recs.test_proof import broken, run
from tests.recs.world import key, proved

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("it")]

MODELS = (Command, Entry, Holding, Retirement, CashEntry, CashAccount, Seal)
_EACH = """
DO $$ DECLARE t record; BEGIN
  FOR t IN SELECT g.tgrelid::regclass AS relation, g.tgname, g.tgisinternal FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
           WHERE c.relname = ANY ('{%s}') LOOP
    EXECUTE format('ALTER TABLE %%s %s TRIGGER %%I', t.relation, %s, t.tgname);
  END LOOP; END $$"""
_TABLES = ",".join(model._meta.db_table for model in (*MODELS, Account, User))
OFF = (_EACH % (_TABLES, "DISABLE%s", "''")).replace("%%", "%")
ON = (_EACH % (_TABLES, "ENABLE %s", "CASE WHEN t.tgisinternal THEN '' ELSE 'ALWAYS' END")).replace("%%", "%")


def tamper(*statements: str) -> int:
    """As the tables' owner, with every trigger off meanwhile; how many rows the last statement changed."""
    run("SET CONSTRAINTS ALL IMMEDIATE", OFF)
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        changed = cursor.rowcount
    run(ON)
    return int(changed)


# --- each column -----------------------------------------------------------------------------------------
# How a column is changed, in which rows, and which rule tells.
COMMAND = {
    "id": "id + 100000 WHERE kind = 'pay'",
    "key": "gen_random_uuid()",
    "request_hash": "sha256(request_hash)",
    "kind": "'receive' WHERE kind = 'transfer'",
    "organisation_id": "organisation_id + 1000",
    "counterparty_id": "counterparty_id + 1000",
    "from_account_id": "from_account_id + 1000",
    "to_account_id": "to_account_id + 1000",
    "to_bucket": "9 WHERE kind = 'approve'",
    "quantity": "quantity + 1 WHERE kind = 'transfer'",
    "awaiting": "'{release}' WHERE kind = 'transfer' AND awaiting = '{}'",
    "root_id": "(SELECT min(id) FROM recs_command) WHERE kind = 'accept'",
    "resolves_id": "(SELECT min(id) FROM recs_command) WHERE id = (SELECT max(id) FROM recs_command WHERE kind = 'accept')",
    "reverses_id": "(SELECT min(id) FROM recs_command) WHERE kind = 'reverse'",
    "export_id": "export_id + 1000",
    "to_registry_id": "'gats' WHERE kind = 'export'",
    "price_cents": "price_cents + 1",
    "reason": "reason || 'x'",
    "reference": "reference || 'x'",
    "reference_date": "reference_date + 1",
    "expires_at": "expires_at + interval '1 microsecond'",
    "self_approved": "NOT self_approved",
    "made_by_id": "made_by_id + 1000",
    "request_id": "request_id || 'x'",
    "api_key": "'abcdefgh'",
    "created_at": "created_at - interval '1 microsecond'",
    "hash": "sha256(hash)",
}
ENTRY = {
    "id": "id + 100000 WHERE id = (SELECT max(id) FROM recs_entry)",
    "command_id": "command_id + 1000",
    "batch_id": "batch_id + 1000",
    "serials": "int8range(lower(serials), upper(serials) + 1) WHERE id = (SELECT max(id) FROM recs_entry)",
    "from_account_id": "from_account_id + 1000",
    "from_bucket": "2 WHERE from_bucket = 1 AND to_bucket = 1",
    "to_account_id": "to_account_id + 1000",
    "to_bucket": "9 WHERE to_bucket = 1",
    "prev_id": "prev_id - 1",
    "hash": "sha256(hash)",
}
RETIREMENT = {
    "command_id": "(SELECT min(id) FROM recs_command) WHERE command_id = (SELECT max(command_id) FROM recs_retirement)",
    "programme": "programme || 'x' WHERE programme <> ''",
    "state": "'XX'",
    "compliance_year": "compliance_year + 1",
    "tier": "tier || 'x'",
    "beneficiary": "beneficiary || 'x'",
    "reason": "reason || 'x'",
    "hash": "sha256(hash)",
}
CASH_ENTRY = {
    "id": "id + 100000",
    "command_id": "command_id + 1",
    "account_id": "account_id + 1",
    "amount_cents": "amount_cents * 2",
    "hash": "sha256(hash)",
}
HOLDING = {
    "batch_id": "batch_id + 1000",
    "serials": "int8range(lower(serials) - 2000, upper(serials) - 2000)",
    "account_id": "account_id + 1000",
    "bucket": "9 WHERE bucket = 1",
    "entry_id": "(SELECT min(id) FROM recs_entry) WHERE id = (SELECT max(id) FROM recs_holding)",
}
LAST_ORGANISATION = "(SELECT max(id) FROM organisations_organisation)"
CHANGES = [
    *((Command, column, value, "command_hashes") for column, value in COMMAND.items()),
    *((Entry, column, value, "entries_continue") for column, value in ENTRY.items()),
    *((Retirement, column, value, "retirement_hashes") for column, value in RETIREMENT.items()),
    *((CashEntry, column, value, "cash_hashes") for column, value in CASH_ENTRY.items()),
    *((Holding, column, value, "holdings_follow_entries") for column, value in HOLDING.items()),
    (CashAccount, "organisation_id", f"{LAST_ORGANISATION} WHERE counterparty_id IS NOT NULL", "cash_follows_commands"),
    (CashAccount, "kind", "'bank' WHERE id = (SELECT account_id FROM recs_cashentry ORDER BY id LIMIT 1)", "cash_follows_commands"),
    (CashAccount, "counterparty_id", f"{LAST_ORGANISATION} WHERE counterparty_id IS NOT NULL", "cash_follows_commands"),
    (CashAccount, "external_id", "(SELECT id FROM recs_account WHERE name = 'reserve') WHERE external_id IS NOT NULL", "cash_balances"),
    (CashAccount, "balance_cents", "balance_cents + 1", "cash_balances"),
    (CashAccount, "last_entry", "last_entry - 1", "cash_balances"),
    (CashAccount, "credit_limit_cents", "credit_limit_cents + 1 WHERE credit_limit_cents > 0", "cash_balances"),
    (Seal, "upto_entry", "upto_entry - 1", "seals_hold"),
    (Seal, "upto_command", "upto_command - 1", "seals_hold"),
    (Seal, "upto_cash_entry", "upto_cash_entry - 1", "seals_hold"),
    (Seal, "entries", "entries + 1", "seals_hold"),
    (Seal, "commands", "commands + 1", "seals_hold"),
    (Seal, "digest", "sha256(digest)", "seals_hold"),
]
# Numbers that only tell rows apart, what the database computes, and when a seal was made
SILENT = {(Holding, "id"), (Holding, "quantity"), (CashAccount, "id"), (Seal, "id"), (Seal, "created_at")}


def test_every_column_is_tried() -> None:
    tried = {(model, column) for model, column, _, _ in CHANGES}
    assert {(model, field.column) for model in MODELS for field in model._meta.concrete_fields} == tried | SILENT


@pytest.mark.parametrize(
    ("model", "column", "value", "rule"), CHANGES, ids=[f"{model.__name__}.{column}" for model, column, _, _ in CHANGES]
)
def test_a_column_that_was_changed_is_found(model, column: str, value: str, rule: str) -> None:
    seal.seal()
    limits = "ALTER TABLE recs_cashaccount DROP CONSTRAINT cash_party_is_one, DROP CONSTRAINT cash_account_once"
    loosened = [limits] if model is CashAccount else []
    assert tamper(*loosened, f"UPDATE {model._meta.db_table} SET {column} = {value}") > 0
    found = broken()
    assert rule in found
    assert all(found.values())


def test_a_row_that_was_taken_away_is_found() -> None:
    seal.seal()
    for table, rules in {
        "recs_command": {"commands_do_what_they_say", "seals_hold"},
        "recs_entry": {"entries_conserved", "commands_do_what_they_say", "journal_sums_to_holdings", "seals_hold"},
        "recs_holding": {"holdings_tile_issued", "entries_conserved", "journal_sums_to_holdings"},
        "recs_retirement": {"retired_for_one_purpose", "seals_hold"},
        "recs_cashentry": {"cash_balances", "cash_follows_commands", "seals_hold"},
    }.items():
        with connection.cursor() as cursor:
            cursor.execute("SAVEPOINT before")
        order = "command_id" if table == "recs_retirement" else "id"
        chosen = f"(SELECT max({order}) FROM {table}{' WHERE from_account_id IS NOT NULL' if table == 'recs_command' else ''})"
        assert tamper(f"DELETE FROM {table} WHERE {order} = {chosen}") == 1
        assert rules <= set(broken()), table
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK TO before")


def test_the_same_serials_for_two_are_found(it: Lived) -> None:
    tamper(
        "ALTER TABLE recs_holding DROP CONSTRAINT owned_once",
        "INSERT INTO recs_holding (batch_id, serials, account_id, bucket, entry_id)"
        " SELECT batch_id, serials, account_id, bucket, entry_id FROM recs_holding WHERE bucket = 1 ORDER BY id DESC LIMIT 1",
    )
    assert {"holdings_tile_issued", "entries_conserved", "journal_sums_to_holdings", "constraints_stand"} == set(broken())


def test_a_batch_over_another_is_found() -> None:
    tamper(
        "ALTER TABLE recs_batch DROP CONSTRAINT batch_serials_once", "ALTER TABLE recs_batch DROP CONSTRAINT batch_month_in_one_registry"
    )
    run("ALTER TABLE recs_batch DISABLE TRIGGER USER")
    run("UPDATE recs_batch SET serial_base = 'PW-2024-03' WHERE serial_base = 'MIR'")
    run("UPDATE recs_batch SET export_id = NULL WHERE serial_base = 'IMP'")
    told = broken()
    assert len(told["batches_apart"]) == 2
    assert "overlaps batch" in told["batches_apart"][0]
    assert "is issued in nar, and by batch" in told["batches_apart"][1]
    assert "imports_within_exports" in told


def test_one_base_in_two_spellings_is_found() -> None:
    run("ALTER TABLE recs_batch DROP CONSTRAINT batch_serials_once", "ALTER TABLE recs_batch DISABLE TRIGGER USER")
    run("UPDATE recs_batch SET serial_base = 'pw-2024 -03' WHERE serial_base = 'MIR'")
    assert ["overlaps batch" in told for told in broken()["batches_apart"]] == [True]


def test_one_unit_in_two_spellings_is_found() -> None:
    run("DROP INDEX registration_unit_once", "ALTER TABLE recs_registration DISABLE TRIGGER USER")
    run(
        "INSERT INTO recs_registration (generator_id, registry_id, unit_id, sandbox)"
        " SELECT generator_id, registry_id, 'm 123', sandbox FROM recs_registration WHERE unit_id = 'M123'"
    )
    assert ["one name in mrets: M123 and m 123" in told for told in broken()["batches_apart"]] == [True]


def test_metered_generation_of_another_batch_is_found() -> None:
    run("ALTER TABLE recs_generationread DISABLE TRIGGER USER")
    run(
        "INSERT INTO recs_generationread (generator_id, days, generation_mwh, batch_id)"
        " SELECT generator_id, daterange('2019-01-01', '2019-02-01'), 1, id FROM recs_batch ORDER BY id LIMIT 1"
    )
    assert ["backs batch" in told for told in broken()["batches_apart"]] == [True]


def test_more_imported_than_exported_is_found() -> None:
    run("ALTER TABLE recs_batch DISABLE TRIGGER USER", "UPDATE recs_batch SET serials = '[1,60)' WHERE serial_base = 'IMP'")
    assert "and its like bring 59 to nar" in broken()["imports_within_exports"][0]


def test_sandbox_among_real_is_found() -> None:
    run("ALTER TABLE recs_account DISABLE TRIGGER USER", "UPDATE recs_account SET sandbox = true WHERE name = 'reserve'")
    assert len(broken()["worlds_apart"]) == 2  # its certificates, and its organisation


# --- what nothing inside can tell ------------------------------------------------------------------------


def rewrite_leaf(it: Lived) -> None:
    """The last owner of a range becomes another one, and everything that follows from it is made to fit."""
    thief = it.east.accounts["mirror"].pk
    last = it.made["moved"]
    tamper(
        f"UPDATE recs_command SET to_account_id = {thief} WHERE id = {last}",
        f"UPDATE recs_command c SET hash = recs_command_hash(c) WHERE id = {last}",
        f"UPDATE recs_entry SET to_account_id = {thief} WHERE command_id = {last}",
        "UPDATE recs_entry e SET hash = recs_entry_hash((SELECT hash FROM recs_entry p WHERE p.id = e.prev_id), e)"
        f" WHERE command_id = {last}",
        f"UPDATE recs_holding SET account_id = {thief} WHERE entry_id IN (SELECT id FROM recs_entry WHERE command_id = {last})",
    )


def erase_newest(it: Lived) -> None:
    """As if the last command had never been: its serials lie where they lay."""
    newest = it.made["awaits approval"]
    changed = tamper(
        f"CREATE TEMP TABLE gone ON COMMIT DROP AS SELECT * FROM recs_entry WHERE command_id = {newest}",
        "UPDATE recs_holding h SET entry_id = g.prev_id, account_id = g.from_account_id, bucket = g.from_bucket"
        " FROM gone g WHERE g.id = h.entry_id",
        "DELETE FROM recs_entry WHERE id IN (SELECT id FROM gone)",
        f"DELETE FROM recs_command WHERE id = {newest}",
    )
    assert changed == 1


@pytest.mark.parametrize("deed", [rewrite_leaf, erase_newest])
def test_only_the_seal_finds_what_was_made_to_fit(it: Lived, deed) -> None:
    seal.seal()
    deed(it)
    assert list(broken()) == ["seals_hold"]
    assert list(broken(since_seal=True)) == ["seals_hold"]


@pytest.mark.parametrize("deed", [rewrite_leaf, erase_newest])
def test_without_a_seal_nothing_finds_it(it: Lived, deed) -> None:
    deed(it)
    assert broken() == {}


def test_who_seals_anew_is_found_by_the_digest_that_was_kept(it: Lived) -> None:
    first = seal.seal()
    assert first is not None
    kept = bytes(first.digest).hex()
    erase_newest(it)
    tamper("DELETE FROM recs_seal")
    second = seal.seal()
    assert second is not None
    assert broken() == {}
    assert bytes(second.digest).hex() != kept


ODD = [
    ("commands_make_sense", "UPDATE recs_command SET price_cents = -1 WHERE kind = 'transfer'"),
    ("commands_make_sense", "UPDATE recs_command SET reference = '' WHERE kind = 'confirm'"),
    ("commands_make_sense", "UPDATE recs_command SET kind = 'bless' WHERE kind = 'transfer'"),
    ("commands_make_sense", "UPDATE recs_command SET made_by_id = NULL"),
    ("commands_make_sense", "DELETE FROM organisations_user"),
    ("commands_make_sense", "DELETE FROM recs_account"),
    ("worlds_apart", "UPDATE recs_entry SET to_bucket = 7"),
    ("worlds_apart", "DELETE FROM recs_account"),
    ("entries_continue", "UPDATE recs_entry SET serials = 'empty'"),
    ("holdings_follow_entries", "UPDATE recs_holding SET serials = 'empty'"),
    ("retired_stays", "UPDATE recs_entry SET from_bucket = 9 WHERE from_bucket = 1"),
    ("retired_stays", "UPDATE recs_entry SET from_bucket = 8 WHERE from_bucket = 1"),
]


@pytest.mark.parametrize(("rule", "statement"), ODD)
def test_rows_that_a_trigger_alone_refuses_are_found(rule: str, statement: str) -> None:
    """Constraints would hold for rows that are there already; a trigger looked at them once."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # the foreign keys of people's other rows
        assert tamper(statement) > 0
        cursor.execute("RESET session_replication_role")
    assert rule in broken()


# --- what is new -----------------------------------------------------------------------------------------
NEW = [
    ("entries_continue", "UPDATE recs_entry SET hash = sha256(hash) WHERE id > {entry}"),
    ("entries_conserved", "UPDATE recs_holding SET serials = int8range(lower(serials), upper(serials) - 1) WHERE entry_id > {entry}"),
    ("entries_conserved", "DELETE FROM recs_holding WHERE entry_id > {entry}"),
    ("holdings_tile_issued", "DELETE FROM recs_holding WHERE entry_id > {entry}"),
    ("holdings_follow_entries", "UPDATE recs_holding SET bucket = 1 WHERE entry_id > {entry} AND bucket = 9"),
    ("retired_for_one_purpose", "DELETE FROM recs_retirement WHERE command_id > {command}"),
    ("command_hashes", "UPDATE recs_command SET reason = 'x' WHERE id > {command}"),
    ("retirement_hashes", "UPDATE recs_retirement SET reason = 'x' WHERE command_id > {command}"),
    ("cash_hashes", "UPDATE recs_cashentry SET amount_cents = amount_cents * 2 WHERE id > {cash}"),
    ("cash_balances", "UPDATE recs_cashentry SET amount_cents = amount_cents * 2 WHERE id > {cash}"),
    ("cash_follows_commands", "UPDATE recs_cashentry SET amount_cents = amount_cents * 2 WHERE id > {cash}"),
    ("commands_do_what_they_say", "UPDATE recs_command SET quantity = quantity + 1 WHERE id > {command} AND quantity > 0"),
    ("commands_do_what_they_say", "UPDATE recs_entry SET command_id = {command} WHERE id > {entry}"),
    ("commands_follow_their_root", "UPDATE recs_command SET root_id = 1 WHERE id > {command} AND root_id IS NOT NULL"),
    ("held_is_open", "UPDATE recs_command SET awaiting = '{{}}' WHERE id > {command} AND awaiting <> '{{}}'"),
]


def go_on(it: Lived) -> None:
    east = it.east
    ledger.retire(key=key(), by=east.officer, account=east.main.pk, quantity=3, purpose=Purpose(beneficiary="Bakery", reason="Green"))
    reserved = [ledger.reserve(key=key(), by=east.trader, account=east.main.pk, quantity=2) for _ in range(2)]
    ledger.release(key=key(), by=east.trader, command=reserved[0])
    ledger.pay(key=key(), by=east.trader, creditor=east.organisation.pk, external=east.accounts["outside"].pk, amount_usd=Decimal(1))
    proved()


@pytest.mark.parametrize(("rule", "statement"), NEW)
def test_what_was_changed_after_the_seal_is_found_by_looking_from_there(it: Lived, rule: str, statement: str) -> None:
    sealed = seal.seal()
    assert sealed is not None
    go_on(it)
    assert broken(since_seal=True) == {}
    assert tamper(statement.format(entry=sealed.upto_entry, command=sealed.upto_command, cash=sealed.upto_cash_entry)) > 0
    assert rule in broken(since_seal=True)
    assert rule in broken()
