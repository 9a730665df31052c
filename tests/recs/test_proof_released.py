"""Whether the ledger's guards say what they say in this release: the file of their texts, and what somebody puts in their place."""

from __future__ import annotations

import json
import os

import pytest
from django.db import connection

from recs.proof import prove, released
from tests.recs.test_proof import broken, run, verify

pytestmark = pytest.mark.django_db
RENEW = "RENEW_RELEASED=1 .venv/bin/python -m pytest -q --create-db -n 0 tests/recs/test_proof_released.py"


def test_the_file_tells_what_a_new_database_says() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::integer / 10000")
        (major,) = cursor.fetchone()
        cursor.execute(released.DEFINITIONS)
        here = {"postgresql": major, "definitions": dict(sorted(cursor.fetchall()))}
    if "RENEW_RELEASED" in os.environ:
        released.FILE.write_text(json.dumps(here, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if major != json.loads(released.FILE.read_text(encoding="utf-8"))["postgresql"]:
        pytest.skip("written by another version of PostgreSQL")
    assert json.loads(released.FILE.read_text(encoding="utf-8")) == here, f"renew it: {RENEW}"


REPLACED = [
    (
        "function recs_scope()",
        "CREATE OR REPLACE FUNCTION recs_scope() RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE RETURN '{1,2,3}'::bigint[]",
    ),
    ("function recs_my_accounts()", "ALTER FUNCTION recs_my_accounts() VOLATILE"),
    ("function recs_scope(integer)", "CREATE FUNCTION recs_scope(integer) RETURNS integer LANGUAGE sql RETURN 1"),
    ("policy mine on recs_holding", "ALTER POLICY mine ON recs_holding USING (true OR account_id = 1)"),
    ("policy mine on recs_command", "ALTER POLICY mine ON recs_command TO energyopti_app"),
    ("policy recs_mine on events_event", "ALTER POLICY recs_mine ON events_event WITH CHECK (true)"),
    (
        "policy world on recs_account",
        "DROP POLICY world ON recs_account; CREATE POLICY world ON recs_account FOR ALL USING (organisation_id IS NULL)",
    ),
    (
        "constraint cash_within_credit_limit on recs_cashaccount",
        "ALTER TABLE recs_cashaccount DROP CONSTRAINT cash_within_credit_limit, ADD CONSTRAINT cash_within_credit_limit CHECK (true)",
    ),
    (
        "constraint owned_once on recs_holding",
        "ALTER TABLE recs_holding DROP CONSTRAINT owned_once,"
        " ADD CONSTRAINT owned_once EXCLUDE USING gist (batch_id WITH =, account_id WITH =, serials WITH &&)",
    ),
    (
        "index command_resolved_once on recs_command",
        "DROP INDEX command_resolved_once; CREATE UNIQUE INDEX command_resolved_once ON recs_command (resolves_id, id)",
    ),
    (
        "trigger batch_within_export on recs_batch",
        "DROP TRIGGER batch_within_export ON recs_batch; CREATE CONSTRAINT TRIGGER batch_within_export AFTER INSERT ON recs_batch"
        " DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW WHEN (NEW.export_id = 0) EXECUTE FUNCTION recs_batch_within_export();"
        " ALTER TABLE recs_batch ENABLE ALWAYS TRIGGER batch_within_export",
    ),
    (
        "column quantity of recs_holding",
        "ALTER TABLE recs_holding ALTER COLUMN quantity SET EXPRESSION AS (upper(serials) - lower(serials) + 0)",
    ),
]


@pytest.mark.parametrize(("name", "statement"), REPLACED, ids=[name for name, _ in REPLACED])
@pytest.mark.usefixtures("it")
def test_what_was_put_in_the_place_of_a_guard_is_found(name: str, statement: str) -> None:
    run("SET CONSTRAINTS ALL IMMEDIATE", statement)
    told = broken()["definitions_stand"]
    assert told[0].startswith(name)
    assert broken(since_seal=True)["definitions_stand"] == told


@pytest.mark.usefixtures("it")
def test_another_version_of_postgresql_says_it_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the command says that nobody looked."""
    monkeypatch.setattr(released, "major", lambda: 17)
    with connection.cursor() as cursor:
        verdict = next(one for one in prove.prove(cursor) if one.rule.name == "definitions_stand")
    assert (verdict.looked_at, verdict.why) == (None, "worded for PostgreSQL 17")
    code, lines = verify()
    assert code == 0
    assert next(line for line in lines if " definitions_stand " in line).startswith("-       definitions_stand")
