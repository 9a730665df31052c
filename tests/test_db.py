"""Roles of the database, on the real one."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection, connections, transaction
from django.db.utils import ProgrammingError
from django.test import override_settings

from energyopti import db

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def acting_as(role: str, **options: Any) -> Iterator[Any]:
    """A connection as web and workers have it, beside the test's own, which stays the login's."""
    config = connection.settings_dict
    own = type(connections["default"])({**config, "OPTIONS": {**config["OPTIONS"], **options}}, "default")
    with override_settings(DATABASE_ROLE=role):
        own.connect()
    try:
        yield own
    finally:
        own.close()


@pytest.fixture
def app() -> Iterator[Any]:
    with acting_as(db.APP_ROLE) as own, own.cursor() as cursor:
        yield cursor


@pytest.fixture
def scratch() -> Iterator[str]:
    """A table that the login makes after the roles: default privileges must cover it."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE scratch (id bigserial PRIMARY KEY, note text)")
        yield "scratch"
        cursor.execute("DROP TABLE IF EXISTS scratch")


def test_web_and_workers_act_as_the_applications_role(app: Any) -> None:
    app.execute("SELECT current_user, session_user = %s", [connection.settings_dict["USER"]])
    assert app.fetchone() == (db.APP_ROLE, True)


def test_it_reads_and_writes_rows_of_later_tables_too(app: Any, scratch: str) -> None:
    app.execute("INSERT INTO scratch (note) VALUES ('a') RETURNING id")
    app.execute("UPDATE scratch SET note = 'b'")
    app.execute("SELECT id, note FROM scratch")
    assert app.fetchall() == [(1, "b")]
    app.execute("DELETE FROM scratch")


def test_it_writes_business_tables(app: Any) -> None:
    app.execute("INSERT INTO events_event (topic, sandbox, payload, created_at) VALUES ('t', false, '{}', now()) RETURNING topic")
    assert app.fetchone() == ("t",)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "ALTER TABLE scratch ADD COLUMN more int",
        "DROP TABLE scratch",
        "TRUNCATE scratch",
        "CREATE INDEX ON scratch (note)",
        "ALTER TABLE scratch DISABLE TRIGGER ALL",
        "CREATE ROLE another",
        "DROP SCHEMA public CASCADE",
    ],
)
def test_it_changes_no_tables(app: Any, scratch: str, statement: str) -> None:
    with pytest.raises(ProgrammingError, match=r"must be owner|permission denied"):
        app.execute(statement)


def test_the_reading_role_only_reads(scratch: str) -> None:
    with acting_as(db.READ_ROLE) as own, own.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM scratch")
        assert cursor.fetchone() == (0,)
        with pytest.raises(ProgrammingError, match="permission denied"):
            cursor.execute("INSERT INTO scratch (note) VALUES ('a')")


def test_a_role_that_is_missing_leaves_the_connection_working() -> None:
    with acting_as("nobody_made_it") as own, own.cursor() as cursor:
        cursor.execute("SELECT current_user = session_user")
        assert cursor.fetchone() == (True,)


def test_the_login_connection_may_change_tables_whatever_the_process_acts_as() -> None:
    with override_settings(DATABASE_ROLE=db.APP_ROLE), db.login_connection() as own, own.cursor() as cursor:
        cursor.execute("CREATE TABLE partition_of_tests (id int)")
        cursor.execute("SELECT current_database(), current_user = session_user")
        assert cursor.fetchone() == (connection.settings_dict["NAME"], True)
        cursor.execute("DROP TABLE partition_of_tests")


def test_the_login_connection_is_outside_the_callers_transaction() -> None:
    with transaction.atomic():
        with db.login_connection() as own, own.cursor() as cursor:
            cursor.execute("CREATE TABLE stays (id int)")
        transaction.set_rollback(True)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE stays")


def test_a_pooled_connection_takes_the_role_each_time_it_comes_out() -> None:
    with acting_as(db.APP_ROLE, pool={"min_size": 1, "max_size": 1, "timeout": 5}) as own:
        for role in (db.APP_ROLE, db.READ_ROLE):
            own.close()
            with override_settings(DATABASE_ROLE=role), own.cursor() as cursor:
                cursor.execute("SELECT current_user")
                assert cursor.fetchone() == (role,)
        own.close()
        own.close_pool()


def test_nothing_is_missing_here() -> None:
    assert db.missing_roles() == []


# --- making the roles, in databases of their own ---------------------------------------------------


@pytest.fixture
def cluster() -> Iterator[Callable[..., psycopg.Connection]]:
    """Opens databases of this cluster, and sweeps away what these tests leave in it."""
    opened: list[psycopg.Connection] = []
    options = connection.get_connection_params()

    def connect(database: str) -> psycopg.Connection:
        keep = {name: options[name] for name in ("host", "port", "user", "password") if name in options}
        opened.append(psycopg.connect(dbname=database, autocommit=True, **keep))
        return opened[-1]

    yield connect
    for own in opened:
        own.close()
    with connect("postgres") as own:
        for database in ("race_a", "race_b"):
            own.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        for role in ("race_app", "race_read", "race_login"):
            own.execute(f"DROP ROLE IF EXISTS {role}")


def sql() -> str:
    """The migration's own words, about roles that no other test uses."""
    return db.ROLES_SQL.read_text().replace("energyopti_", "race_")


def test_two_databases_may_make_them_at_the_same_moment(cluster: Callable[..., psycopg.Connection]) -> None:
    root = cluster("postgres")
    root.execute("CREATE ROLE race_login LOGIN CREATEROLE")
    sessions = []
    for database in ("race_a", "race_b"):
        root.execute(f"CREATE DATABASE {database} OWNER race_login")
        for _ in range(4):
            sessions.append(cluster(database))
            sessions[-1].execute("SET SESSION AUTHORIZATION race_login")
    problems: list[Exception] = []
    start = threading.Barrier(len(sessions))

    def make(session: psycopg.Connection) -> None:
        start.wait()
        try:
            for _ in range(3):
                session.execute(sql())
        except psycopg.Error as problem:
            problems.append(problem)

    threads = [threading.Thread(target=make, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    sessions[0].execute("SET ROLE race_app")


def test_a_login_that_may_not_make_roles_is_not_stopped(cluster: Callable[..., psycopg.Connection]) -> None:
    root = cluster("postgres")
    root.execute("CREATE ROLE race_login LOGIN")
    root.execute("CREATE DATABASE race_a OWNER race_login")
    own = cluster("race_a")
    own.execute("SET SESSION AUTHORIZATION race_login")
    own.execute(sql())
    assert own.execute("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'race\\_%' AND NOT rolcanlogin").fetchone() == (0,)


def test_what_readiness_says_to_run_makes_it_whole(cluster: Callable[..., psycopg.Connection]) -> None:
    root = cluster("postgres")
    root.execute("CREATE ROLE race_login LOGIN")
    root.execute("CREATE DATABASE race_a OWNER race_login")
    own = cluster("race_a")
    own.execute("SET SESSION AUTHORIZATION race_login")
    own.execute("CREATE TABLE early (id int)")
    own.execute(sql())
    root.execute(
        'CREATE ROLE race_app NOLOGIN; GRANT race_app TO "race_login"; CREATE ROLE race_read NOLOGIN; GRANT race_read TO "race_login"'
    )
    own.execute(sql())
    own.execute("CREATE TABLE late (id int)")
    own.execute("SET ROLE race_app; INSERT INTO early VALUES (1); INSERT INTO late VALUES (1); RESET ROLE; SET ROLE race_read")
    assert own.execute("SELECT count(*) FROM early, late").fetchone() == (1,)


@pytest.mark.parametrize("owner", [True, False])
def test_nobody_else_puts_tables_where_functions_look_for_theirs(cluster: Callable[..., psycopg.Connection], owner: bool) -> None:
    """As databases of before PostgreSQL 15 are; a login that may not close the schema is not stopped."""
    root = cluster("postgres")
    root.execute("CREATE ROLE race_login LOGIN")
    root.execute("CREATE DATABASE race_a" + (" OWNER race_login" if owner else ""))
    own = cluster("race_a")
    own.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
    own.execute("SET SESSION AUTHORIZATION race_login")
    own.execute(sql())
    allowed = own.execute(
        "SELECT EXISTS (SELECT FROM pg_namespace n, aclexplode(n.nspacl) x"
        " WHERE nspname = 'public' AND x.grantee = 0 AND x.privilege_type = 'CREATE')"
    ).fetchone()
    assert allowed == (not owner,)


def test_the_reverse_takes_all_back(cluster: Callable[..., psycopg.Connection]) -> None:
    root = cluster("postgres")
    root.execute("CREATE DATABASE race_a")
    own = cluster("race_a")
    own.execute("CREATE TABLE early (id int)")
    own.execute(sql())
    own.execute(db.ROLES_SQL.with_suffix(".reverse.sql").read_text().replace("energyopti_", "race_"))
    own.execute("CREATE TABLE late (id int)")
    allowed = own.execute("SELECT has_table_privilege('race_app', t, 'SELECT') FROM unnest(ARRAY['early', 'late']) t").fetchall()
    assert allowed == [(False,), (False,)]


@pytest.mark.parametrize(
    "secret", ["SELECT password FROM organisations_user", "SELECT hash FROM organisations_apikey", "TABLE django_session"]
)
def test_who_reads_for_reports_reads_no_password_key_or_session(secret: str) -> None:
    with acting_as(db.READ_ROLE) as own, own.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM feeds_coverage")
        with pytest.raises(ProgrammingError, match="permission denied"):
            cursor.execute(secret)


def test_a_pool_whose_connections_died_serves_the_next_request() -> None:
    """As after a restart of PostgreSQL: no request has to fail once for each dead connection."""
    config = connection.settings_dict
    options = {**config["OPTIONS"], "pool": {"min_size": 1, "max_size": 2, "timeout": 5}}
    own = type(connections["default"])({**config, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True, "OPTIONS": options}, "default")
    as_web = functools.partial(override_settings, DATABASE_ROLE=db.APP_ROLE)
    try:
        with as_web(), own.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            dead = cursor.fetchone()[0]
        own.close()
        with db.login_connection() as login, login.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [dead])
        with as_web(), own.cursor() as cursor:
            cursor.execute("SELECT current_user")
            assert cursor.fetchone() == (db.APP_ROLE,)
    finally:
        own.close()
        own.close_pool()
