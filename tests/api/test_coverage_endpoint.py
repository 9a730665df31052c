"""/coverage and the pulls that people ask for."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import redis
import requests
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import ipc, parquet

from energyopti.api.models import KeptAnswer
from energyopti.feeds import completeness, registry, tasks
from energyopti.feeds.models import Coverage, SyncRun
from energyopti.intervals import market_day
from energyopti.organisations.models import User
from tests.feeds.conftest import archive_folder, upstream  # noqa: F401 -- fixtures
from tests.served import _server, served  # noqa: F401 -- fixtures

pytestmark = pytest.mark.django_db
URL, FEED, OTHER = "/api/v1/coverage", "pjm.rt_hrl_lmps", "pjm.da_hrl_lmps"
NOW = datetime(2026, 3, 12, 12, tzinfo=UTC)
MARCH = [date(2026, 3, day) for day in range(6, 11)]  # the 8th has 23 hours


@pytest.fixture(autouse=True)
def real(settings: Any) -> None:
    settings.SANDBOX, settings.PJM_API_KEY = "off", "a-key"


def window(day: date, *, feed: str = FEED, sandbox: bool = False, node_set: str = "followed", missing: int = 0, **changes: Any) -> Coverage:
    span = market_day(day, registry.feed(feed).zone)
    values: dict[str, Any] = {"expected": 24, "stored": 24 - missing, "checked_at": NOW, "changed_at": NOW}
    values |= {"status": "incomplete" if missing else "complete", "reason": f"{missing} of 24 rows are missing" if missing else ""}
    return Coverage(feed=feed, sandbox=sandbox, node_set=node_set, window_start=span.start, window_end=span.end, **(values | changes))


@pytest.fixture
def windows(db: None) -> None:
    rows = [window(day, feed=feed, node_set=nodes) for feed in (FEED, OTHER) for day in MARCH for nodes in ("all", "followed")]
    Coverage.objects.bulk_create([*rows, window(date(2026, 3, 11), missing=5)])


def get(client: Client, **query: Any) -> Any:
    answer = client.get(URL, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_row_tells_all_of_its_window(program: Client, windows: None) -> None:
    body = get(program, feed=FEED, start_date="2026-03-11", end_date="2026-03-11")
    assert body["results"] == [
        {
            "feed": FEED,
            "market_day": "2026-03-11",
            "node_set": "followed",
            "window_start": "2026-03-11T04:00:00Z",
            "window_end": "2026-03-12T04:00:00Z",
            "expected": 24,
            "stored": 19,
            "missing": 5,
            "status": "incomplete",
            "reason": "5 of 24 rows are missing",
            "sandbox": False,
            "checked_at": "2026-03-12T12:00:00Z",
            "changed_at": "2026-03-12T12:00:00Z",
        }
    ]
    assert body["meta"] == {
        "source": "this installation",
        "licence": None,
        "sandbox": False,
        "freshness": "2026-03-12T12:00:00Z",
        "complete": False,
        "windows": 1,
        "expected": 24,
        "stored": 19,
        "missing": 5,
    }


def test_days_are_the_markets_own_and_both_ends_belong_to_them(program: Client, windows: None) -> None:
    body = get(program, feed=FEED, start_date="2026-03-07", end_date="2026-03-09")
    assert [(row["market_day"], row["node_set"]) for row in body["results"]] == [
        (f"2026-03-0{day}", nodes) for day in (7, 8, 9) for nodes in ("all", "followed")
    ]
    spring = next(row for row in body["results"] if row["market_day"] == "2026-03-08")
    assert (spring["window_start"], spring["window_end"]) == ("2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z")
    assert body["meta"]["complete"] is True


def test_without_a_feed_all_come_in_the_order_of_feed_window_and_nodes(program: Client, windows: None) -> None:
    rows = get(program)["results"]
    order = [(row["feed"], row["window_start"], row["node_set"]) for row in rows]
    assert (len(rows), order) == (21, sorted(order))


def test_status_filters_rows_and_leaves_the_tally(program: Client, windows: None) -> None:
    body = get(program, feed=FEED, status="incomplete,failed")
    assert [row["market_day"] for row in body["results"]] == ["2026-03-11"]
    assert (body["meta"]["windows"], body["meta"]["complete"]) == (11, False)


def test_nothing_that_could_be_missing_is_neither_complete_nor_not(program: Client) -> None:
    body = get(program, feed=FEED)
    assert (body["results"], body["next"], body["meta"]["complete"], body["meta"]["freshness"]) == ([], None, None, None)


@pytest.mark.parametrize("limit", [1, 2, 7, 20, 21, 22])
def test_pages_together_are_the_whole(program: Client, windows: None, limit: int) -> None:
    seen: list[Any] = []
    query: dict[str, Any] = {"limit": limit}
    while query:
        body = get(program, **query)
        assert len(body["results"]) <= limit
        seen += body["results"]
        query = {name: values[0] for name, values in parse_qs(urlsplit(body["next"] or "").query).items()}
    assert seen == get(program)["results"]


def test_paging_repeats_and_loses_nothing_while_windows_come_in(program: Client, windows: None) -> None:
    before = get(program)["results"]
    first = get(program, limit=10)
    Coverage.objects.bulk_create([window(date(2026, 3, 1)), window(date(2026, 3, 12)), window(date(2026, 3, 1), feed=OTHER)])
    Coverage.objects.filter(node_set="all").update(status="pending")
    rest = get(program, **{name: values[0] for name, values in parse_qs(urlsplit(first["next"]).query).items()} | {"limit": 100})
    keys = [(row["feed"], row["window_start"], row["node_set"]) for row in first["results"] + rest["results"]]
    assert len(set(keys)) == len(keys)
    assert {(row["feed"], row["window_start"], row["node_set"]) for row in before} <= set(keys)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(first=st.integers(0, 7), length=st.integers(0, 7), named=st.sampled_from([None, FEED, OTHER]), limit=st.integers(1, 30))
def test_what_comes_is_what_a_plain_search_finds(windows: None, first: int, length: int, named: str | None, limit: int) -> None:
    start = date(2026, 3, 5) + timedelta(days=first)
    asked = completeness.question(feed=named, first=start, last=start + timedelta(days=length))
    found = completeness.windows(asked, limit=limit)
    plain = [
        row
        for row in Coverage.objects.order_by("feed", "window_start", "node_set")
        if named in (None, row.feed) and start <= registry.feed(row.feed).window_day(market_day_of(row)) <= start + timedelta(days=length)
    ]
    assert [place(row) for row in found] == [place(row) for row in plain[:limit]]
    tally = completeness.tally(asked)
    assert (tally.windows, tally.stored) == (len(plain), sum(row.stored for row in plain))


def place(row: Any) -> tuple[str, datetime, str]:
    return row.feed, row.window_start, row.node_set


def market_day_of(row: Coverage) -> Any:
    return market_day(row.window_start.astimezone(registry.feed(row.feed).zone).date(), registry.feed(row.feed).zone)


def test_real_and_sandbox_never_meet(program: Client, settings: Any) -> None:
    Coverage.objects.bulk_create(
        [window(MARCH[0], sandbox=True), window(MARCH[0], feed=OTHER, sandbox=True), window(MARCH[1], sandbox=False)]
    )
    settings.SANDBOX, settings.SANDBOX_URL, settings.PJM_API_KEY = "on", "http://127.0.0.1:9", ""
    body = get(program)
    assert [(row["feed"], row["market_day"], row["sandbox"]) for row in body["results"]] == [
        (OTHER, "2026-03-06", True),
        (FEED, "2026-03-06", True),
    ]
    assert body["meta"]["sandbox"] is True
    SyncRun.objects.create(feed=FEED, sandbox=False, trigger="file", source="x.csv", status="complete", finished_at=NOW)
    assert [(row["feed"], row["market_day"], row["sandbox"]) for row in get(program)["results"]] == [
        (OTHER, "2026-03-06", True),
        (FEED, "2026-03-07", False),
    ]


def test_three_queries_whatever_there_is(program: Client, windows: None, django_assert_num_queries: Any) -> None:
    program.get("/api/v1/me")  # the key's use is written once a minute
    with django_assert_num_queries(4):  # the key; which feeds are real; the tally; the windows
        get(program)
    with django_assert_num_queries(4):
        get(program, feed=FEED, limit=1)


@pytest.mark.django_db(transaction=True)  # xmin tells apart what transactions did, not what one of them did twice
def test_what_is_unchanged_is_not_sent_again(program: Client, windows: None) -> None:
    etag = program.get(URL)["ETag"]
    assert program.get(URL, headers={"If-None-Match": etag}).status_code == 304
    Coverage.objects.filter(feed=OTHER, window_start=market_day(MARCH[0], registry.feed(OTHER).zone).start).update(
        reason="opened for a pull"
    )
    changed = program.get(URL, headers={"If-None-Match": etag})
    assert (changed.status_code, changed["ETag"] != etag) == (200, True)


@pytest.mark.parametrize(
    ("query", "status", "pointer", "code"),
    [
        ("feed=pjm.nothing", 404, "?feed", "unknown-feed"),
        ("start_date=2026-03-09&end_date=2026-03-08", 400, "?end_date", "reversed-span"),
        ("start_date=yesterday", 400, "?start_date", "invalid-input"),
        ("status=whole", 400, "?status", "invalid-input"),
        ("tz=market", 400, "?tz", "invalid-input"),
        ("cursor=x", 400, "?cursor", "bad-cursor"),
        ("nodes=1", 400, "?nodes", "unknown-parameter"),
    ],
)
def test_what_cannot_be_asked(program: Client, query: str, status: int, pointer: str, code: str) -> None:
    answer = program.get(f"{URL}?{query}")
    assert (answer.status_code, [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]) == (status, [(pointer, code)])


def test_the_pages_of_a_large_table_stay_quick(db: None) -> None:
    """Each feed's share is read from an index and cut: no page sorts all there is."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO feeds_coverage (feed, sandbox, node_set, window_start, window_end, expected, stored, missing_nodes,
                 status, reason, attempts, checked_at, changed_at)
               SELECT feed, false, set, day, day + interval '1 day', 24, 24, '{}', 'complete', '', 0, day, day
               FROM unnest(%s::text[]) feed, (SELECT 'list:' || n AS set FROM generate_series(1, 14) n) sets,
                 generate_series('2020-01-01'::timestamptz, '2025-12-31', '1 day') day""",
            [list(registry.feeds())],
        )
        cursor.execute("ANALYZE feeds_coverage")
        question = completeness.question()
        after = ("pjm.da_hrl_lmps", datetime(2024, 1, 1, tzinfo=UTC), "all")
        place = {"after_feed": after[0], "after_start": after[1], "after_set": after[2], "statuses": None, "limit": 1000}
        cursor.execute(f"EXPLAIN (FORMAT JSON) {completeness._WINDOWS}", {**question.arguments, **place})
        plan = cursor.fetchone()[0]
    plan = json.loads(plan) if isinstance(plan, str) else plan
    nodes = nodes_of(plan[0]["Plan"])
    assert "Seq Scan" not in {node["Node Type"] for node in nodes}
    assert "coverage_by_feed_and_time" in {node.get("Index Name") for node in nodes}


def nodes_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(found for part in plan.get("Plans", []) for found in nodes_of(part))]


# --- every format says the same, over real HTTP ------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("address", [URL, "/api/v1/feeds"])
def test_every_format_says_the_same(served: str, with_key: Callable[..., Client], windows: None, address: str) -> None:  # noqa: F811
    key = {"Authorization": with_key("read").defaults["HTTP_AUTHORIZATION"]}
    rows = requests.get(f"{served}{address}", headers=key, timeout=20).json()["results"]
    columns = requests.get(f"{served}{address}?layout=columns", headers=key, timeout=20).json()["columns"]
    assert rows == [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    bodies = {form: requests.get(f"{served}{address}?format={form}", headers=key, timeout=20) for form in ("csv", "parquet", "arrow")}
    tables = [parquet.read_table(io.BytesIO(bodies["parquet"].content)), ipc.open_stream(bodies["arrow"].content).read_all()]
    for table in tables:
        assert [{name: as_json(value) for name, value in row.items()} for row in table.to_pylist()] == rows
    lines = list(csv.DictReader(io.StringIO(bodies["csv"].text)))
    assert lines == [{name: as_csv(value) for name, value in row.items()} for row in rows]
    assert {body.headers["RateLimit-Limit"] for body in bodies.values()} == {"600"}


def as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def as_csv(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


# --- a pull that somebody asks for ------------------------------------------------------------------

PULLS = f"/api/v1/feeds/{FEED}/pulls"
BODY = {"start": "2026-06-18T00:00:00-04:00", "end": "2026-06-19T00:00:00-04:00", "reason": "the broker's figures differ"}


@pytest.fixture
def staff(with_key: Callable[..., Client], user: User) -> Client:
    user.is_staff = True
    user.save()
    return with_key("write")


def ask(client: Client, body: Any, *, feed: str = FEED, key: str = "k-1") -> Any:
    address = f"/api/v1/feeds/{feed}/pulls"
    return client.post(address, body, content_type="application/json", headers={"Idempotency-Key": key})


def queued() -> list[dict[str, Any]]:
    """The messages in the broker; they are taken out, so that no worker of another test does them."""
    server = redis.Redis.from_url(django_settings.REDIS_URL)
    messages = [json.loads(message) for message in server.lrange("energyopti:celery", 0, -1)]
    server.delete("energyopti:celery")
    return messages


@pytest.fixture
def on_commit(django_capture_on_commit_callbacks: Any) -> Any:
    queued()
    yield django_capture_on_commit_callbacks
    queued()


def test_a_pull_is_queued_once_and_done_by_a_worker(
    staff: Client,
    user: User,
    on_commit: Any,
    upstream: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.feeds.sandboxed import NOW as SANDBOX_NOW
    from tests.feeds.sandboxed import days, pull

    monkeypatch.setattr(timezone, "now", lambda: SANDBOX_NOW)
    pull(days(date(2026, 6, 18), feed="pjm.pnode"), feed="pjm.pnode")
    with on_commit(execute=True):
        first, again = ask(staff, BODY), ask(staff, BODY)
    assert (first.status_code, again.status_code, again.content, again["Idempotent-Replayed"]) == (202, 202, first.content, "true")
    told = first.json()
    (message,) = queued()
    args, kwargs, _ = json.loads(base64.b64decode(message["body"]))
    assert (message["headers"]["id"], message["headers"]["task"]) == (told["id"], "energyopti.feeds.tasks.sync_asked")
    run = SyncRun.objects.get(pk=tasks.sync_asked(*args, **kwargs))
    assert (run.feed, run.status, run.trigger, run.user, run.reason) == (FEED, "complete", "person", user, BODY["reason"])
    assert (run.span_start.isoformat(), run.span_end.isoformat()) == ("2026-06-18T04:00:00+00:00", "2026-06-19T04:00:00+00:00")
    assert (told["start"], told["end"], told["windows"], told["sandbox"]) == ("2026-06-18T04:00:00Z", "2026-06-19T04:00:00Z", 1, True)
    shown = staff.get(told["coverage"]).json()["results"]
    assert [(row["market_day"], row["node_set"], row["status"]) for row in shown] == [("2026-06-18", "followed", "complete")]


@pytest.mark.parametrize(("scope", "is_staff", "code"), [("read", True, "scope-too-small"), ("write", False, "staff-only")])
def test_who_may_not_ask_queues_nothing(
    with_key: Callable[..., Client], user: User, on_commit: Any, scope: str, is_staff: bool, code: str
) -> None:
    user.is_staff = is_staff
    user.save()
    with on_commit(execute=True) as callbacks:
        answer = ask(with_key(scope), BODY)
    assert (answer.status_code, answer.json()["type"]) == (403, f"urn:energyopti:problem:{code}")
    assert (callbacks, queued(), KeptAnswer.objects.exists()) == ([], [], False)


@pytest.mark.parametrize(
    ("change", "status", "pointer", "code"),
    [
        ({"start": "2026-06-18"}, 400, "#/start", "naive-time"),
        ({"start": "soon"}, 400, "#/start", "invalid-input"),
        ({"end": BODY["start"]}, 400, "#/end", "reversed-span"),
        ({"end": "2046-06-18T00:00:00Z"}, 400, "#/end", "invalid-input"),
        ({"start": "2199-06-18T00:00:00Z", "end": "2199-06-19T00:00:00Z"}, 400, "#/start", "invalid-input"),
        ({"reason": " "}, 400, "#/reason", "blank"),
        ({"nodes": []}, 400, "#/nodes", "empty"),
        ({"nodes": ["no such node"]}, 400, "#/nodes", "unknown-node"),
        ({"surprise": 1}, 400, "#/surprise", "unknown-field"),
    ],
)
def test_a_pull_that_cannot_be_understood_queues_nothing(
    staff: Client, on_commit: Any, change: dict[str, Any], status: int, pointer: str, code: str
) -> None:
    with on_commit(execute=True) as callbacks:
        answer = ask(staff, BODY | change)
    assert (answer.status_code, [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]) == (status, [(pointer, code)])
    assert (callbacks, queued(), KeptAnswer.objects.exists()) == ([], [], False)


def test_a_feed_that_is_not_there(staff: Client) -> None:
    answer = ask(staff, BODY, feed="pjm.nothing")
    assert (answer.status_code, [fault["pointer"] for fault in answer.json()["errors"]]) == (404, ["{feed}"])


def test_without_a_queue_nothing_is_promised(staff: Client, settings: Any) -> None:
    from energyopti import heartbeat

    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    heartbeat._redis.cache_clear()
    try:
        answer = ask(staff, BODY, feed="pjm.pnode")
    finally:
        heartbeat._redis.cache_clear()
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:energyopti:problem:not-configured")
    assert not KeptAnswer.objects.exists()


def test_an_upstream_that_cannot_be_asked_is_told(staff: Client, settings: Any) -> None:
    settings.PJM_API_KEY = ""
    answer = ask(staff, BODY)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:energyopti:problem:not-configured")


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("0001-01-01T00:00:00+14:00", BODY["end"]),
        ("0001-01-01T00:00:00Z", "0001-01-02T00:00:00Z"),
        ("1801-01-01T00:00:00Z", "1801-01-02T00:00:00Z"),  # /coverage would not show it
        ("9999-12-30T00:00:00Z", "9999-12-31T00:00:00Z"),
        ("9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59-14:00"),
    ],
)
def test_a_pull_of_times_that_no_market_had_is_refused(staff: Client, start: str, end: str) -> None:
    refused = ask(staff, BODY | {"start": start, "end": end})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "#/start")
    assert "between 1990 and 2199" in refused.json()["detail"]
    assert not queued()
