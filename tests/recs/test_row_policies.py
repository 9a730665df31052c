"""What the application's roles see and may do at a database shell: their own rows, and the journal through its functions."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import Error as DatabaseError
from django.db import connection, transaction

from energyopti.db import APP_ROLE, READ_ROLE
from energyopti.events.services import publish
from recs import ledger
from recs.errors import Unknown, refusal
from tests.recs.attacks.sending import send
from tests.recs.attacks.stage import Stage, sql
from tests.recs.test_attacks import told

pytestmark = pytest.mark.django_db

MINE = "organisation_id = ANY (%(scope)s)"
ACCOUNTS = f"SELECT id FROM recs_account WHERE {MINE}"
BATCHES = f"SELECT id FROM recs_batch WHERE {MINE} UNION SELECT batch_id FROM recs_entry WHERE to_account_id IN ({ACCOUNTS})"
MADE = f"SELECT id FROM recs_generator WHERE {MINE} UNION SELECT generator_id FROM recs_batch WHERE id IN ({BATCHES})"
KEPT = f"generator_id IN (SELECT id FROM recs_generator WHERE {MINE})"
UNAPPROVED = (
    "SELECT id FROM recs_command r WHERE awaiting[1] = 'approval'"
    " AND NOT EXISTS (SELECT FROM recs_command WHERE root_id = r.id AND kind = 'approve')"
)
COMMANDS = (
    f"SELECT id FROM recs_command WHERE {MINE} OR (counterparty_id = ANY (%(scope)s) AND coalesce(root_id, id) NOT IN ({UNAPPROVED}))"
)
# Which rows are an organisation's, said a second time and without the policies
VISIBLE = {
    "recs_account": f"{MINE} OR organisation_id IS NULL",
    "recs_policy": MINE,
    "recs_generator": f"id IN ({MADE})",
    "recs_registration": f"generator_id IN ({MADE})",
    "recs_eligibility": f"generator_id IN ({MADE})",
    "recs_generationread": KEPT,
    "recs_batch": f"id IN ({BATCHES})",
    "recs_command": f"id IN ({COMMANDS})",
    "recs_entry": f"to_account_id IN ({ACCOUNTS}) OR from_account_id IN ({ACCOUNTS})",
    "recs_holding": f"account_id IN ({ACCOUNTS})",
    "recs_retirement": f"command_id IN ({COMMANDS})",
    "recs_cashaccount": MINE,
    "recs_cashentry": f"account_id IN (SELECT id FROM recs_cashaccount WHERE {MINE})",
    "events_event": f"topic NOT LIKE 'recs.%%%%' OR (payload ->> 'command')::bigint IN ({COMMANDS})",
    **{f"recs_historical{name}": MINE for name in ("account", "policy", "generator", "batch")},
    **{f"recs_historical{name}": KEPT for name in ("registration", "eligibility", "generationread")},
}
JOURNAL = ("recs_command", "recs_entry", "recs_holding", "recs_retirement", "recs_cashaccount", "recs_cashentry", "recs_seal")
WRITES = {"recs_issue", "recs_move", "recs_bulk", "recs_resolve", "recs_expire", "recs_reverse", "recs_cash", "recs_seal"}


@contextmanager
def acting(role: str, *organisations: Any) -> Iterator[None]:
    """As the role, seeing what those organisations own."""
    scope = "{" + ",".join(str(one.organisation.pk) for one in organisations) + "}" if organisations else ""
    with transaction.atomic():
        sql(f"SET LOCAL ROLE {role}")
        sql("SELECT set_config('app.organisation', %s, true)", scope)
        yield
        sql("SET CONSTRAINTS ALL IMMEDIATE")
        sql("SET CONSTRAINTS ALL DEFERRED")
        sql("RESET ROLE")
        sql("SELECT set_config('app.organisation', '', true)")


def refused(role: str, statement: str, *values: Any, seeing: tuple[Any, ...] = ()) -> str:
    """The SQLSTATE with which a statement is refused."""
    with pytest.raises(DatabaseError) as problem, acting(role, *seeing):
        sql(statement, *values)
    return str(problem.value.__cause__.sqlstate)


def rows(table: str, condition: str = "true", **values: Any) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT md5(t::text) FROM {table} t WHERE {condition}", values)
        return {row for (row,) in cursor.fetchall()}


def asked_of_west(at: Stage) -> dict[str, int]:
    """Offers of `east` that its second person did not look at yet, rejected, and approved."""
    sql("UPDATE recs_policy SET four_eyes = '{transfer}' WHERE organisation_id = %s", at.east.organisation.pk)
    publish(topic="feeds.window.stored", payload={})
    offers = {how: send(at, to_account=at.west.main.pk, quantity=1) for how in ("waits", "rejected", "approved")}
    ledger.reject(key=uuid.uuid4(), by=at.east.officer, command=offers["rejected"], reason="too cheap")
    ledger.approve(key=uuid.uuid4(), by=at.east.officer, command=offers["approved"], reason="they need it")
    return offers


@pytest.mark.parametrize("role", [APP_ROLE, READ_ROLE])
@pytest.mark.parametrize("table", VISIBLE)
def test_each_sees_what_is_theirs(role: str, table: str, at: Stage) -> None:
    asked_of_west(at)
    for organisations in ((), (at.east,), (at.west,), (at.toy,), (at.west, at.toy)):
        scope = [one.organisation.pk for one in organisations]
        expected = rows(table, VISIBLE[table], scope=scope)
        with acting(role, *organisations):
            assert rows(table) == expected, scope


def test_an_offer_is_shown_to_the_other_side_when_it_is_approved(at: Stage) -> None:
    offers = asked_of_west(at)
    roots, named = "id = ANY (%(ids)s)", "(payload ->> 'root')::bigint = ANY (%(ids)s)"
    steps = "root_id = ANY (%(ids)s)"
    for role in (APP_ROLE, READ_ROLE):
        with acting(role, at.west):
            for hidden in ([offers["waits"]], [offers["rejected"]]):
                assert rows("recs_command", f"{roots} OR {steps}", ids=hidden) == set()
                assert rows("events_event", named, ids=hidden) == set()
                assert rows("recs_my_pieces(%(ids)s)", ids=hidden) == set()
                assert rows("recs_my_open_roots()", "root = ANY (%(ids)s)", ids=hidden) == set()
            shown = [offers["approved"]]
            assert len(rows("recs_command", f"{roots} OR {steps}", ids=shown)) == 2
            assert len(rows("events_event", named, ids=shown)) == 2
            assert len(rows("recs_my_pieces(%(ids)s)", ids=shown)) == 1
            assert len(rows("recs_my_open_roots()", "root = ANY (%(ids)s)", ids=shown)) == 1


def test_the_outbox_of_the_ledger_is_filled_by_its_functions_alone(at: Stage) -> None:
    new = "INSERT INTO events_event (topic, sandbox, payload, created_at) VALUES (%s, false, %s, now())"
    told_of = json.dumps({"command": at.done["away"]})
    assert refused(APP_ROLE, new, "recs.command.transfer", told_of, seeing=(at.east,)) == FORBIDDEN
    with acting(APP_ROLE, at.east):
        sql(new, "feeds.window.stored", "{}")


def test_it_is_the_policy_that_hides(at: Stage) -> None:
    """The mutation to the test above."""
    for table in VISIBLE:
        sql(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    with acting(APP_ROLE):
        assert all(rows(table) for table in VISIBLE)


@pytest.mark.parametrize("junk", ["{}", "{NULL}", "{-1}", "nothing", "{1", "{9999999999999999999}", "' OR true --", "{{-1},{-2}}"])
@pytest.mark.parametrize("role", [APP_ROLE, READ_ROLE])
def test_junk_in_the_scope_shows_nothing(role: str, junk: str, at: Stage) -> None:
    seen: set[str] = set()
    with pytest.raises(DatabaseError) if "{" not in junk or "9" in junk or junk == "{1" else acting(role), acting(role):
        sql("SELECT set_config('app.organisation', %s, true)", junk)
        seen = rows("recs_holding") | rows("recs_command") | rows("recs_batch")
    assert seen == set()


def test_the_roles_may_call_what_is_meant_for_them_and_nothing_else(at: Stage) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.proname, r.rolname FROM pg_proc p CROSS JOIN pg_roles r WHERE p.proname LIKE 'recs\\_%%' AND r.rolname = ANY (%s)"
            " AND has_function_privilege(r.oid, p.oid, 'EXECUTE')",
            [[APP_ROLE, READ_ROLE]],
        )
        may = set(cursor.fetchall())
        cursor.execute("SELECT proname FROM pg_proc WHERE proname LIKE 'recs\\_%' AND coalesce(proacl::text, '{=X/x}') ~ '[{,]=X'")
        public = set(cursor.fetchall())
    reads = {name for name, role in may if role == READ_ROLE}
    assert all(name.startswith(("recs_my_", "recs_scope", "recs_status", "recs_hash_before")) for name in reads)
    assert {name for name, role in may if role == APP_ROLE} == WRITES | reads
    assert public == set()


# --- writing --------------------------------------------------------------------------------------------------

FORBIDDEN, SHADOWED = "42501", "23"


@pytest.mark.parametrize("role", [APP_ROLE, READ_ROLE])
@pytest.mark.parametrize("table", JOURNAL)
def test_nobody_writes_the_journal_but_its_functions(role: str, table: str, at: Stage) -> None:
    column = "command_id" if table == "recs_retirement" else "id"
    for statement in (
        f"INSERT INTO {table} DEFAULT VALUES",
        f"UPDATE {table} SET {column} = {column}",
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
        f"COPY {table} FROM PROGRAM 'true'",
        f"ALTER TABLE {table} DISABLE TRIGGER ALL",
        f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} OWNER TO {role}",
        f"DROP TABLE {table} CASCADE",
        f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
        f"CREATE TRIGGER mine BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        f"CREATE RULE mine AS ON INSERT TO {table} DO INSTEAD NOTHING",
        f"CREATE POLICY all_of_it ON {table} USING (true)",
    ):
        assert refused(role, statement, seeing=(at.east,)) == FORBIDDEN, statement


@pytest.mark.parametrize(
    "statement",
    [
        "SET session_replication_role = replica",
        "CREATE TABLE public.recs_mine (id int)",
        "CREATE OR REPLACE FUNCTION recs_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
        "ALTER FUNCTION recs_append_only() RENAME TO recs_harmless",
        "SELECT recs_piece(1, h, serials, 1, 1::smallint) FROM recs_holding h",
        "SELECT setval('recs_command_id_seq', 1)",
        "SELECT setval('recs_entry_id_seq', 9000000000000000000)",
        "SELECT nextval('recs_cashentry_id_seq')",
        "TRUNCATE recs_batch CASCADE",
        "TRUNCATE recs_account CASCADE",
        "TRUNCATE organisations_organisation CASCADE",
        "TRUNCATE recs_historicalbatch",
        "DROP TRIGGER account_guard ON recs_account",
        "ALTER TABLE recs_batch DROP CONSTRAINT batch_serials_once",
    ],
)
def test_the_application_changes_no_rule(statement: str, at: Stage) -> None:
    assert refused(APP_ROLE, statement, seeing=(at.east,)) in (FORBIDDEN, "42809")


def test_rows_of_others_are_neither_written_nor_changed(at: Stage) -> None:
    new = (
        "INSERT INTO recs_account (organisation_id, kind, name, registry_account, sandbox, opened_at)"
        " VALUES (%s, 'active', 'x', '', false, now())"
    )
    assert refused(APP_ROLE, new, at.west.organisation.pk, seeing=(at.east,)) == FORBIDDEN
    assert refused(APP_ROLE, new, at.west.organisation.pk) == FORBIDDEN
    world = (
        "INSERT INTO recs_account (kind, name, registry_id, registry_account, sandbox, opened_at)"
        " VALUES ('world', 'x', 'nar', '', false, now())"
    )
    assert refused(APP_ROLE, world, seeing=(at.east,)) == FORBIDDEN
    with acting(APP_ROLE, at.west), connection.cursor() as cursor:
        for statement in ("UPDATE recs_account SET name = 'x'", "UPDATE recs_batch SET registry_text = 'x'", "DELETE FROM recs_generator"):
            cursor.execute(f"{statement} WHERE organisation_id IS DISTINCT FROM %s", [at.west.organisation.pk])
            assert cursor.rowcount == 0
    with acting(APP_ROLE, at.east):
        assert sql(f"{new} RETURNING id", at.east.organisation.pk)
        sql("UPDATE recs_account SET name = 'mine' WHERE id = %s", at.main.pk)
    for statement in (
        "INSERT INTO recs_registry VALUES ('x', 'x', '', '', NULL, '')",
        "DELETE FROM recs_account",
        "UPDATE recs_batch SET registry_text = ''",
    ):
        assert refused(READ_ROLE, statement, seeing=(at.east,)) == FORBIDDEN


def test_the_guards_of_records_hold_for_the_application(at: Stage) -> None:
    """Its policies would hide from it what they look at, were they not the owner's."""

    def rule(statement: str, *values: Any, seeing: tuple[Any, ...]) -> str:
        with pytest.raises(DatabaseError) as problem, acting(APP_ROLE, *seeing):
            sql(statement, *values)
        return told(problem.value)

    flip = "UPDATE organisations_organisation SET sandbox = NOT sandbox WHERE id = %s"
    assert rule(flip, at.east.organisation.pk, seeing=()) == "organisation_stays_in_its_world"
    close = "UPDATE recs_account SET closed_at = now() + interval '1 day' WHERE id = %s"
    assert rule(close, at.main.pk, seeing=(at.east,)) == "account_closed_when_empty"
    assert rule("DELETE FROM recs_batch WHERE id = %s", at.b.pk, seeing=(at.east,)) == "batch_stays_what_it_is"
    assert rule(
        "UPDATE recs_account SET organisation_id = %s WHERE id = %s", at.west.organisation.pk, at.main.pk, seeing=(at.east, at.west)
    ) == ("account_stays_what_it_is")
    imported = (
        "INSERT INTO recs_batch (organisation_id, registry_id, serial_base, serials, registry_text, generator_id, fuel, state, vintage,"
        " sandbox, export_id, created_at) SELECT organisation_id, 'nar', 'imported', int8range(1, %s), '', generator_id, fuel, state,"
        " vintage, sandbox, %s, now() FROM recs_batch WHERE id = %s"
    )
    assert rule(imported, 12, at.done["exported"], at.b.pk, seeing=(at.east,)) == "batch_within_export"
    with acting(APP_ROLE, at.east):
        sql(imported, 11, at.done["exported"], at.b.pk)


# --- temporary tables of the same names, which a session's search path finds first --------------------------------------

SHADOWS = (
    "CREATE TEMP TABLE recs_entry (batch_id bigint)",
    "CREATE TEMP TABLE recs_holding (account_id bigint, bucket smallint)",
    "CREATE TEMP TABLE recs_account (organisation_id bigint)",
    "CREATE TEMP TABLE recs_generator (organisation_id bigint)",
    "CREATE TEMP TABLE recs_batch (organisation_id bigint)",
)
SHADOWED_ATTACKS: dict[str, tuple[str, Callable[[Stage], tuple[str, Any]]]] = {
    "recs_batch_stays": ("batch_stays_what_it_is", lambda w: ("DELETE FROM public.recs_batch WHERE id = %s", w.b.pk)),
    "recs_account_guard": (
        "account_closed_when_empty",
        lambda w: ("UPDATE public.recs_account SET closed_at = now() + interval '1 day' WHERE id = %s", w.main.pk),
    ),
    "recs_organisation_guard": (
        "organisation_stays_in_its_world",
        lambda w: ("UPDATE organisations_organisation SET sandbox = true WHERE id = %s", w.east.organisation.pk),
    ),
}


@pytest.mark.parametrize("function", SHADOWED_ATTACKS)
def test_temporary_tables_fool_no_guard(function: str, at: Stage) -> None:
    rule, act = SHADOWED_ATTACKS[function]

    def attempt() -> None:
        with acting(APP_ROLE, at.east):
            for statement in SHADOWS:
                sql(statement)
            statement, value = act(at)
            sql(statement, value)

    with pytest.raises(DatabaseError) as problem:
        attempt()
    assert told(problem.value) == rule
    sql(f"ALTER FUNCTION {function}() RESET search_path")  # the mutation
    sql("ALTER TABLE recs_batch DISABLE TRIGGER deletion_remembered")  # which would refuse one of them as well
    attempt()


def test_temporary_tables_fool_no_command(at: Stage) -> None:
    asked = "SELECT recs_move(%s, %s, 'transfer', %s, %s, %s, NULL, NULL, NULL, NULL, NULL, '{}')"
    with acting(APP_ROLE, at.east):
        for statement in SHADOWS:
            sql(statement)
        assert sql(asked, uuid.uuid4(), at.east.trader.pk, at.main.pk, at.other.pk, 10)
    with pytest.raises(DatabaseError) as problem, acting(APP_ROLE, at.east):
        sql(asked, uuid.uuid4(), at.east.trader.pk, at.main.pk, at.other.pk, 1000)
    assert told(problem.value) == "overdrawn"


# --- the functions, called by hand ------------------------------------------------------------------------------------

CONTEXT = json.dumps({"reason": "by hand"})


def calls(w: Stage) -> dict[str, tuple[Any, ...]]:
    """Each function with arguments that it takes; the key comes first."""
    trader, east, west = w.east.trader.pk, w.east.organisation.pk, w.west.organisation.pk
    ranges = json.dumps([{"batch_id": w.b.pk, "serial_start": 500, "serial_end": 509}])
    purpose = json.dumps({"beneficiary": "Somebody", "reason": "Because", "programme": "", "compliance_year": 2024})
    return {
        "recs_issue": (trader, "issue", w.b.pk, w.main.pk, 1001, 1010, CONTEXT),
        "recs_move": (w.east.officer.pk, "retire", w.main.pk, w.main.pk, 10, ranges, "{}", None, purpose, None, CONTEXT),
        "recs_move by criteria": (trader, "transfer", w.main.pk, w.other.pk, 10, None, '{"fuel_type": "wind"}', None, None, None, CONTEXT),
        "recs_move abroad": (trader, "export", w.main.pk, None, 10, ranges, None, None, None, "nar", CONTEXT),
        "recs_resolve": (w.west.trader.pk, "accept", w.done["offered"], "", None, CONTEXT),
        "recs_reverse": (trader, w.done["short"], CONTEXT),
        "recs_cash": (trader, "credit", east, west, None, 5_000_000, CONTEXT),
    }


NAMES = ("recs_issue", "recs_move", "recs_move by criteria", "recs_move abroad", "recs_resolve", "recs_reverse", "recs_cash")


def call(name: str, *arguments: Any) -> Any:
    return sql(f"SELECT {name.split()[0]}({', '.join(['%s'] * len(arguments))})", *arguments)


@pytest.mark.parametrize("name", NAMES)
def test_whatever_is_missing_is_refused_by_a_rule_or_not_needed(name: str, at: Stage) -> None:
    whole = (uuid.uuid4(), *calls(at)[name])
    for position in range(len(whole)):
        arguments = [None if place == position else value for place, value in enumerate(whole)]
        before, problem = transaction.savepoint(), None
        try:
            with acting(APP_ROLE, at.east):
                assert call(name, *arguments)
        except DatabaseError as refused_with:
            problem = refused_with
        transaction.savepoint_rollback(before)
        assert problem is None or refusal(problem) is not None, (position, problem)


@pytest.mark.parametrize("name", NAMES)
def test_each_function_asks_who_it_is(name: str, at: Stage) -> None:
    """A stranger, a viewer, somebody of another organisation, and somebody who has left; the last word is a member's."""
    whole = [uuid.uuid4(), *calls(at)[name]]
    mine = at.west if name == "recs_resolve" else at.east
    gone = mine.administrator
    gone.is_active = False
    gone.save()
    for stranger in (at.toy.administrator, (at.east if mine is at.west else at.west).administrator, gone):
        with pytest.raises(DatabaseError) as problem, acting(APP_ROLE):
            call(name, whole[0], stranger.pk, *whole[2:])
        assert isinstance(refusal(problem.value), Unknown)
    with pytest.raises(DatabaseError) as problem, acting(APP_ROLE):
        call(name, whole[0], mine.people["viewer"].pk, *whole[2:])
    assert told(problem.value) == "role-too-small"
    with acting(APP_ROLE):
        assert call(name, *whole)


@pytest.mark.parametrize("name", sorted(WRITES))
def test_the_reading_role_writes_by_no_function(name: str, at: Stage) -> None:
    arguments = {"recs_expire": (1,), "recs_seal": (), "recs_bulk": (1, "[]")}.get(name)
    whole = (uuid.uuid4(), *calls(at)[name]) if arguments is None else arguments
    assert refused(READ_ROLE, f"SELECT {name}({', '.join(['%s'] * len(whole))})", *whole, seeing=(at.east,)) == FORBIDDEN
