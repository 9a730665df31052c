"""verify_ledger on a ledger that is right, and with guards missing; test_proof_tamper.py is about rows that were changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from recs import ledger
from recs.management.commands import verify_ledger
from recs.models import Seal
from recs.proof import released, seal, verify_pack
from recs.proof.prove import newest_seal, prove
from recs.proof.rules import NAMES, SQL, rules
from tests.recs.lived import Lived
from tests.recs.world import key, proved

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("it")]


def broken(*, since_seal: bool = False) -> dict[str, list[str]]:
    """The rules that do not hold, and what was told of them."""
    with connection.cursor() as cursor:
        since = newest_seal(cursor) if since_seal else None
        return {verdict.rule.name: list(verdict.offenders) for verdict in prove(cursor, since=since) if not verdict.holds}


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_all_hold() -> None:
    assert broken() == {}
    assert broken(since_seal=True) == {}


def test_each_rule_is_a_file() -> None:
    assert {path.stem for path in SQL.glob("*.sql")} == set(NAMES)
    assert [rule.name for rule in rules()] == list(NAMES)
    assert all(rule.says[0].isupper() and not rule.says.endswith(".") for rule in rules())


def test_what_is_new_is_proved_alone(it: Lived) -> None:
    sealed = seal.seal()
    assert sealed is not None
    with connection.cursor() as cursor:
        looked = {verdict.rule.name: verdict.looked_at for verdict in prove(cursor, since=newest_seal(cursor))}
    assert (looked["entries_conserved"], looked["command_hashes"], looked["journal_sums_to_holdings"]) == (0, 0, None)
    ledger.transfer(key=key(), by=it.east.trader, from_account=it.east.main.pk, to_account=it.east.accounts["reserve"].pk, quantity=3)
    proved()
    with connection.cursor() as cursor:
        verdicts = {verdict.rule.name: verdict for verdict in prove(cursor, since=newest_seal(cursor))}
    assert (verdicts["entries_conserved"].looked_at, verdicts["command_hashes"].looked_at) == (1, 1)
    assert all(verdict.holds for verdict in verdicts.values())


# --- guards ---------------------------------------------------------------------------------------------

MISSING = [
    ("triggers_stand", "DROP TRIGGER holding_guard ON recs_holding"),
    ("triggers_stand", "ALTER TABLE recs_entry DISABLE TRIGGER entry_chain"),
    ("triggers_stand", "ALTER TABLE recs_command ENABLE TRIGGER append_only"),  # session_replication_role would go round it
    ("triggers_stand", "ALTER TABLE recs_historicalaccount DISABLE TRIGGER USER"),
    ("triggers_stand", "CREATE TRIGGER zz BEFORE INSERT ON recs_entry FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"),
    ("constraints_stand", "ALTER TABLE recs_holding DROP CONSTRAINT owned_once"),
    ("constraints_stand", "ALTER TABLE recs_entry DROP CONSTRAINT issued_once"),
    ("constraints_stand", "DROP INDEX command_resolved_once"),
    ("constraints_stand", "ALTER TABLE recs_command ALTER made_by_id DROP NOT NULL, ALTER quantity DROP NOT NULL"),
    (
        "constraints_stand",
        "ALTER TABLE recs_cashaccount DROP CONSTRAINT cash_within_credit_limit,"
        " ADD CONSTRAINT cash_within_credit_limit CHECK (true) NOT VALID",
    ),
    (
        "functions_as_released",
        "CREATE OR REPLACE FUNCTION recs_lock(account bigint, batches bigint[]) RETURNS void LANGUAGE plpgsql AS $$BEGIN END$$",
    ),
    (
        "functions_as_released",
        "CREATE OR REPLACE FUNCTION recs_cashentry_hash(x recs_cashentry) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE RETURN x.hash",
    ),
    ("functions_as_released", "ALTER FUNCTION recs_status(recs_command) SECURITY DEFINER SET search_path = public, pg_temp"),
    ("rights_stand", "GRANT INSERT ON recs_entry TO energyopti_app"),
    ("rights_stand", "GRANT UPDATE (balance_cents) ON recs_cashaccount TO PUBLIC"),
    ("rights_stand", "GRANT EXECUTE ON FUNCTION recs_settle TO PUBLIC"),
    ("rights_stand", "REVOKE EXECUTE ON FUNCTION recs_issue FROM energyopti_app"),
    ("rights_stand", "GRANT EXECUTE ON FUNCTION recs_move TO energyopti_read"),
    ("rights_stand", "ALTER FUNCTION recs_cash RESET search_path"),
    ("rights_stand", "GRANT CREATE ON SCHEMA public TO PUBLIC"),
    ("rights_stand", "GRANT CREATE ON SCHEMA public TO energyopti_app"),
    ("rows_are_guarded", "ALTER TABLE recs_entry DISABLE ROW LEVEL SECURITY"),
    ("rows_are_guarded", "CREATE POLICY more ON recs_command USING (true)"),
    ("rows_are_guarded", "ALTER POLICY mine ON recs_holding USING (true)"),
    ("rows_are_guarded", "DROP POLICY mine ON recs_historicalbatch"),
    ("rows_are_guarded", "DROP POLICY recs_mine ON events_event"),
]


@pytest.mark.parametrize(("rule", "statement"), MISSING, ids=lambda told: told[:60])
def test_a_guard_that_is_missing_is_named(rule: str, statement: str) -> None:
    run("SET CONSTRAINTS ALL IMMEDIATE", statement)
    for since_seal in (False, True):
        told = set(broken(since_seal=since_seal))
        assert told - {"definitions_stand"} == {rule}


def test_a_foreign_key_that_is_missing_is_named() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint WHERE conrelid = 'recs_retirement'::regclass AND contype = 'f'")
        (name,) = cursor.fetchone()
    run("SET CONSTRAINTS ALL IMMEDIATE", f"ALTER TABLE recs_retirement DROP CONSTRAINT {name}")
    assert broken()["constraints_stand"] == ["command_id of recs_retirement refers to nothing: its foreign key is not there, or not valid"]


def test_functions_are_read_from_the_migrations() -> None:
    names = {function["name"] for function in released.functions()}
    with connection.cursor() as cursor:
        cursor.execute("SELECT proname FROM pg_proc WHERE proname LIKE 'recs\\_%%' AND prosqlbody IS NULL")
        assert names == {name for (name,) in cursor.fetchall()}


def test_the_known_hashes_are_those_of_the_program_that_verifies_packs() -> None:
    command = [11, "00000000-0000-0000-0000-000000000012", "0d", "transfer", 14, 15, 16, 17, 1, 18, "approval,registry", 19, 20, 21, 22]
    command += ["nar", 23, "why", "X-1", "2024-05-01", "2024-05-02T03:04:05.000006Z", True, 24, "r1", "k1", "2024-05-01T00:00:00.000000Z"]
    known = [
        verify_pack.entry_hash(bytes(32), 1, 2, 3, 4, 6, 7, 1, 8, 2, 9),
        verify_pack.hash_of(command),
        verify_pack.hash_of([11, "NJ Class I", "NJ", 2025, "I", "Bakery", "Green"]),
        verify_pack.hash_of([31, 11, 32, -33]),
    ]
    told = (SQL / "functions_as_released.sql").read_text(encoding="utf-8")
    assert re.findall(r"'([0-9a-f]{64})'", told) == [one.hex() for one in known]


# --- the command ------------------------------------------------------------------------------------------


@pytest.fixture
def _same_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's own connection does not see what a test has not committed."""
    monkeypatch.setattr(verify_ledger, "proving", connection.cursor)


def verify(*options: str) -> tuple[int, list[str]]:
    said = StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("verify_ledger", *options, stdout=said)
    return int(left.value.code or 0), said.getvalue().splitlines()


def test_the_command_has_a_line_for_each_rule() -> None:
    code, lines = verify()
    assert code == 0
    assert [re.split(r"\s{2,}", line)[:2] for line in lines[:-1]] == [["ok", name] for name in NAMES]
    assert lines[-1] == f"{len(NAMES)} of {len(NAMES)} invariants hold"
    assert re.search(r"^ok +cash_balances +7 cash accounts, 0 violations +Each cash balance is", "\n".join(lines), re.MULTILINE)


@pytest.mark.usefixtures("_same_connection")
def test_the_command_names_the_first_offenders(it: Lived) -> None:
    run(
        "SET CONSTRAINTS ALL IMMEDIATE",
        "ALTER TABLE recs_command DISABLE TRIGGER append_only",
        "UPDATE recs_command SET reason = 'another'",
        "ALTER TABLE recs_command ENABLE ALWAYS TRIGGER append_only",
    )
    code, lines = verify()
    at = next(place for place, line in enumerate(lines) if " command_hashes " in line)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), min(id) FROM recs_command")
        count, first = cursor.fetchone()
    assert code == 1
    assert lines[at].startswith("BROKEN  command_hashes")
    assert f"{count} commands, {count} violations" in lines[at]
    assert lines[at + 1] == f"          issue {first} is not as it was written"
    assert lines[at + 6] == f"          and {count - 5} more"
    assert lines[-1] == f"{len(NAMES) - 1} of {len(NAMES)} invariants hold"


@pytest.mark.usefixtures("_same_connection")
def test_a_digest_kept_outside_is_looked_for(it: Lived) -> None:
    sealed = seal.seal()
    assert sealed is not None
    digest = bytes(sealed.digest).hex()
    code, lines = verify("--since-seal", "--kept", digest)
    assert (code, lines[0]) == (0, f"Since seal {sealed.pk}")
    assert lines[-2].startswith("ok      seals_kept_outside")
    code, lines = verify("--kept", "0" * 64)
    assert (code, lines[-2]) == (1, f"          no seal here has the digest {'0' * 64}")
    assert Seal.objects.count() == 1


def test_a_login_that_row_policies_bind_proves_nothing(
    it: Lived, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would find nothing wrong with the rows that it does not see."""

    @contextmanager
    def proving() -> Iterator[object]:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE energyopti_app")
            cursor.execute("SET LOCAL row_security = off")
            yield cursor

    monkeypatch.setattr(verify_ledger, "proving", proving)
    with pytest.raises(SystemExit) as left:
        call_command("verify_ledger")
    assert left.value.code == 1
    assert "the proof broke off: query would be affected by row-level security policy" in capsys.readouterr().err
