"""Coverage: what is said of a window after each look."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction

from energyopti.feeds import coverage
from energyopti.feeds.feed import Written
from energyopti.feeds.models import Coverage, SyncRun
from energyopti.intervals import Span, market_day, market_days

EASTERN = ZoneInfo("America/New_York")
WINDOW = market_day(date(2024, 3, 10), EASTERN)
NOW = datetime(2024, 3, 12, tzinfo=UTC)
FEED = SimpleNamespace(
    name="test.feed",
    retention=None,
    lag=timedelta(hours=12),
    per_node=lambda window: window.slots(timedelta(hours=1)),
    windows=lambda span: list(market_days(span, EASTERN)),
)
WHOLE = Written(nodes=2, expected=46, stored=46, new=2)
PART = Written(nodes=2, expected=46, stored=40, new=2, missing_nodes=(7,))

pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> SyncRun:
    return SyncRun.objects.create(feed=FEED.name, sandbox=False, trigger="person", node_set="all", source="test")


def record(run: SyncRun, written: Written, now: datetime = NOW, window: Span = WINDOW, feed: SimpleNamespace = FEED) -> Coverage:
    coverage.record(feed=feed, run=run, window=window, written=written, now=now)
    return Coverage.objects.get()


def test_a_whole_window_is_complete(run: SyncRun) -> None:
    row = record(run, WHOLE)
    assert (row.status, row.expected, row.stored, row.missing, row.reason, row.next_attempt_at) == ("complete", 46, 46, 0, "", None)


def test_a_window_with_a_hole_says_what_is_missing_and_is_tried_again(run: SyncRun) -> None:
    row = record(run, PART)
    assert (row.status, row.missing, row.missing_nodes, row.reason) == ("incomplete", 6, [7], "6 of 46 rows are missing")
    assert row.next_attempt_at == NOW + timedelta(minutes=15)


def test_the_pause_grows_to_a_day_and_a_whole_window_resets_it(run: SyncRun) -> None:
    pauses = [record(run, PART).next_attempt_at - NOW for _ in range(9)]
    assert pauses == [timedelta(minutes=15 * 2**n) for n in range(7)] + [timedelta(days=1)] * 2
    assert record(run, WHOLE).attempts == 0


def test_no_attempt_before_the_source_publishes(run: SyncRun) -> None:
    row = record(run, PART, now=WINDOW.start)
    assert row.next_attempt_at == WINDOW.end + FEED.lag


def test_a_running_window_that_has_all_so_far_is_running(run: SyncRun) -> None:
    row = record(run, Written(nodes=2, expected=10, stored=10, new=10), now=WINDOW.start + timedelta(hours=5))
    assert (row.status, row.attempts, row.next_attempt_at) == ("running", 0, WINDOW.end + FEED.lag)  # when it is over, if nobody was first


def test_a_window_without_rows_is_a_gap(run: SyncRun) -> None:
    row = record(run, Written(nodes=0, expected=0, stored=0))
    assert (row.status, row.reason) == ("incomplete", "the source has no rows for this window")


def test_a_gap_older_than_the_source_keeps_is_lost(run: SyncRun) -> None:
    keeps_a_day = SimpleNamespace(**{**vars(FEED), "retention": timedelta(hours=1)})
    row = record(run, PART, feed=keeps_a_day)
    assert (row.status, row.next_attempt_at) == ("lost", None)


def test_a_failed_pull_is_a_gap_with_the_reason(run: SyncRun) -> None:
    coverage.record_failure(feed=FEED, run=run, windows=[WINDOW], reason="no answer", now=NOW)
    row = Coverage.objects.get()
    assert (row.status, row.reason, row.stored, row.attempts) == ("failed", "no answer", 0, 1)


def test_a_failed_look_does_not_take_a_whole_window_away(run: SyncRun) -> None:
    record(run, WHOLE)
    later = SyncRun.objects.create(feed=FEED.name, sandbox=False, trigger="restatement", node_set="all", source="test")
    coverage.record_failure(feed=FEED, run=later, windows=[WINDOW], reason="no answer", now=NOW)
    row = Coverage.objects.get()
    assert (row.status, row.stored, row.reason, row.run) == ("complete", 46, "no answer", run)


def test_checked_moves_and_changed_stays_when_nothing_new_came(run: SyncRun) -> None:
    record(run, WHOLE)
    row = record(run, Written(nodes=2, expected=46, stored=46), now=NOW + timedelta(days=1))
    assert (row.checked_at, row.changed_at) == (NOW + timedelta(days=1), NOW)


def test_what_a_file_brought_is_not_asked_for_again(run: SyncRun) -> None:
    run.node_set = f"{coverage.FROM_FILE}abc"
    row = record(run, PART)
    assert (row.status, row.next_attempt_at) == ("incomplete", None)


def test_opened_windows_keep_what_is_stored_and_those_never_pulled_are_opened_too(run: SyncRun) -> None:
    record(run, WHOLE)
    span = Span(WINDOW.start - timedelta(days=2), NOW + timedelta(days=1))
    assert coverage.reopen(feed=FEED, sandbox=False, node_set="all", span=span, now=NOW) == 3  # the day of NOW is not out yet
    rows = Coverage.objects.order_by("window_start")
    assert list(rows.values_list("status", "stored", "next_attempt_at")) == [("pending", 0, NOW), ("pending", 0, NOW), ("pending", 46, NOW)]


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ("10, 11, 'incomplete'", "coverage_stored_within_expected"),
        ("10, 9, 'complete'", "coverage_complete_means_nothing_missing"),
        ("0, 0, 'complete'", "coverage_complete_means_nothing_missing"),
    ],
)
def test_the_database_refuses_a_lie(run: SyncRun, values: str, constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO feeds_coverage (feed, sandbox, node_set, window_start, window_end, missing_nodes, reason, attempts, "
            "checked_at, changed_at, expected, stored, status) "
            f"VALUES ('f', false, 'all', now(), now(), '{{}}', '', 0, now(), now(), {values})"
        )
