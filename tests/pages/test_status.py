"""/status/: what came in, what is missing, what was refused, and who sees what."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
import redis
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from redis.backoff import NoBackoff
from redis.retry import Retry

from energyopti import heartbeat
from energyopti.feeds import queries
from energyopti.feeds.models import Coverage, Quarantine, SyncRun
from energyopti.intervals import market_day
from energyopti.organisations.models import User
from energyopti.pages import standing

pytestmark = pytest.mark.django_db
FEED, EASTERN = "pjm.rt_hrl_lmps", ZoneInfo("America/New_York")


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture(autouse=True)
def real(settings) -> None:
    settings.SANDBOX, settings.PJM_API_KEY = "auto", "a-real-key"


def run(status: str = "complete", **values: object) -> SyncRun:
    finished = None if status == "running" else timezone.now()
    return SyncRun.objects.create(
        **{"feed": FEED, "sandbox": False, "trigger": "schedule", "status": status, "finished_at": finished} | values
    )


def window(day: date, *, status: str = "complete", expected: int = 24, stored: int = 24, **values: object) -> Coverage:
    span, now = market_day(day, EASTERN), timezone.now()
    defaults = {"feed": FEED, "sandbox": False, "node_set": "followed", "window_start": span.start, "window_end": span.end}
    counted = {"status": status, "expected": expected, "stored": stored, "checked_at": now, "changed_at": now}
    return Coverage.objects.create(**defaults | counted | values)


def refused(of: SyncRun, number: int, raw: str = "a,b", code: str = "not-a-number") -> Quarantine:
    values = {"feed": of.feed, "sandbox": of.sandbox, "row": number, "raw": raw, "field": "total_lmp_rt", "digest": f"{number}"}
    return Quarantine.objects.create(run=of, code=code, reason="'x' is no number", **values)


def shown(person: Client) -> str:
    answer = person.get("/status/")
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_a_stranger_is_sent_to_log_in(client: Client) -> None:
    assert client.get("/status/")["Location"] == "/accounts/login/?next=/status/"


def test_an_empty_installation_says_so_in_every_block(person: Client) -> None:
    page = shown(person)
    for sentence in (
        "Nothing ran yet",
        "no window waits for another attempt",
        "every row that came was stored",
        "None: every declared feed",
    ):
        assert sentence in page


def test_every_feed_is_there_with_its_terms(person: Client) -> None:
    page = shown(person)
    names = [overview.name for overview in queries.feed_overview()]
    assert all(f"<code>{name}</code>" in page for name in names)
    assert page.count("Show: no. Derive: no. Pass on: no.") == len(names)


def test_the_heat_map_has_sixty_days_up_to_tomorrow() -> None:
    days = standing.shown_days(datetime(2024, 11, 4, 3, tzinfo=UTC))  # the evening of the 3rd in the market
    assert (len(days), days[-1]) == (60, date(2024, 11, 4))


def test_a_days_status_is_the_worst_of_its_node_sets(person: Client) -> None:
    yesterday = timezone.now().astimezone(EASTERN).date() - timedelta(days=1)
    window(yesterday)
    window(yesterday, status="incomplete", expected=10, stored=4, node_set="list:1")
    page = shown(person)
    assert f'class="c-incomplete" title="{yesterday}: incomplete, 28 of 34"' in page
    assert f'<span class="unseen">{yesterday}: incomplete, 28 of 34</span>' in page
    assert "82.4 %" in page


def test_nearly_whole_is_not_whole(person: Client) -> None:
    yesterday = timezone.now().astimezone(EASTERN).date() - timedelta(days=1)
    window(yesterday, status="incomplete", expected=100_000, stored=99_999)
    assert "99.9 %" in shown(person)


def test_a_window_that_runs_is_not_counted_as_whole(person: Client) -> None:
    run()
    today = timezone.now().astimezone(EASTERN).date()
    window(today, status="running", stored=3)
    window(today - timedelta(days=1))
    window(today - timedelta(days=2), status="incomplete", stored=3)
    (line,) = (one for one in queries.feed_overview() if one.name == FEED)
    assert (line.complete, line.total) == (1, 2)
    assert "1 of 2" in shown(person)


def test_what_needs_attention_is_one_query(django_assert_num_queries) -> None:
    of = run("failed")
    refused(of, 1)
    refused(of, 2)
    window(date(2024, 11, 4), status="incomplete", stored=1, next_attempt_at=timezone.now())
    with django_assert_num_queries(1):
        found = queries.attention(since=timezone.now() - timedelta(days=1))
    assert found == queries.Attention(failed=1, gaps=1, refused=2)


def test_nothing_needs_attention_where_nothing_is() -> None:
    assert queries.attention(since=timezone.now()) == queries.Attention(failed=0, gaps=0, refused=0)


def test_a_feeds_timetable_is_told_in_words(person: Client) -> None:
    page = shown(person)
    assert "<td>at 13:40, 15:40 and 18:40</td>" in page
    assert "<td>every 5 minutes</td>" in page


def test_the_sandboxs_days_are_not_the_real_ones(person: Client) -> None:
    yesterday = timezone.now().astimezone(EASTERN).date() - timedelta(days=1)
    run()
    window(yesterday, status="failed", stored=0, sandbox=True)
    assert f"{yesterday}: failed" not in shown(person)


def test_coverage_by_day_is_one_query(django_assert_num_queries) -> None:
    for back in range(40):
        window(date(2024, 11, 4) - timedelta(days=back))
        window(date(2024, 11, 4) - timedelta(days=back), node_set="list:1", status="failed", stored=0)
    with django_assert_num_queries(1):
        rows = queries.coverage_by_window(since=datetime(2024, 10, 1, tzinfo=UTC))
    assert {(row.status, row.expected, row.stored) for row in rows} == {("failed", 48, 24)}
    assert len(rows) == 35  # from 30 September's midnight in the market, which is after 04:00 UTC of the 1st, on


def test_runs_are_told_with_their_error(person: Client) -> None:
    run("failed", error="PJM answered 503")
    page = shown(person)
    assert '<td class="failed">failed</td>' in page
    assert "PJM answered 503" in page


def test_a_gap_says_when_it_is_tried_again(person: Client) -> None:
    day = timezone.now().astimezone(EASTERN).date() - timedelta(days=3)
    at = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)
    window(day, status="incomplete", stored=20, reason="4 of 24 rows are missing", next_attempt_at=at, attempts=2)
    row = re.search(r'<h2 id="gaps">.*?<tbody>(.*?)</tbody>', shown(person), re.DOTALL)[1]
    texts = re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)
    assert texts == [
        f"<code>{FEED}</code>",
        str(day),
        "followed",
        "incomplete",
        "20 of 24",
        "2",
        "2030-01-02 03:04",
        "4 of 24 rows are missing",
    ]


def test_a_running_day_is_no_gap(person: Client) -> None:
    window(timezone.now().astimezone(EASTERN).date(), status="running", next_attempt_at=timezone.now())
    assert "no window waits for another attempt" in shown(person)


def test_the_rows_themselves_are_for_staff(person: Client) -> None:
    refused(run(), 7, raw="5:00,secret price")
    page = shown(person)
    assert "not-a-number" in page
    assert "secret price" not in page
    assert "'x' is no number" not in page


def test_staff_sees_the_rows_and_ways_into_the_back_office(staff: Client) -> None:
    of = run()
    refused(of, 7, raw="5:00,secret price")
    page = shown(staff)
    assert "5:00,secret price" in page
    assert f'href="/admin/feeds/syncrun/{of.pk}/change/"' in page
    assert 'href="/admin/feeds/quarantine/"' in page


def test_refused_rows_are_counted_by_reason(person: Client) -> None:
    of = run()
    for number in range(3):
        refused(of, number)
    refused(of, 9, code="unknown-hour")
    assert [(one.code, one.rows) for one in queries.refused_rows()] == [("unknown-hour", 1), ("not-a-number", 3)]
    assert shown(person).count('<td>not-a-number</td><td class="number">3</td>') == 1


def test_no_worker_is_an_error_and_a_living_one_is_not(person: Client) -> None:
    heartbeat.stop()
    assert "No worker was heard of in the last 20 seconds" in shown(person)
    heartbeat.beat()
    try:
        assert "alive" in shown(person)
    finally:
        heartbeat.stop()


def test_a_silent_redis_does_not_break_the_page(person: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = redis.Redis(host="127.0.0.1", port=9, socket_timeout=1, retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(heartbeat, "_redis", lambda: nowhere)
    assert "Redis does not answer" in shown(person)


def test_a_source_without_key_comes_by_file(person: Client, settings) -> None:
    settings.SANDBOX, settings.PJM_API_KEY = "off", ""
    page = shown(person)
    assert "manage.py import_file pjm.rt_hrl_lmps FILE" in page
    assert "None: every declared feed" not in page


def test_what_the_sandbox_answers_is_named(person: Client, settings) -> None:
    settings.SANDBOX, settings.SANDBOX_URL, settings.PJM_API_KEY = "auto", "http://127.0.0.1:9", ""
    assert "Its prices are invented" in shown(person)


def test_the_page_takes_as_many_queries_for_much_as_for_little(person: Client, django_assert_num_queries) -> None:
    run()
    with CaptureQueriesContext(connection) as few:
        shown(person)
    for back in range(40):
        of = run("failed" if back % 2 else "complete", user=User.objects.get())
        window(date(2024, 1, 1) + timedelta(days=back), status="incomplete", stored=1, next_attempt_at=timezone.now(), run=of)
        refused(of, back)
    with django_assert_num_queries(len(few)):
        shown(person)
    assert len(few) <= 10
