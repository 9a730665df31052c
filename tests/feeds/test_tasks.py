"""What the workers do by themselves: due windows, gaps, restatements, retention."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from energyopti.feeds import archive, queries, registry, tasks
from energyopti.feeds.models import Coverage, Payload, SyncRun
from energyopti.intervals import Span
from energyopti.sandbox.server import Sandbox
from tests.feeds.sandboxed import FEED, NOW, days, pull

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def market_dates(windows: list[Span]) -> list[date]:
    return [registry.feed(FEED).window_day(window) for window in windows]


@pytest.mark.parametrize(
    ("feed", "expected"),
    [
        # 2026-06-20 12:00 in the market: yesterday's hours came at noon; tomorrow's day-ahead prices not before 13:30
        (FEED, [date(2026, 6, day) for day in (15, 16, 17, 18, 19)]),
        ("pjm.da_hrl_lmps", [date(2026, 6, day) for day in (17, 18, 19, 20)]),
        ("pjm.rt_unverified_fivemin_lmps", [date(2026, 6, day) for day in (18, 19, 20)]),
        ("pjm.pnode", [date(2026, 6, 20)]),
    ],
)
def test_due_is_what_should_be_whole_by_now(feed: str, expected: list[date]) -> None:
    assert market_dates(queries.due_windows(registry.feed(feed), sandbox=True, now=NOW)) == expected


def test_tomorrows_day_ahead_prices_are_due_once_they_are_out() -> None:
    after_publication = datetime(2026, 6, 20, 17, 40, tzinfo=UTC)
    windows = queries.due_windows(registry.feed("pjm.da_hrl_lmps"), sandbox=True, now=after_publication)
    assert market_dates(windows)[-1] == date(2026, 6, 21)


def test_a_new_installation_learns_the_nodes_first_and_then_pulls_those_it_follows(upstream: Sandbox) -> None:
    tasks.sync_scheduled(FEED)
    runs = list(SyncRun.objects.order_by("id").values_list("feed", "node_set", "status"))
    assert runs == [("pjm.pnode", "all", "complete"), (FEED, "followed", "complete")]
    assert Coverage.objects.filter(feed=FEED, status="complete").count() == 5
    kinds = registry.feed(FEED).nodes.kinds(SyncRun.objects.get(feed=FEED).nodes, sandbox=True)
    assert set(kinds.values()) == {"ZONE", "HUB", "INTERFACE"}


def test_what_is_whole_is_not_pulled_again(upstream: Sandbox) -> None:
    tasks.sync_scheduled(FEED)
    asked = len(upstream.requests)
    assert tasks.sync_scheduled(FEED) == []
    assert len(upstream.requests) == asked


def test_days_in_which_nothing_ran_are_pulled_later(upstream: Sandbox) -> None:
    tasks.sync_scheduled(FEED)
    feed = registry.feed(FEED)
    nine_days_later = queries.due_windows(feed, sandbox=True, now=NOW + timedelta(days=9))
    assert market_dates(nine_days_later) == [date(2026, 6, day) for day in range(20, 29)]


def test_a_feed_that_cannot_be_reached_is_left_alone(settings) -> None:
    settings.SANDBOX, settings.PJM_API_KEY = "off", ""
    assert tasks.sync_scheduled(FEED) == []
    assert not SyncRun.objects.exists()


def test_a_gap_is_pulled_again_when_its_time_has_come(upstream: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    upstream.misbehave("error_in_200", feed="rt_hrl_lmps", times=99)
    pull(days(date(2026, 6, 10), date(2026, 6, 11)))
    upstream.behave()
    assert tasks.requeue_gaps() == 0  # not yet
    monkeypatch.setattr(timezone, "now", lambda: NOW + timedelta(minutes=16))
    assert tasks.requeue_gaps() == 2
    assert list(Coverage.objects.values_list("status", flat=True)) == ["complete", "complete"]
    assert SyncRun.objects.filter(trigger="gap").count() == 1  # neighbours in one run
    assert tasks.requeue_gaps() == 0


def test_gaps_of_the_other_world_wait(upstream: Sandbox, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    upstream.misbehave("error_in_200", feed="rt_hrl_lmps", times=99)
    pull(days(date(2026, 6, 10)))
    settings.SANDBOX, settings.PJM_API_KEY, settings.PJM_BASE_URL = "off", "key", "http://127.0.0.1:9"
    monkeypatch.setattr(timezone, "now", lambda: NOW + timedelta(hours=1))
    asked = len(upstream.requests)
    tasks.requeue_gaps()
    assert len(upstream.requests) == asked
    assert Coverage.objects.get().next_attempt_at == NOW + timedelta(days=1, hours=1)


def test_restatements_are_looked_for_at_the_declared_ages(upstream: Sandbox) -> None:
    feed = registry.feed(FEED)
    span = days(date(2026, 6, 6), date(2026, 6, 18))
    pull(days(date(2026, 6, 20)), feed="pjm.pnode")
    pull(span, followed=True)
    Coverage.objects.exclude(window_start__date__in=[date(2026, 6, 10), date(2026, 6, 16)]).delete()
    Coverage.objects.update(checked_at=datetime(2026, 6, 17, tzinfo=UTC))
    before = SyncRun.objects.count()
    assert tasks.look_for_restatements() == 2  # 4 and 10 days ago, and not looked at since
    asked = SyncRun.objects.filter(trigger="restatement").order_by("span_start")
    assert [feed.window_day(Span(run.span_start, run.span_end)) for run in asked] == [date(2026, 6, 10), date(2026, 6, 16)]
    assert SyncRun.objects.count() == before + 2


def test_raw_answers_go_when_their_time_is_over_and_the_prices_stay(upstream: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = "pjm.rt_fivemin_hrl_lmps"
    pull(days(date(2026, 6, 10), feed=feed), feed=feed)
    names = list(Payload.objects.values_list("name", "sha256"))
    monkeypatch.setattr(timezone, "now", lambda: datetime.now(UTC) + timedelta(days=101))
    assert tasks.drop_raw() == len(names)
    assert not Payload.objects.filter(dropped_at=None).exists()
    for name, sha256 in names:
        with pytest.raises(archive.ArchiveDamaged):
            archive.get(name=name, sha256=sha256)
    assert Coverage.objects.get().stored > 0


def test_a_persons_file_is_kept_because_nobody_can_fetch_it_again(upstream: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = "pjm.rt_fivemin_hrl_lmps"
    pull(days(date(2026, 6, 10), feed=feed), feed=feed)
    SyncRun.objects.update(trigger="file")
    monkeypatch.setattr(timezone, "now", lambda: datetime.now(UTC) + timedelta(days=101))
    assert tasks.drop_raw() == 0


def test_a_run_whose_process_died_long_ago_is_buried(upstream: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    run = SyncRun.objects.create(feed=FEED, sandbox=True, trigger="person", node_set="all", source="test")
    monkeypatch.setattr(timezone, "now", lambda: datetime.now(UTC) + timedelta(days=2))
    tasks.drop_raw()
    run.refresh_from_db()
    assert (run.status, run.error) == ("failed", "the process that worked on it died")
