"""/metrics: requests by route, how feeds stand, and nothing that should not be told."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from energyopti import heartbeat, metrics
from energyopti.events import services as events
from energyopti.feeds.models import Coverage, Quarantine, SyncRun
from energyopti.organisations.models import User

pytestmark = pytest.mark.django_db
FEED = "pjm.rt_hrl_lmps"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(client: Client) -> Samples:
    answer = client.get("/metrics")
    assert (answer.status_code, answer["Content-Type"].split(";")[0]) == (200, "text/plain")
    families = text_string_to_metric_families(answer.content.decode())
    return {(sample.name, frozenset(sample.labels.items())): sample.value for family in families for sample in family.samples}


def value(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((name, frozenset(labels.items())))


def test_a_request_is_counted_by_route_method_and_status(client: Client) -> None:
    user = User.objects.create_superuser("root")
    client.force_login(user)
    before = scrape(client)
    for _ in range(2):
        client.get(f"/admin/organisations/user/{user.pk}/change/")
    after = scrape(client)
    labels = {"method": "GET", "route": "admin/organisations/user/<path:object_id>/change/", "status": "200"}
    assert value(after, "energyopti_http_requests_total", **labels) == (value(before, "energyopti_http_requests_total", **labels) or 0) + 2
    timed = {name: label for name, label in labels.items() if name != "status"}
    assert value(after, "energyopti_http_request_seconds_count", **timed) >= 2


def test_what_strangers_make_up_adds_no_labels(client: Client) -> None:
    for number in range(20):
        client.get(f"/nothing/{number}")
        client.generic(f"MADEUP{number}", "/")
    routes = {dict(labels).get("route") for name, labels in scrape(client) if name == "energyopti_http_requests_total"}
    methods = {dict(labels).get("method") for name, labels in scrape(client) if name == "energyopti_http_requests_total"}
    assert not [route for route in routes if route and re.search(r"nothing|/\d", route)]
    assert methods <= metrics.METHODS | {"other"}


@pytest.fixture
def standing() -> SyncRun:
    now = timezone.now()
    run = SyncRun.objects.create(feed=FEED, sandbox=False, trigger="person", source="x", status="incomplete", finished_at=now)
    SyncRun.objects.filter(pk=run.pk).update(started_at=now - timedelta(hours=1))
    for hour, status in enumerate(["complete", "incomplete", "failed"]):
        start = now - timedelta(hours=10 - hour)
        due = None if status == "complete" else now - timedelta(minutes=1)
        Coverage.objects.create(
            feed=FEED, sandbox=False, node_set="followed", window_start=start, window_end=start + timedelta(hours=1), status=status,
            expected=1, stored=int(status == "complete"), checked_at=now, changed_at=now, next_attempt_at=due,
        )  # fmt: skip
    for row in range(4):
        Quarantine.objects.create(run=run, feed=FEED, sandbox=False, row=row, raw="secret row", code="x", reason="y", digest=str(row))
    return run


def test_feeds_are_told_as_they_stand(client: Client, standing: SyncRun) -> None:
    samples = scrape(client)
    labels = {"feed": FEED, "sandbox": "false"}
    names = ("windows_complete", "windows", "gaps_due", "rows_quarantined")
    assert [value(samples, f"energyopti_feed_{name}", **labels) for name in names] == [1, 3, 2, 4]
    assert value(samples, "energyopti_feed_last_run_age_seconds", **labels) == pytest.approx(3600, abs=60)
    told = {status: value(samples, "energyopti_feed_last_run_status", **labels, status=status) for status in SyncRun.Status.values}
    assert told == {"running": 0, "complete": 0, "incomplete": 1, "failed": 0}


def test_asking_takes_the_same_few_queries(client: Client, standing: SyncRun, django_assert_num_queries) -> None:
    with django_assert_num_queries(11):  # the overview's two, last runs, gaps, quarantine, the outbox in all scopes: no session, no user
        client.get("/metrics")


def test_workers_and_the_outbox(client: Client) -> None:
    heartbeat.stop()
    assert value(scrape(client), "energyopti_worker_up") == 0
    heartbeat.beat()
    event = events.publish(topic="test", payload={"secret": "payload"})
    samples = scrape(client)
    heartbeat.stop()
    assert [value(samples, f"energyopti_{name}") for name in ("worker_up", "redis_up", "database_up")] == [1, 1, 1]
    assert 0 <= (value(samples, "energyopti_worker_heartbeat_age_seconds") or 0) < 5
    assert value(samples, "energyopti_outbox_last_event_id") == event.pk


def test_what_runs_is_told(client: Client) -> None:
    (labels,) = [dict(labels) for name, labels in scrape(client) if name == "energyopti_build_info"]
    assert sorted(labels) == ["api", "django", "python"]


def test_without_the_database_the_webs_own_figures_remain(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> object:
        raise OperationalError("postgresql://user:hunter2@host is away")

    monkeypatch.setattr(metrics, "feed_overview", away)
    answer = client.get("/metrics")
    assert b"hunter2" not in answer.content
    assert b"energyopti_database_up 0.0" in answer.content
    assert b"energyopti_http_requests_total" in answer.content


def test_without_redis_the_rest_remains(client: Client, settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9"
    heartbeat._redis.cache_clear()
    try:
        samples = scrape(client)
    finally:
        heartbeat._redis.cache_clear()
    assert [value(samples, f"energyopti_{name}") for name in ("redis_up", "worker_up", "database_up")] == [0, 0, 1]


def test_no_person_organisation_or_row_is_named(client: Client, standing: SyncRun) -> None:
    User.objects.create_user("somebody", email="somebody@example.com")
    page = client.get("/metrics").content.decode()
    assert not re.search(r"somebody|secret row", page)


def test_it_is_only_read(client: Client) -> None:
    assert client.post("/metrics").status_code == 405
