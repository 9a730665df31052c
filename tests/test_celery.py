"""A real worker: it works as the application's role, its lines name their task, and readiness hears of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import structlog
from celery import signals
from django.conf import settings
from django.db import connection
from django.test import Client

from energyopti import heartbeat
from energyopti.celery import REQUEST_ID, app
from energyopti.feeds.tasks import requeue_gaps

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 30


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "worker.log"


@pytest.fixture
def worker(log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One worker on the test database."""
    parameters = connection.get_connection_params()
    place = "&".join(f"{name}={parameters[name]}" for name in ("host", "port") if name in parameters)
    login = f"{parameters['user']}:{parameters.get('password', '')}" if parameters.get("password") else parameters["user"]
    url = f"postgresql://{login}@/{parameters['dbname']}?{place}"
    heartbeat.stop()
    app.control.purge()  # what earlier tests sent and no worker took
    with log.open("wb") as out:
        command = [sys.executable, "-m", "celery", "-A", "energyopti", "worker", "--pool", "solo", "--without-mingle", "--without-gossip"]
        process = subprocess.Popen(command, env={**os.environ, "DATABASE_URL": url}, stdout=out, stderr=out, start_new_session=True)
    yield process
    if process.poll() is None:
        process.kill()
        process.wait()
    heartbeat.stop()


def until(condition: Any, what: str, log: Path) -> None:
    for _ in range(PATIENCE * 10):
        if condition():
            return
        time.sleep(0.1)
    pytest.fail(f"{what} within {PATIENCE} s; the worker said:\n{log.read_text()[-3000:]}")


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def test_a_worker_lives_works_and_ends(worker: subprocess.Popen[bytes], log: Path, client: Client) -> None:
    until(lambda: client.get("/readyz").status_code == 200, "readiness heard of no worker", log)

    sent = requeue_gaps.delay()
    until(lambda: any("succeeded" in line["event"] for line in lines(log)), "the task did not end", log)
    assert {line["task_id"] for line in lines(log) if line.get("task") == "energyopti.feeds.tasks.requeue_gaps"} == {sent.id}

    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE) == 0
    assert client.get("/readyz").json()["checks"]["worker"]["ok"] is False


def test_a_task_is_told_which_request_it_is_for(worker: subprocess.Popen[bytes], log: Path) -> None:
    """From the request over the message to the worker's lines; a task that nobody asked for has none."""
    with structlog.contextvars.bound_contextvars(request_id="req-of-a-person"):
        asked = requeue_gaps.delay()
    until(lambda: any("succeeded" in line["event"] for line in lines(log)), "the task did not end", log)
    by_beat = requeue_gaps.delay()
    until(lambda: sum("succeeded" in line["event"] for line in lines(log)) == 2, "the task did not end", log)
    told = {line["task_id"]: line.get("request_id") for line in lines(log) if "succeeded" in line["event"]}
    assert told == {asked.id: "req-of-a-person", by_beat.id: None}


def test_what_a_task_sends_on_is_for_the_same_request() -> None:
    headers: dict[str, Any] = {}
    with structlog.contextvars.bound_contextvars(request_id="req-1", task_id="task-1"):
        signals.before_task_publish.send(sender="any", headers=headers)
    assert headers == {REQUEST_ID: "req-1"}


def test_work_is_acknowledged_when_it_is_done_and_taken_one_by_one() -> None:
    wanted = {"task_acks_late": True, "worker_prefetch_multiplier": 1, "task_ignore_result": True, "task_reject_on_worker_lost": True}
    assert {name: app.conf[name] for name in wanted} == wanted


def test_a_worker_that_fell_silent_is_forgotten() -> None:
    heartbeat.beat()
    left = redis.Redis.from_url(settings.REDIS_URL).ttl(heartbeat.KEY)
    heartbeat.stop()
    assert 3 * heartbeat.EVERY_SECONDS <= left <= heartbeat.LIVES_SECONDS


def test_a_pause_of_redis_does_not_end_the_worker(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9"
    heartbeat._redis.cache_clear()
    heartbeat.beat()
    heartbeat._redis.cache_clear()
