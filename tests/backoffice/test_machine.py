"""Feeds, runs and gaps in the back office: what people see, and what they set off with a reason."""

from __future__ import annotations

from datetime import date
from unittest import mock

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone
from kombu.exceptions import OperationalError

from energyopti.feeds import registry
from energyopti.feeds.models import Coverage, Payload, Quarantine, SyncRun, Upload
from energyopti.organisations.models import User
from energyopti.sandbox.server import Sandbox
from tests.backoffice.people import confirmed, office, selected, staff
from tests.feeds.conftest import archive_folder, upstream  # noqa: F401
from tests.feeds.sandboxed import FEED, NOW, days, pull, stored, truth

pytestmark = pytest.mark.django_db(transaction=True)

RUNS, GAPS, SYNC = "/admin/feeds/syncrun/", "/admin/feeds/coverage/", f"/admin/feeds/feed/{FEED}/sync/"
LOOK = ("feeds.view_syncrun", "feeds.view_coverage", "feeds.view_payload", "feeds.view_quarantine")
JUNE_10 = {"first": "2026-06-10", "last": "2026-06-11", "scope": "all", "nodes": ""}


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def reader() -> Client:
    return office(staff("reader", *LOOK))


@pytest.fixture
def doer() -> Client:
    return office(staff("doer", *LOOK, "feeds.add_syncrun", "feeds.change_coverage"))


# --- feeds and "sync now" --------------------------------------------------------------------------


def test_the_feeds_page_shows_what_is_declared(reader: Client, upstream: Sandbox) -> None:  # noqa: F811
    pull(days(date(2026, 6, 10)))
    page = reader.get("/admin/feeds/feed/").content.decode()
    feed = registry.feed(FEED)
    for part in (FEED, feed.title, "PJM Data Miner 2", feed.cadence, feed.licence.text, "1 of 1 windows", feed.quirks[1], "complete"):
        assert part in page
    assert "Sync now" not in page


def test_a_feed_that_cannot_be_reached_says_why(reader: Client, settings) -> None:
    settings.SANDBOX, settings.PJM_API_KEY = "off", ""
    assert "PJM_API_KEY is not set and SANDBOX is off" in reader.get("/admin/feeds/feed/").content.decode()


def test_sync_now_runs_in_a_task_with_the_persons_name_and_reason(doer: Client, upstream: Sandbox, eager: None) -> None:  # noqa: F811
    answer = confirmed(doer, SYNC, "June looks thin", **JUNE_10)
    assert (answer.status_code, answer["Location"]) == (302, f"{RUNS}?feed={FEED}")
    run = SyncRun.objects.get(feed=FEED)
    assert (run.trigger, run.user.username, run.reason, run.status) == ("person", "doer", "June looks thin", "complete")
    span = days(date(2026, 6, 10), date(2026, 6, 11))
    assert (run.span_start, run.span_end, run.nodes) == (span.start, span.end, None)
    assert stored(span) == truth(upstream, span)


def test_named_nodes_are_pulled(doer: Client, upstream: Sandbox, eager: None) -> None:  # noqa: F811
    pull(days(date(2026, 6, 20)), feed="pjm.pnode")
    node = registry.feed(FEED).nodes.followed(sandbox=True)[0]
    confirmed(doer, SYNC, **{**JUNE_10, "scope": "named", "nodes": str(node)})
    assert SyncRun.objects.get(feed=FEED).nodes == [node]


def test_a_snapshot_has_no_span_to_ask_for(doer: Client, upstream: Sandbox, eager: None) -> None:  # noqa: F811
    page = doer.get("/admin/feeds/feed/pjm.pnode/sync/")
    assert list(page.context["form"].fields) == ["reason"]
    confirmed(doer, "/admin/feeds/feed/pjm.pnode/sync/")
    assert SyncRun.objects.get().status == "complete"


def test_what_will_happen_is_shown_before(doer: Client, upstream: Sandbox, settings) -> None:  # noqa: F811
    settings.PJM_RATE_LIMIT_DELAY = 10
    page = doer.post(SYNC, {**JUNE_10, "_show": "1"}).content.decode()
    assert "for 2 windows in at least 2 requests, one every 10 s: 0.3 minutes or more" in page
    assert not SyncRun.objects.exists()


def test_only_what_was_shown_is_done(doer: Client, upstream: Sandbox, eager: None) -> None:  # noqa: F811
    shown = doer.post(SYNC, {**JUNE_10, "_show": "1"}).context["shown"]
    longer = {**JUNE_10, "last": "2026-06-14", "_confirm": "1", "reason": "r"}
    page = doer.post(SYNC, {**longer, "_shown": shown})
    assert "not what you were shown before" in page.content.decode()
    assert not SyncRun.objects.exists()
    assert doer.post(SYNC, {**longer, "_shown": page.context["shown"]}).status_code == 302
    assert SyncRun.objects.get().windows_total == 5


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"last": "2026-06-09"}, "last"),
        ({"last": "2126-06-09"}, "last"),
        ({"first": "June"}, "first"),
        ({"scope": "named"}, "nodes"),
        ({"scope": "named", "nodes": "no such place"}, "nodes"),
        ({"nodes": "51217"}, "scope"),
        ({"reason": "  "}, "reason"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    doer: Client,
    upstream: Sandbox,  # noqa: F811
    change: dict[str, str],
    field: str,
) -> None:
    pull(days(date(2026, 6, 20)), feed="pjm.pnode")
    page = doer.post(SYNC, {**JUNE_10, "reason": "r", **change, "_confirm": "1", "_shown": ""})
    assert list(page.context["form"].errors) == [field]
    assert SyncRun.objects.count() == 1


def test_a_feed_that_cannot_be_reached_is_not_synced(doer: Client, settings) -> None:
    settings.SANDBOX, settings.PJM_API_KEY = "off", ""
    assert "PJM_API_KEY is not set" in doer.get(SYNC).content.decode()
    assert "PJM_API_KEY is not set" in doer.post(SYNC, {**JUNE_10, "_confirm": "1", "reason": "r"}).content.decode()
    assert not SyncRun.objects.exists()


def test_who_may_look_may_not_sync(reader: Client, upstream: Sandbox, eager: None) -> None:  # noqa: F811
    assert {reader.get(SYNC).status_code, confirmed_or_denied(reader, SYNC, **JUNE_10)} == {403}
    assert not SyncRun.objects.exists()


def confirmed_or_denied(client: Client, url: str, **fields: object) -> int:
    return client.post(url, {**fields, "_confirm": "1", "_shown": "x", "reason": "r"}).status_code


def test_an_unknown_feed_is_not_found(doer: Client) -> None:
    assert doer.get("/admin/feeds/feed/pjm.nothing/sync/").status_code == 404


# --- runs and replay -------------------------------------------------------------------------------


def test_a_replay_is_a_run_with_a_name_and_a_reason(doer: Client, upstream: Sandbox, eager: None) -> None:  # noqa: F811
    run = SyncRun.objects.get(pk=pull(days(date(2026, 6, 10))).run_id)
    asked = len(upstream.requests)
    answer = confirmed(doer, RUNS, "the parser was mended", **selected("replay", run))
    again = SyncRun.objects.get(of_run=run)
    assert (answer.status_code, len(upstream.requests)) == (302, asked)
    assert (again.trigger, again.user.username, again.reason, again.status) == ("replay", "doer", "the parser was mended", "complete")


def test_a_run_without_raw_answers_is_left_out(doer: Client, upstream: Sandbox, eager: None) -> None:  # noqa: F811
    run = SyncRun.objects.get(pk=pull(days(date(2026, 6, 10))).run_id)
    Payload.objects.update(dropped_at=NOW)
    page = doer.post(RUNS, selected("replay", run))
    assert "nothing archived: left out" in page.content.decode()
    doer.post(RUNS, {**selected("replay", run), "_confirm": "1", "_shown": page.context["shown"], "reason": "r"})
    assert SyncRun.objects.count() == 1


def test_who_may_look_may_not_replay(reader: Client, upstream: Sandbox, eager: None) -> None:  # noqa: F811
    run = SyncRun.objects.get(pk=pull(days(date(2026, 6, 10))).run_id)
    confirmed_or_denied(reader, RUNS, **selected("replay", run))
    assert SyncRun.objects.count() == 1


def test_a_run_shows_what_hangs_on_it(reader: Client, upstream: Sandbox) -> None:  # noqa: F811
    run = SyncRun.objects.get(pk=pull(days(date(2026, 6, 10), date(2026, 6, 11))).run_id)
    Quarantine.objects.create(run=run, feed=FEED, sandbox=True, row=7, raw="1,2,3", code="bad", reason="does not fit", digest="0" * 64)
    page = reader.get(f"{RUNS}{run.pk}/change/").content.decode()
    for part in ("Raw answers (2)", "Refused rows (1)", "does not fit", "(2)</h2>", "2 of 2 windows", "2026-06-10 04:00Z"):
        assert part in page


def test_a_running_run_tells_how_far_it_is(reader: Client) -> None:
    span = days(date(2026, 6, 10), date(2026, 6, 14))
    run = SyncRun.objects.create(
        feed=FEED, sandbox=True, trigger="person", source="x", span_start=span.start, span_end=span.end, windows_complete=2, requests=3
    )
    told = reader.get(f"{RUNS}{run.pk}/progress/").json()
    assert (told["done"], told["total"], told["finished"]) == (2, 5, False)
    assert told["text"] == "2 of 5 windows, 0 rows read in 3 requests, 0 refused"
    assert f'data-progress="{RUNS}{run.pk}/progress/"' in reader.get(f"{RUNS}{run.pk}/change/").content.decode()
    assert office(staff("nobody")).get(f"{RUNS}{run.pk}/progress/").status_code == 404


# --- gaps ------------------------------------------------------------------------------------------


def gap(upstream: Sandbox) -> Coverage:  # noqa: F811
    upstream.misbehave("error_in_200", feed="rt_hrl_lmps", times=99)
    pull(days(date(2026, 6, 10)))
    upstream.behave()
    return Coverage.objects.get()


def test_a_gap_is_asked_for_again_at_once(doer: Client, upstream: Sandbox, eager: None) -> None:  # noqa: F811
    missing = gap(upstream)
    answer = confirmed(doer, GAPS, "PJM has mended it", **selected("requeue", missing))
    missing.refresh_from_db()
    assert (answer.status_code, missing.status, missing.reason) == (302, "complete", "")
    assert missing.run.reason == "asked again by doer: PJM has mended it"
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.object_id, entry.change_message) == ("doer", str(missing.pk), "Re-queued: PJM has mended it")


def test_until_the_pull_the_window_says_who_asked(doer: Client, upstream: Sandbox) -> None:  # noqa: F811
    missing = gap(upstream)
    Coverage.objects.update(status="lost", attempts=40, next_attempt_at=None)
    confirmed(doer, GAPS, "found elsewhere", **selected("requeue", missing))
    missing.refresh_from_db()
    assert (missing.status, missing.attempts, missing.next_attempt_at) == ("pending", 0, NOW)
    assert missing.reason == "asked again by doer: found elsewhere"


@pytest.mark.parametrize("state", [{"status": "complete", "expected": 1, "stored": 1}, {"node_set": "file:abc"}, {"status": "running"}])
def test_what_is_no_gap_stays_as_it_is(doer: Client, upstream: Sandbox, state: dict[str, object]) -> None:  # noqa: F811
    missing = gap(upstream)
    Coverage.objects.update(**state)
    before = Coverage.objects.values().get()
    page = doer.post(GAPS, selected("requeue", missing))
    doer.post(GAPS, {**selected("requeue", missing), "_confirm": "1", "_shown": page.context["shown"], "reason": "r"})
    assert Coverage.objects.values().get() == before


def test_who_may_look_may_not_requeue(reader: Client, upstream: Sandbox) -> None:  # noqa: F811
    missing = gap(upstream)
    before = Coverage.objects.values().get()
    confirmed_or_denied(reader, GAPS, **selected("requeue", missing))
    assert Coverage.objects.values().get() == before


def test_a_broker_that_is_away_is_said_at_a_sync(doer: Client, upstream: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr("energyopti.feeds.tasks.sync_asked.delay", mock.Mock(side_effect=OperationalError))
    page = confirmed(doer, SYNC, **JUNE_10)
    assert (page.status_code, "No worker can be told just now" in page.content.decode()) == (200, True)


def test_a_reason_is_required(doer: Client, upstream: Sandbox) -> None:  # noqa: F811
    missing = gap(upstream)
    before = Coverage.objects.values().get()
    shown = doer.post(GAPS, selected("requeue", missing)).context["shown"]
    page = doer.post(GAPS, {**selected("requeue", missing), "_confirm": "1", "_shown": shown, "reason": " "})
    assert list(page.context["form"].errors) == ["reason"]
    assert Coverage.objects.values().get() == before


# --- lists -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "most"), [("syncrun", 9), ("coverage", 9), ("payload", 10), ("quarantine", 9), ("upload", 9), ("feed", 6)]
)
def test_a_list_takes_few_queries_however_long_it_is(
    upstream: Sandbox,  # noqa: F811
    path: str,
    most: int,
    django_assert_max_num_queries,
) -> None:
    boss = office(User.objects.create_superuser("boss"))
    for day in (8, 9, 10):
        run = SyncRun.objects.get(pk=pull(days(date(2026, 6, day))).run_id)
        SyncRun.objects.filter(pk=run.pk).update(user=User.objects.get())
        Upload.objects.create(feed=FEED, name="x.csv", size=1, sha256="0" * 64, status="done", run=run, user=User.objects.get())
        Quarantine.objects.create(run=run, feed=FEED, sandbox=True, row=day, raw="x", code="bad", reason="r", digest=f"{day:064}")
    with django_assert_max_num_queries(most):
        page = boss.get(f"/admin/feeds/{path}/")
    assert page.status_code == 200


def test_the_index_takes_few_queries(upstream: Sandbox, django_assert_max_num_queries) -> None:  # noqa: F811
    boss = office(User.objects.create_superuser("boss"))
    pull(days(date(2026, 6, 10)))
    with django_assert_max_num_queries(18):  # six of them open and close the scope of rows
        page = boss.get("/admin/").content.decode()
    assert "last 2026-" in page
    assert "nothing" in page
