"""Budgets: what is counted, what is told, and what happens without Redis."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import redis
import structlog
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from energyopti.api import throttles
from energyopti.api.throttles import Budget
from energyopti.organisations import services
from energyopti.organisations.models import APIKey, User

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.probe")]
ME, WINDOW = "/api/v1/me", 60


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Redis lives longer than a test; so does what this process remembers of its outage."""
    throttles._outage.cache_clear()
    forget()
    yield
    forget()


def forget() -> None:
    server = redis.Redis.from_url(django_settings.REDIS_URL)
    if keys := list(server.scan_iter("energyopti:budget:*")):
        server.delete(*keys)


def told(answer) -> tuple[int, int, int]:
    return tuple(int(answer[f"RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset"))


def test_each_answer_tells_what_is_left(program: Client, settings) -> None:
    settings.API_RATE = "5/minute"
    assert told(program.get(ME))[:2] == (5, 4)
    answer = program.get(ME)
    limit, remaining, reset = told(answer)
    assert (limit, remaining, answer["RateLimit-Policy"]) == (5, 3, "5;w=60")
    assert 110 <= reset <= 120  # this window, and the next in which it fades


def test_a_budget_that_is_used_up_is_a_problem_with_retry_after(program: Client, settings) -> None:
    settings.API_RATE = "2/minute"
    assert [program.get(ME).status_code for _ in range(2)] == [200, 200]
    answer = program.get(ME)
    problem = answer.json()
    assert (answer.status_code, answer["Content-Type"], problem["type"]) == (
        429,
        "application/problem+json",
        "urn:energyopti:problem:too-many-requests",
    )
    assert told(answer)[:2] == (2, 0)
    assert problem["detail"] == f"your budget is used up; ask again in {answer['Retry-After']} s"
    assert 60 <= int(answer["Retry-After"]) <= 91  # the two of this window fade to one by half of the next


def test_the_budget_comes_back(program: Client, settings) -> None:
    settings.API_RATE = "2 per 3 seconds"
    assert [program.get(ME).status_code for _ in range(3)] == [200, 200, 429]
    time.sleep(int(program.get(ME)["Retry-After"]))
    assert program.get(ME).status_code == 200


def test_what_is_refused_costs_nothing_more(program: Client, settings) -> None:
    settings.API_RATE = "1/minute"
    program.get(ME)
    waits = [int(program.get(ME)["Retry-After"]) for _ in range(5)]
    assert max(waits) <= 61


def test_each_key_has_its_own(with_key: Callable[..., Client], settings) -> None:
    settings.API_RATE = "1/minute"
    one, other = with_key("read"), with_key("write")
    assert [one.get(ME).status_code, other.get(ME).status_code, one.get(ME).status_code] == [200, 200, 429]


def test_a_person_has_one_for_all_sessions_beside_the_keys(user: User, program: Client, settings) -> None:
    settings.API_RATE = "1/minute"
    desk, phone = Client(), Client()
    desk.force_login(user)
    phone.force_login(user)
    assert [desk.get(ME).status_code, phone.get(ME).status_code, program.get(ME).status_code] == [200, 429, 200]


def test_a_wrong_parameter_and_a_scope_too_small_cost_as_much(program: Client, settings) -> None:
    settings.API_RATE = "3/minute"
    statuses = [
        program.get(f"{ME}?x=1").status_code,
        program.post("/api/v1/probe/writes", {}, content_type="application/json").status_code,
        program.get(ME, headers={"Accept": "application/pdf"}).status_code,
    ]
    assert statuses == [400, 403, 406]
    assert told(program.get(ME))[1] == 0


def test_strangers_are_limited_by_address(settings) -> None:
    settings.API_STRANGER_RATE = "2/minute"
    wrong = {"Authorization": "Bearer eo_12345678_x"}
    answers = [Client(REMOTE_ADDR="192.0.2.1").get(ME, headers=headers) for headers in ({}, wrong, wrong)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert [told(answer)[:2] for answer in answers] == [(2, 1), (2, 0), (2, 0)]
    assert answers[0]["WWW-Authenticate"] == 'Bearer realm="EnergyOpti"'
    assert Client(REMOTE_ADDR="192.0.2.2").get(ME).status_code == 401


def test_a_good_key_gets_through_from_an_address_that_others_used_up(program: Client, settings) -> None:
    settings.API_STRANGER_RATE = "1/minute"
    assert [Client().get(ME).status_code for _ in range(2)] == [401, 429]
    assert program.get(ME).status_code == 200


def test_a_forwarded_address_is_not_believed(settings) -> None:
    settings.API_STRANGER_RATE = "1/minute"
    answers = [Client().get(ME, headers={"X-Forwarded-For": f"192.0.2.{last}"}) for last in range(2)]
    assert [answer.status_code for answer in answers] == [401, 429]


def test_a_customers_ipv6_network_is_one_stranger(settings) -> None:
    settings.API_STRANGER_RATE = "1/minute"
    addresses = ["2001:db8:1:2::1", "2001:db8:1:2:ffff::1", "2001:db8:1:3::1"]
    assert [Client(REMOTE_ADDR=address).get(ME).status_code for address in addresses] == [401, 429, 401]


def test_a_stream_costs_ten(program: Client, settings) -> None:
    settings.API_RATE = "100/minute"
    assert told(program.get("/api/v1/feeds"))[1] == 99
    assert told(program.get("/api/v1/feeds?format=csv"))[1] == 89
    assert told(program.get("/api/v1/feeds", headers={"Accept": "text/csv"}))[1] == 79
    assert told(program.head("/api/v1/feeds?format=csv"))[1] == 78


def test_a_stream_costs_ten_however_it_is_asked_for(program: Client, settings) -> None:
    settings.API_RATE = "100/minute"

    def left(path: str, body: dict[str, str], **headers: str) -> int:
        return told(program.post(path, body, content_type="application/json", headers=headers))[1]

    assert left("/api/v1/rec/query", {}) == 99
    assert left("/api/v1/rec/query", {"format": "csv"}) == 89
    assert left("/api/v1/rec/query?format=csv", {}) == 79
    assert left("/api/v1/rec/query", {}, Accept="text/csv") == 69


def test_a_posted_stream_that_does_not_fit_is_refused(program: Client, settings) -> None:
    settings.API_RATE = "12/minute"
    asked = [program.post("/api/v1/rec/query", {"format": "csv"}, content_type="application/json") for _ in range(2)]
    assert [answer.status_code for answer in asked] == [200, 429]
    assert int(asked[1]["Retry-After"]) > 0


def test_a_stream_that_costs_more_than_the_whole_budget_takes_all_of_it(program: Client, settings) -> None:
    settings.API_RATE = "5/minute"
    assert [program.get("/api/v1/feeds?format=csv").status_code for _ in range(2)] == [200, 429]


def test_a_request_is_one_round_trip(program: Client, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    program.get(ME)
    sent: list[int] = []
    original = redis.connection.AbstractConnection.send_packed_command
    monkeypatch.setattr(
        redis.connection.AbstractConnection,
        "send_packed_command",
        lambda self, command, check_health=True: (sent.append(1), original(self, command, check_health))[1],
    )
    program.get(ME)
    assert len(sent) == 1


def test_after_a_restart_of_redis_the_scripts_are_sent_again(program: Client) -> None:
    redis.Redis.from_url(django_settings.REDIS_URL).script_flush()
    assert told(program.get(ME))[:2] == (600, 599)


def test_without_redis_all_is_let_through_and_told_once_a_minute(program: Client, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(throttles, "_clock", lambda: now)
    settings.REDIS_URL, settings.API_RATE = "redis://:hunter2@127.0.0.1:9/0", "1/minute"
    with structlog.testing.capture_logs() as logs:
        for now in (1000.0, 1001.0, 1007.0, 1050.0, 1061.0):  # noqa: B007 -- the clock
            answer = program.get(ME)
            assert (answer.status_code, answer.has_header("RateLimit-Limit")) == (200, False)
    away = [line for line in logs if line["event"] == "throttle.away"]
    assert [line["reason"] for line in away] == ["ConnectionError", "ConnectionError"]
    assert "hunter2" not in str(logs)


def test_without_an_address_of_redis_nothing_is_counted(program: Client, settings) -> None:
    settings.REDIS_URL, settings.API_RATE = "", "1/minute"
    assert [program.get(ME).status_code for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("text", ["", "many", "600", "0/minute", "600/fortnight"])
def test_a_rate_that_cannot_be_read_is_told_at_the_start(settings, text: str) -> None:
    settings.API_RATE = text
    with pytest.raises(ImproperlyConfigured, match=r"^API_RATE is .*; write for example 600/minute$"):
        throttles.check_settings()


def test_the_key_is_not_in_redis(user: User, settings) -> None:
    key, secret = services.make_api_key(user=user, name="robot", scope=APIKey.Scope.READ)
    Client(headers={"Authorization": f"Bearer {secret}"}).get(ME)
    names = [name.decode() for name in redis.Redis.from_url(django_settings.REDIS_URL).scan_iter("energyopti:budget:*")]
    assert [f"key:{key.pk}" in name for name in names] == [True]
    assert secret not in str(names)


# --- the arithmetic ---------------------------------------------------------------------------------


def used_after(budget: Budget, seconds: float) -> int:
    """What counts later, if nobody asks: as limits' scripts (5.8.0, sliding_window.lua) will have it."""
    turn = budget.now_fades - budget.window  # then this window becomes the last one
    if budget.now and seconds > turn:
        return int(budget.now * max(0.0, budget.now_fades - seconds) / budget.window)
    return int(budget.before * max(0.0, budget.before_fades - seconds) / budget.window) + budget.now


@st.composite
def budgets(draw: st.DrawFn) -> Budget:
    limit = draw(st.integers(1, 50))
    before, now = draw(st.integers(0, limit)), draw(st.integers(0, limit))
    fades = draw(st.floats(0, WINDOW))
    return Budget(limit, WINDOW, False, before, fades if before else 0.0, now, fades + WINDOW if now else 0.0)


@settings(deadline=None)
@given(budgets(), st.data())
def test_retry_after_is_the_first_second_in_which_it_fits(budget: Budget, data: st.DataObject) -> None:
    used = used_after(budget, 0)
    assume(used)
    cost = data.draw(st.integers(max(1, budget.limit - used + 1), budget.limit))
    wait = budget.wait(cost)
    assert used_after(budget, wait) + cost <= budget.limit
    assert wait == 1 or used_after(budget, wait - 1.001) + cost > budget.limit


@settings(deadline=None)
@given(budgets())
def test_after_reset_seconds_all_of_it_is_back(budget: Budget) -> None:
    assert used_after(budget, budget.reset) == 0
    assert 0 <= budget.remaining <= budget.limit
