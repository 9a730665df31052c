"""The whole way in, against the sandbox over real HTTP: nothing lost, nothing doubled, every gap with its reason."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import requests
from django.db import connection
from django.utils import timezone

from energyopti.events.models import Event
from energyopti.feeds import registry
from energyopti.feeds.imports import replay
from energyopti.feeds.models import Coverage, Payload, Quarantine, SyncRun
from energyopti.intervals import Span
from energyopti.sandbox.server import Sandbox
from markets import queries
from markets.feeds import dm2_plan
from markets.types import PriceFrame
from tests.feeds.sandboxed import FEED, NOW, days, pull, stored, truth

pytestmark = pytest.mark.django_db(transaction=True)

DAY = date(2026, 6, 10)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of 500 rows: a day of 70 nodes takes several."""
    monkeypatch.setattr(dm2_plan, "PAGE_ROWS", 500)


def rows_asked(upstream: Sandbox) -> list[dict[str, str]]:
    return [seen.query for seen in upstream.requests if seen.path.endswith("/rt_hrl_lmps")]


def test_days_come_in_whole_with_coverage_run_and_event(upstream: Sandbox) -> None:
    span = days(DAY, date(2026, 6, 12))
    summary = pull(span)
    assert (summary.exit_code, summary.windows, summary.complete, summary.error) == (0, 3, 3, "")
    assert stored(span) == truth(upstream, span)
    assert list(Coverage.objects.values_list("status", "missing", "run_id").distinct()) == [("complete", 0, summary.run_id)]
    run = SyncRun.objects.get()
    assert (run.status, run.sandbox, run.windows_complete, run.rows_read) == ("complete", True, 3, summary.rows_read)
    assert Event.objects.filter(topic="feeds.window.stored", sandbox=True, payload__run=run.pk).count() == 3
    assert sum(Payload.objects.values_list("rows", flat=True)) == summary.rows_read


def test_the_same_again_writes_no_price_and_tells_nobody(upstream: Sandbox) -> None:
    span = days(DAY)
    pull(span)
    events = Event.objects.count()
    again = pull(span)
    assert (again.exit_code, again.new, again.changed, again.revisions) == (0, 0, 0, 0)
    assert Event.objects.count() == events


def test_only_the_nodes_asked_for_by_id_or_name(upstream: Sandbox) -> None:
    pull(days(DAY), feed="pjm.pnode")
    span = days(DAY)
    summary = pull(span, nodes=["51217", "western hub"])
    assert summary.exit_code == 0
    assert stored(span) == truth(upstream, span, pnode_id="51217;51288")


def test_a_year_of_35_nodes_takes_at_most_10_requests(upstream: Sandbox) -> None:
    pull(days(DAY), feed="pjm.pnode")
    nodes = registry.feed(FEED).nodes.followed(sandbox=True)[:35]
    asked_before = len(upstream.requests)
    summary = pull(days(date(2025, 6, 15), date(2026, 6, 14)), nodes=nodes)
    assert (summary.windows, summary.complete, summary.rows_read >= 35 * 8760) == (365, 365, True)
    assert len(upstream.requests) - asked_before <= 10
    assert summary.requests == len(upstream.requests) - asked_before


@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2025, 11, 2)], ids=["23h", "25h"])
@pytest.mark.parametrize("feed", [FEED, "pjm.da_hrl_lmps", "pjm.rt_fivemin_hrl_lmps"])
def test_the_days_when_clocks_change(upstream: Sandbox, day: date, feed: str) -> None:
    span = days(day, feed=feed)
    summary = pull(span, feed=feed)
    assert (summary.exit_code, summary.windows) == (0, 1)
    assert stored(span, feed) == truth(upstream, span, feed)


def test_the_archive_is_asked_by_its_own_rules(upstream: Sandbox) -> None:
    """31 December runs over the UTC year's end, which an archived question may not."""
    span = days(date(2023, 12, 30), date(2024, 1, 1))
    summary = pull(span)
    assert (summary.exit_code, summary.windows) == (0, 3)
    assert stored(span) == truth(upstream, days(date(2023, 12, 30), date(2023, 12, 30))) | truth_across_the_year(upstream)
    assert not any("pnode_id" in asked or "sort" in asked for asked in rows_asked(upstream))


def truth_across_the_year(upstream: Sandbox) -> dict:
    year = datetime(2024, 1, 1, tzinfo=UTC)
    last = days(date(2023, 12, 31), date(2024, 1, 1))
    return truth(upstream, Span(last.start, year)) | truth(upstream, Span(year, last.end))


# --- misbehaviour ----------------------------------------------------------------------------------

PASSING = [
    {"kind": "rate_limited"},
    {"kind": "rate_limited", "retry_after": 0.0},
    {"kind": "server_error", "status": 503},
    {"kind": "hang", "seconds": 3.0},
    {"kind": "cut"},
    {"kind": "truncated"},
    {"kind": "wrong_total"},
    {"kind": "doubled_rows"},
    {"kind": "unordered_rows", "times": 9},
    {"kind": "mixed_snapshot", "page": 2},
    {"kind": "shifted_rows", "page": 2},
    {"kind": "error_in_200"},
    {"kind": "html_in_200"},
    {"kind": "gzip_undeclared", "times": 9},
    {"kind": "gzip_untrue", "times": 9},
    {"kind": "identity", "times": 9},
    {"kind": "slow_drip", "seconds": 1.0},
]
LASTING = [
    ({"kind": "rate_limited"}, "answered 429"),
    ({"kind": "server_error"}, "answered 500"),
    ({"kind": "hang", "seconds": 3.0}, "did not answer whole"),
    ({"kind": "cut"}, "did not answer whole"),
    ({"kind": "truncated"}, "not whole JSON"),
    ({"kind": "wrong_total"}, "totalRows is"),
    ({"kind": "doubled_rows"}, "came twice"),
    ({"kind": "mixed_snapshot", "page": 2}, "the pages of one answer disagree"),
    ({"kind": "shifted_rows", "page": 2}, "came twice"),
    ({"kind": "error_in_200"}, "error inside a 200"),
    ({"kind": "html_in_200"}, "error inside a 200"),
    ({"kind": "renamed_column", "column": "total_lmp_rt", "name": "value"}, "total_lmp_rt"),
    ({"kind": "extra_column", "name": "new_column"}, "new_column"),
    ({"kind": "missing_column", "column": "marginal_loss_price_rt"}, "marginal_loss_price_rt"),
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: fault["kind"])
def test_what_passes_ends_in_complete_data(upstream: Sandbox, small_pages: None, fault: dict) -> None:
    span = days(DAY)
    upstream.misbehave(**{"feed": "rt_hrl_lmps", **fault})
    summary = pull(span)
    upstream.behave()
    assert (summary.exit_code, summary.error) == (0, "")
    assert stored(span) == truth(upstream, span)


@pytest.mark.parametrize(("fault", "reason"), LASTING, ids=[fault["kind"] for fault, _ in LASTING])
def test_what_lasts_ends_in_a_gap_with_its_reason_and_then_in_complete_data(
    upstream: Sandbox, small_pages: None, fault: dict, reason: str
) -> None:
    span = days(DAY)
    upstream.misbehave(**{"feed": "rt_hrl_lmps", "times": 99, **fault})
    summary = pull(span)
    gap = Coverage.objects.get()
    assert (summary.exit_code, summary.failed, gap.status) == (1, 1, "failed")
    assert reason in gap.reason
    assert reason in summary.error
    assert gap.next_attempt_at > NOW
    assert stored(span) == {}
    upstream.behave()
    assert pull(span).exit_code == 0
    assert stored(span) == truth(upstream, span)
    assert Coverage.objects.get().status == "complete"


def test_a_pull_that_fails_leaves_the_others_alone(upstream: Sandbox, small_pages: None) -> None:
    span = days(DAY, date(2026, 6, 12))
    upstream.misbehave("renamed_column", feed="rt_hrl_lmps", times=1)  # the first page of the first day
    summary = pull(span)
    assert (summary.exit_code, summary.complete, summary.failed) == (3, 2, 1)
    assert stored(span) == truth(upstream, days(date(2026, 6, 11), date(2026, 6, 12)))


def test_a_failed_look_takes_nothing_away(upstream: Sandbox) -> None:
    span = days(DAY)
    pull(span)
    upstream.misbehave("server_error", feed="rt_hrl_lmps", times=99)
    assert pull(span).exit_code == 1
    assert Coverage.objects.get().status == "complete"
    upstream.behave()
    assert stored(span) == truth(upstream, span)


# --- versions --------------------------------------------------------------------------------------


def test_a_restatement_is_a_new_version_and_the_old_one_stays_known(upstream: Sandbox) -> None:
    """The sandbox restates about one day in forty, three to six days later."""
    day = first_restated_day(upstream)
    span = days(day)
    upstream.clock = lambda: span.end + timedelta(hours=20)  # published, not restated yet
    assert (pull(span).exit_code, SyncRun.objects.count()) == (0, 1)
    before, between = stored(span), timezone.now()
    assert before == truth(upstream, span)

    upstream.clock = lambda: NOW
    summary = pull(span)
    assert (summary.exit_code, summary.new) == (0, 0)
    assert summary.changed > 0
    assert stored(span) == truth(upstream, span) != before

    nodes = sorted({node for _, node in before})
    assert known(queries.prices(feed=FEED, nodes=nodes, span=span, as_of=between)) == {key: prices[0] for key, prices in before.items()}
    assert known(queries.prices(feed=FEED, nodes=nodes, span=span)) == {key: prices[0] for key, prices in stored(span).items()}
    revisions = queries.revisions(feed=FEED, nodes=nodes[:1], span=span)
    assert set(revisions.version.tolist()) == {1, 2}
    assert set(revisions.run_id.tolist()) == set(SyncRun.objects.values_list("id", flat=True))


def first_restated_day(upstream: Sandbox) -> date:
    rows = requests.get(
        f"{upstream.url}/api/v1/rt_hrl_lmps",
        params={
            "datetime_beginning_utc": "2026-02-01T05:00to2026-06-01T03:00",
            "pnode_id": "51217",
            "version_nbr": "2",
            "row_is_current": "all",
            "startRow": "1",
            "rowCount": "50000",
        },
        timeout=60,
    ).json()["items"]
    return date.fromisoformat(min(row["datetime_beginning_ept"] for row in rows)[:10])


def known(frame: PriceFrame) -> dict:
    starts = [datetime.fromisoformat(str(start)).replace(tzinfo=UTC) for start in frame.interval_start]
    return dict(zip(zip(starts, frame.node_id.tolist(), strict=True), frame.total.tolist(), strict=True))


# --- the store answers, the archive answers ---------------------------------------------------------


def test_within_the_cache_duration_the_store_answers(upstream: Sandbox, settings) -> None:
    settings.PJM_CACHE_DURATION = 300
    pull(days(DAY))
    asked = len(upstream.requests)
    summary = pull(days(DAY))
    assert (summary.exit_code, summary.answered, summary.requests, len(upstream.requests)) == (0, 1, 0, asked)


def test_a_replay_needs_no_upstream_and_changes_nothing(upstream: Sandbox, small_pages: None) -> None:
    span = days(DAY, date(2026, 6, 11))
    first = pull(span)
    before, asked = stored(span), len(upstream.requests)
    again = replay(registry.feed(FEED), first.run_id, clock=lambda: NOW)
    assert (again.exit_code, again.windows, again.new, again.changed, again.sandbox) == (0, 2, 0, 0, True)
    assert (stored(span), len(upstream.requests)) == (before, asked)


def test_a_replay_restores_what_was_lost(upstream: Sandbox) -> None:
    span = days(DAY)
    first = pull(span)
    before = stored(span)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM lmp_block")
        cursor.execute("DELETE FROM lmp_energy")
    replay(registry.feed(FEED), first.run_id, clock=lambda: NOW)
    assert stored(span) == before
    assert len(before) > 0


def test_no_row_is_quarantined_in_good_data(upstream: Sandbox) -> None:
    pull(days(DAY))
    assert not Quarantine.objects.exists()


def test_the_running_day_is_live_and_counts_what_has_passed(upstream: Sandbox) -> None:
    feed = "pjm.rt_unverified_fivemin_lmps"
    summary = pull(days(NOW.date(), feed=feed), feed=feed)
    row = Coverage.objects.get()
    assert (summary.exit_code, row.status, row.missing) == (0, "running", 0)
    assert 0 < row.expected < 288 * 70
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) >= %s, count(*) FILTER (WHERE energy <> 'NaN') FROM lmp_live", [row.stored])
        assert cursor.fetchone() == (True, 0)
