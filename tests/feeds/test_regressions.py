"""Holes that a review found, each with the way it was proven."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import requests
import urllib3.util.retry
from django.db import connection, connections
from django.utils import timezone

from energyopti.errors import InvalidInput, NotConfigured
from energyopti.feeds import queries, registry, tasks, windows
from energyopti.feeds.imports import import_file, replay
from energyopti.feeds.locks import held_windows
from energyopti.feeds.models import Coverage, Payload, SyncRun
from energyopti.feeds.runner import sync
from energyopti.sandbox.server import Sandbox, make_model, serve
from markets.services import follow
from tests.feeds import scripted
from tests.feeds.sandboxed import FEED, NOW, days, pull, stored

pytestmark = pytest.mark.django_db(transaction=True)

DAY = date(2026, 6, 10)


def stop_clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr(timezone, "now", lambda: now)


def reopened(run_id: int) -> None:
    """As a process leaves a run that dies."""
    SyncRun.objects.filter(pk=run_id).update(status="running", finished_at=None)


@contextmanager
def pjm_is(settings, *script: scripted.Script, retries: int = 0) -> Iterator[scripted.Scripted]:
    """A server of our own in PJM's place, with a key."""
    with scripted.serving(*script) as server:
        settings.SANDBOX, settings.PJM_API_KEY, settings.PJM_BASE_URL = "off", "SECRETKEY", server.url
        settings.PJM_RATE_LIMIT_DELAY, settings.PJM_CACHE_DURATION, settings.PJM_MAX_RETRIES = 0, 0, retries
        yield server


# --- the upstream's strange answers -----------------------------------------------------------------


def test_the_key_does_not_follow_a_redirect(settings, archive_folder: Path) -> None:
    with scripted.serving(scripted.answer(b"{}")) as elsewhere, pjm_is(settings, scripted.answer(b"", status=302, Location=elsewhere.url)):
        summary = pull(days(DAY))
        assert (summary.exit_code, elsewhere.seen) == (1, [])
    assert "another address" in summary.error


def test_a_key_of_two_lines_is_refused_without_being_told(settings) -> None:
    settings.SANDBOX, settings.PJM_API_KEY = "off", "first\nsecond"
    with pytest.raises(NotConfigured, match="more than one line") as refusal:
        registry.upstream("pjm").endpoint()
    assert "second" not in str(refusal.value)


@pytest.mark.parametrize("total", [-1, 3_000_000_000])
def test_a_total_beyond_reason_is_a_gap_not_a_crash(settings, archive_folder: Path, total: int) -> None:
    with pjm_is(settings, scripted.answer(json.dumps({"items": [], "totalRows": total}).encode())):
        assert pull(days(DAY)).exit_code == 1
    assert Coverage.objects.get().status == "failed"
    assert SyncRun.objects.get().status == "failed"


def test_retry_after_is_obeyed_within_reason(settings, archive_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(urllib3.util.retry.time, "sleep", slept.append)
    with pjm_is(settings, scripted.answer(b"", status=429, Retry_After="86400"), retries=3):
        pull(days(DAY))
    assert slept == [120, 120, 120]


def test_without_redis_a_paced_pull_is_a_gap_with_the_reason(upstream: Sandbox, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    import redis

    from energyopti.feeds import limits

    monkeypatch.setattr(limits, "_redis", lambda: redis.Redis(unix_socket_path="/nowhere/redis.sock"))
    settings.PJM_RATE_LIMIT_DELAY = 0.1
    assert pull(days(DAY)).exit_code == 1
    assert "Redis does not answer" in Coverage.objects.get().reason


def test_a_file_with_a_nul_is_refused(archive_folder: Path, tmp_path: Path) -> None:
    names = registry.feed(FEED).row.__struct_encode_fields__
    rows = [names, *([["ab"] * len(names)] * 300), ["a\x00b"] * len(names)]
    path = tmp_path / "export.csv"
    path.write_text("\n".join(",".join(row) for row in rows) + "\n", encoding="utf-8")
    assert import_file(registry.feed(FEED), path).exit_code == 1
    assert SyncRun.objects.get().status == "failed"


def test_no_node_is_not_every_node(upstream: Sandbox) -> None:
    with pytest.raises(InvalidInput, match="no node is named"):
        pull(days(DAY), nodes=[])


# --- runs that died ---------------------------------------------------------------------------------


def test_pages_that_lay_too_long_are_asked_for_again(upstream: Sandbox) -> None:
    """Else a run that died yesterday would store yesterday's answer over today's restatement."""
    first = pull(days(DAY))
    Coverage.objects.all().delete()
    reopened(first.run_id)
    Payload.objects.update(fetched_at=timezone.now() - timedelta(hours=2))
    again = pull(days(DAY))
    assert (again.run_id, again.exit_code) == (first.run_id, 0)
    assert list(Payload.objects.order_by("id").values_list("attempt", flat=True)) == [1, 2]


def test_a_run_goes_on_though_the_sandbox_has_another_port(upstream: Sandbox, settings) -> None:
    first = pull(days(DAY))
    reopened(first.run_id)
    with serve(model=make_model(seed=7, nodes=70), clock=lambda: NOW) as restarted:
        settings.SANDBOX_URL = restarted.url
        assert pull(days(DAY)).run_id == first.run_id


def test_a_resumed_run_counts_each_window_once(upstream: Sandbox) -> None:
    span = days(DAY, date(2026, 6, 11))
    first = pull(span)
    reopened(first.run_id)
    pull(days(DAY))  # another run took one of its windows meanwhile
    again = pull(span)
    assert (again.run_id, again.exit_code, again.complete, again.windows) == (first.run_id, 0, 2, 2)


def test_a_resumed_import_counts_each_row_once(archive_folder: Path, tmp_path: Path, upstream: Sandbox) -> None:
    asked = {"datetime_beginning_utc": "2026-06-10T04:00to2026-06-12T03:00", "row_is_current": "all", "startRow": "1", "rowCount": "50000"}
    path = tmp_path / "answer.json"
    path.write_bytes(requests.get(f"{upstream.url}/api/v1/rt_hrl_lmps", params=asked, timeout=60).content)
    first = import_file(registry.feed(FEED), path)
    reopened(first.run_id)
    SyncRun.objects.update(span_start=None, span_end=None)
    again = import_file(registry.feed(FEED), path)
    assert (again.run_id, again.exit_code, again.rows_read) == (first.run_id, 0, first.rows_read)


def test_windows_that_an_abandoned_run_never_reached_are_gaps(upstream: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    stores, loaded = windows._load, []

    def dies_at_the_second(*args: object) -> None:
        if loaded:
            raise KeyboardInterrupt
        loaded.append(stores(*args))

    monkeypatch.setattr(windows, "_load", dies_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        pull(days(DAY, date(2026, 6, 14)))
    stop_clock(monkeypatch, datetime.now(UTC) + timedelta(days=2))
    tasks.drop_raw()
    assert Coverage.objects.count() == 5
    assert Coverage.objects.filter(next_attempt_at__isnull=False).count() == 4


# --- looking again ----------------------------------------------------------------------------------


def test_a_failed_look_is_not_taken_for_a_fresh_one(upstream: Sandbox, settings) -> None:
    settings.PJM_CACHE_DURATION, settings.PJM_MAX_RETRIES = 300, 0
    feed, later = registry.feed(FEED), NOW + timedelta(days=3)
    pull(days(DAY))
    upstream.misbehave("server_error", feed="rt_hrl_lmps", times=99)
    for moment in (later, later + timedelta(seconds=30)):
        assert sync(feed, days(DAY), clock=lambda moment=moment: moment).exit_code == 1


def test_a_missed_look_for_restatements_is_made_up_for_once_and_by_node_set(upstream: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_clock(monkeypatch, NOW)
    pull(days(DAY), feed="pjm.pnode")
    pull(days(date(2026, 6, 16)))
    pull(days(date(2026, 6, 16)), followed=True)
    Coverage.objects.update(checked_at=datetime(2026, 6, 18, tzinfo=UTC))
    stop_clock(monkeypatch, NOW + timedelta(days=2))  # two days after it was due
    assert tasks.look_for_restatements() == 2
    assert sorted(SyncRun.objects.filter(trigger="restatement").values_list("node_set", flat=True)) == ["all", "followed"]
    assert tasks.look_for_restatements() == 0


def test_an_outage_is_made_up_for_though_a_person_pulled_a_newer_day(upstream: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_clock(monkeypatch, NOW)
    tasks.sync_scheduled(FEED)
    later = NOW + timedelta(days=12)
    upstream.clock = lambda: later
    stop_clock(monkeypatch, later)
    sync(registry.feed(FEED), days(date(2026, 7, 1)))
    tasks.sync_scheduled(FEED)
    whole = Coverage.objects.filter(feed=FEED, status="complete")
    assert whole.values("window_start").distinct().count() == 17


def test_a_window_in_another_workers_hands_is_not_forgotten(upstream: Sandbox) -> None:
    feed, held, done = registry.feed(FEED), threading.Event(), threading.Event()

    def other() -> None:
        with held_windows(feed, feed.windows(days(DAY)), sandbox=True):
            held.set()
            done.wait()
        connections.close_all()

    thread = threading.Thread(target=other)
    thread.start()
    held.wait()
    summary = pull(days(DAY))
    done.set()
    thread.join()
    assert (summary.exit_code, summary.busy, Coverage.objects.get().status) == (3, 1, "pending")


def test_one_feed_that_cannot_be_asked_does_not_starve_the_others(upstream: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    upstream.misbehave("error_in_200", feed="rt_hrl_lmps", times=99)
    stop_clock(monkeypatch, NOW)
    pull(days(DAY))
    gap = Coverage.objects.get()
    orphan = {"window_start": gap.window_start, "window_end": gap.window_end, "checked_at": NOW, "changed_at": NOW, "next_attempt_at": NOW}
    Coverage.objects.create(feed="pjm.da_hrl_lmps", sandbox=True, node_set="followed", status="failed", **orphan)
    Coverage.objects.create(feed="pjm.gone", sandbox=True, node_set="all", status="failed", **orphan)
    now = NOW + timedelta(minutes=16)
    stop_clock(monkeypatch, now)
    gaps = queries.due_gaps(now=now)
    tasks.requeue_gaps()
    asked = len(upstream.requests)
    assert Coverage.objects.get(feed=FEED).attempts == 2
    monkeypatch.setattr(queries, "due_gaps", lambda now: gaps)  # a second worker that looked in the same minute
    tasks.requeue_gaps()
    assert len(upstream.requests) == asked


def test_a_node_followed_while_a_pull_is_under_way_is_not_forgotten(upstream: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    pull(days(DAY), feed="pjm.pnode")
    stores = windows._load

    def followed_meanwhile(*args: object) -> None:
        follow(nodes=["9000000001"], sandbox=True, backfill_days=3)
        stores(*args)

    monkeypatch.setattr(windows, "_load", followed_meanwhile)
    pull(days(DAY), followed=True)
    assert Coverage.objects.get(feed=FEED, window_start=days(DAY).start).status == "pending"


# --- replay -----------------------------------------------------------------------------------------


def test_a_replayed_list_belongs_to_the_day_of_its_pull(upstream: Sandbox) -> None:
    first = pull(days(DAY), feed="pjm.pnode")
    replay(registry.feed("pjm.pnode"), first.run_id)
    assert max(Coverage.objects.values_list("window_start", flat=True)) < timezone.now()


def test_a_window_pulled_in_two_spans_is_replayed_as_one(upstream: Sandbox) -> None:
    span = days(date(2023, 12, 31))
    first, before = pull(span), stored(span)
    with connection.cursor() as cursor:
        for table in ("lmp_block", "lmp_energy", "lmp_block_history"):
            cursor.execute(f"DELETE FROM {table}")
        again = replay(registry.feed(FEED), first.run_id)
        cursor.execute("SELECT count(*) FROM lmp_block_history WHERE layer = 0")
        assert cursor.fetchone() == (0,)
    assert (again.exit_code, again.windows) == (0, 1)
    assert stored(span) == before
