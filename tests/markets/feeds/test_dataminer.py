"""Where Data Miner 2 is reached, and how it is asked."""

import json
from datetime import timedelta

import pytest

from energyopti.errors import InvalidInput, MalformedAnswer, NotConfigured, UpstreamRefused, UpstreamUnreachable
from energyopti.feeds.feed import Answer, NodeSet, Pull, Request
from energyopti.feeds.registry import upstreams
from energyopti.intervals import Span, market_days
from markets.feeds.dataminer import DataMiner

from .samples import DAY_AHEAD, FIVE_MINUTE, HOURLY, PNODE, UNVERIFIED, utc

NOW = utc("2026-11-23T15:00")
FOLLOWED = NodeSet("followed", (1, 51217))


@pytest.fixture(autouse=True)
def _with_a_sandbox(settings):
    settings.SANDBOX, settings.SANDBOX_URL = "auto", "http://127.0.0.1:9/"
    settings.PJM_API_KEY, settings.PJM_BASE_URL = "", "https://api.pjm.com/api/v1"
    settings.PJM_MEMBER, settings.PJM_RATE_LIMIT_DELAY = False, ""
    settings.PJM_TIMEOUT, settings.PJM_MAX_RETRIES, settings.PJM_CACHE_DURATION = 30.0, 3, 300


def answer(body: object, status: int = 200) -> Answer:
    raw = json.dumps(body).encode()
    return Answer(status, "http://127.0.0.1:9/api/v1", {}, raw, raw, "")


class Ask:
    """Answers the question for metadata, and counts."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers, self.asked = list(answers), []

    def __call__(self, request: Request) -> Answer:
        self.asked.append(request)
        told = self.answers.pop(0)
        if isinstance(told, Exception):
            raise told
        return told


def windows(start: str, end: str, feed=HOURLY) -> list[Span]:
    return list(market_days(Span(utc(start), utc(end)), feed.zone))


TWO_DAYS = windows("2024-06-03T04:00", "2024-06-05T04:00")


def plan(dialect, feed=HOURLY, *, days=TWO_DAYS, nodes=FOLLOWED, now=NOW, ask):
    return dialect.plan(feed, days, nodes, kinds={}, now=now, ask=ask)


# --- where -----------------------------------------------------------------------------------------


def test_the_dialect_is_registered_under_the_feeds_upstream():
    assert isinstance(upstreams()[HOURLY.upstream], DataMiner)


def test_without_a_key_the_sandbox_answers():
    endpoint = DataMiner().endpoint()
    assert (endpoint.base_url, endpoint.sandbox, endpoint.secret, endpoint.delay) == ("http://127.0.0.1:9/api/v1", True, "", 0.0)
    assert "Ocp-Apim-Subscription-Key" not in endpoint.headers


def test_with_a_key_pjm_answers(settings):
    settings.PJM_API_KEY, settings.PJM_TIMEOUT, settings.PJM_MAX_RETRIES, settings.PJM_CACHE_DURATION = "k3y", 12.0, 5, 60
    endpoint = DataMiner().endpoint()
    assert (endpoint.base_url, endpoint.sandbox, endpoint.secret) == ("https://api.pjm.com/api/v1", False, "k3y")
    assert endpoint.headers == {"Accept": "application/json", "Accept-Encoding": "gzip", "Ocp-Apim-Subscription-Key": "k3y"}
    assert (endpoint.timeout, endpoint.retries, endpoint.cache_seconds) == (12.0, 5, 60)
    assert "k3y" not in repr(endpoint)


def test_the_base_url_can_be_another(settings):
    settings.PJM_API_KEY, settings.PJM_BASE_URL = "k3y", "https://api-train.pjm.com/api/v1"
    assert DataMiner().endpoint().base_url == "https://api-train.pjm.com/api/v1"


def test_sandbox_on_never_sees_the_key(settings):
    settings.SANDBOX, settings.PJM_API_KEY = "on", "k3y"
    endpoint = DataMiner().endpoint()
    assert (endpoint.sandbox, endpoint.secret, "k3y" in endpoint.headers.values()) == (True, "", False)


def test_sandbox_off_without_a_key_names_the_key(settings):
    settings.SANDBOX = "off"
    with pytest.raises(NotConfigured, match="PJM_API_KEY is not set") as refused:
        DataMiner().endpoint()
    assert refused.value.field == "PJM_API_KEY"


def test_a_sandbox_that_is_not_there_is_named(settings):
    settings.SANDBOX_URL = ""
    with pytest.raises(NotConfigured, match="SANDBOX_URL is not set"):
        DataMiner().endpoint()


@pytest.mark.parametrize(
    ("key", "member", "delay", "seconds"),
    [
        ("k", False, "", 10.0),
        ("k", True, "", 0.1),
        ("k", True, 2.5, 2.5),
        ("k", False, 0.0, 0.0),
        ("", False, "", 0.0),
        ("", True, 1.5, 1.5),
    ],
)
def test_the_pace(settings, key, member, delay, seconds):
    settings.PJM_API_KEY, settings.PJM_MEMBER, settings.PJM_RATE_LIMIT_DELAY = key, member, delay
    assert DataMiner().endpoint().delay == seconds


# --- one question ----------------------------------------------------------------------------------


def test_a_question_names_the_beginnings_of_its_first_and_last_interval():
    span = Span(utc("2024-06-03T04:00"), utc("2024-06-05T04:00"))
    pull = Pull(HOURLY, (), (span,), (1,), {"pnode_id": "1", "row_is_current": "all"}, 50_000)
    assert DataMiner().request(pull, span=span, start_row=50_001, page_rows=49_863) == Request(
        "rt_hrl_lmps",
        {
            "pnode_id": "1",
            "row_is_current": "all",
            "startRow": "50001",
            "rowCount": "49863",
            "datetime_beginning_utc": "2024-06-03T04:00to2024-06-05T03:00",
        },
    )


def test_a_five_minute_question_ends_five_minutes_before_the_end():
    span = Span(utc("2024-06-03T04:00"), utc("2024-06-04T04:00"))
    request = DataMiner().request(Pull(FIVE_MINUTE, (), (span,), None, {}, 50_000), span=span, start_row=1, page_rows=50_000)
    assert request.params["datetime_beginning_utc"] == "2024-06-03T04:00to2024-06-04T03:55"


def test_a_snapshot_is_asked_without_a_date():
    [pull] = DataMiner().plan(PNODE, windows("2026-11-23T05:00", "2026-11-24T05:00"), NodeSet("all"), kinds={}, now=NOW, ask=Ask())
    request = DataMiner().request(pull, span=None, start_row=1, page_rows=pull.page_rows)
    assert (pull.spans, request) == ((None,), Request("pnode", {"startRow": "1", "rowCount": "50000"}))


# --- the archive's cutoff --------------------------------------------------------------------------


def test_the_cutoff_is_the_one_of_the_metadata():
    ask = Ask(answer({"enableArchiving": True, "archiveCutoffDays": 2000}))
    [pull] = plan(DataMiner(), ask=ask)
    assert (pull.params, ask.asked) == ({"pnode_id": "1;51217", "row_is_current": "all"}, [Request("rt_hrl_lmps/metadata", {})])


@pytest.mark.parametrize(
    "told",
    [answer({}), answer({"message": "Not found"}, 404), UpstreamRefused("no"), answer({"errors": ["no"]}), MalformedAnswer("no")],
    ids=["silent", "404", "refused", "error in a 200", "malformed"],
)
def test_where_the_metadata_do_not_say_so_the_guides_figure_counts(told):
    pulls = plan(DataMiner(), ask=Ask(told))
    assert [pull.params for pull in pulls] == [{"row_is_current": "all"}] * 2  # by the rules of the archive


def test_an_upstream_that_cannot_be_reached_is_not_taken_for_an_answer():
    with pytest.raises(UpstreamUnreachable):
        plan(DataMiner(), ask=Ask(UpstreamUnreachable("no answer")))


def test_the_cutoff_is_asked_once_a_day_and_feed():
    dialect, said = DataMiner(), answer({"enableArchiving": True, "archiveCutoffDays": 2000})
    ask = Ask(said, said, said)
    for feed, now in ((HOURLY, NOW), (HOURLY, NOW + timedelta(hours=23)), (DAY_AHEAD, NOW), (HOURLY, NOW + timedelta(hours=25))):
        plan(dialect, feed, now=now, ask=ask)
    assert [request.path for request in ask.asked] == ["rt_hrl_lmps/metadata", "da_hrl_lmps/metadata", "rt_hrl_lmps/metadata"]


def test_the_sandboxs_cutoff_is_not_pjms(settings):
    dialect, said = DataMiner(), answer({"enableArchiving": True, "archiveCutoffDays": 2000})
    ask = Ask(said, said)
    plan(dialect, ask=ask)
    settings.PJM_API_KEY = "k3y"
    plan(dialect, ask=ask)
    assert len(ask.asked) == 2


def test_a_feed_without_an_archive_asks_no_metadata():
    [pull] = plan(DataMiner(), UNVERIFIED, days=windows("2026-11-22T05:00", "2026-11-23T05:00"), ask=Ask())
    assert pull.params == {"pnode_id": "1;51217"}


def test_no_node_at_all_is_refused_rather_than_asked_as_all():
    with pytest.raises(InvalidInput, match="no node is followed yet") as refused:
        plan(DataMiner(), nodes=NodeSet("followed", ()), ask=Ask())
    assert refused.value.field == "nodes"


def test_check_raises_what_pjm_says():
    body = {"errors": [{"field": "Sort", "message": "Custom Sort is not an available option on archived data."}]}
    with pytest.raises(UpstreamRefused, match="Sort: Custom Sort is not an available option on archived data") as refused:
        DataMiner().check(answer(body, 400))
    assert refused.value.field == "Sort"


def test_check_lets_an_answer_pass():
    DataMiner().check(answer({"links": [], "items": [], "totalRows": 0}))
