"""/healthz and /readyz: what is there, what is missing, and what to do."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connection, connections
from django.test import Client

from energyopti import db, heartbeat
from energyopti.api import health

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh() -> Any:
    """Redis lives longer than a test, and what health remembers as well."""
    heartbeat._redis.cache_clear()
    health._applied.clear()
    yield
    heartbeat._redis.cache_clear()


@pytest.fixture
def worker() -> Any:
    heartbeat.beat()
    yield
    heartbeat.stop()


def failing(client: Client) -> dict[str, str]:
    answer = client.get("/readyz")
    body = answer.json()
    failed = {name: check["detail"] for name, check in body["checks"].items() if not check["ok"]}
    assert (answer.status_code, body["status"]) == ((503, "not ready") if failed else (200, "ready"))
    return failed


def test_a_process_that_runs_is_up_without_asking_anybody(client: Client, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        answer = client.get("/healthz")
    assert (answer.status_code, answer.json(), answer["Cache-Control"]) == (
        200,
        {"status": "up"},
        "max-age=0, no-cache, no-store, must-revalidate, private",
    )


def test_ready_names_each_check(client: Client, worker: None) -> None:
    body = client.get("/readyz").json()
    assert body == {
        "status": "ready",
        "checks": {name: {"ok": True, "detail": ""} for name in ("web", "database", "migrations", "roles", "redis", "worker")},
    }


def test_without_a_worker_it_says_how_to_start_one(client: Client) -> None:
    heartbeat.stop()
    assert failing(client) == {"worker": "no worker has been heard of; start one: celery -A energyopti worker"}


def test_without_redis(client: Client, settings, worker: None) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    heartbeat._redis.cache_clear()
    assert failing(client) == {"redis": "Redis does not answer; start it, or correct REDIS_URL", "worker": "waits for Redis"}
    settings.REDIS_URL = ""
    assert failing(client)["redis"] == "REDIS_URL is not set; start with make run, or name a Redis server"


def test_a_migration_that_is_not_applied(client: Client, worker: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'events'")
    assert failing(client) == {"migrations": "the tables are older than the code; run manage.py migrate"}


def test_a_missing_role_comes_with_the_words_to_make_it(client: Client, worker: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "READ_ROLE", "nobody_made_it")
    login = connection.settings_dict["USER"]
    assert failing(client) == {
        "roles": "the login may not make or take nobody_made_it; run as a superuser: "
        f'CREATE ROLE nobody_made_it NOLOGIN; GRANT nobody_made_it TO "{login}"; then manage.py firststart, and restart'
    }


def test_a_process_that_acts_as_the_login_is_told_to_restart(client: Client, worker: None, settings) -> None:
    settings.DATABASE_ROLE = db.APP_ROLE
    assert failing(client) == {"roles": "this process does not act as energyopti_app; restart it"}


def test_without_the_database_nothing_of_its_address_is_told(client: Client, worker: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OperationalError('connection to "db.example" failed: password "hunter2"')

    monkeypatch.setattr(connections["default"], "cursor", refuse)
    assert failing(client) == {
        "database": "PostgreSQL does not answer; start it, or correct DATABASE_URL",
        "migrations": "waits for the database",
        "roles": "waits for the database",
    }


def test_it_is_cheap_once_all_is_there(client: Client, worker: None, django_assert_max_num_queries) -> None:
    client.get("/readyz")
    with django_assert_max_num_queries(2):
        client.get("/readyz")
