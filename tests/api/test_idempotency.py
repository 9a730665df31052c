"""A POST that writes is done once, whatever happens between the two ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from energyopti import schedule
from energyopti.api import idempotency
from energyopti.api.models import KeptAnswer
from energyopti.api.tasks import drop_kept_answers
from energyopti.organisations import services
from energyopti.organisations.models import APIKey, Organisation, User
from tests.api import writing

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.writing")]
FOUNDS = "/api/v1/probe/founds"


@pytest.fixture(autouse=True)
def nothing_sent() -> Iterator[None]:
    yield
    writing.sent.clear()
    writing.entered.clear()
    writing.go_on.clear()


@pytest.fixture
def writer(with_key: Callable[..., Client]) -> Client:
    return with_key("write")


def post(client: Client, body: object, *, key: str | None = "k-1", to: str = FOUNDS) -> Any:
    return client.post(to, body, content_type="application/json", headers={"Idempotency-Key": key} if key is not None else {})


def kind(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:energyopti:problem:")


def test_the_same_request_again_gets_the_same_answer_letter_by_letter(writer: Client) -> None:
    first, second = post(writer, {"slug": "acme"}), post(writer, {"slug": "acme"})
    assert (first.status_code, first.json()["name"], first.has_header("Idempotent-Replayed")) == (201, "acme \N{WIND BLOWING FACE}", False)
    assert (second.status_code, second.content, second["Idempotent-Replayed"]) == (201, first.content, "true")
    assert second["Content-Type"] == first["Content-Type"] == "application/json"
    assert Organisation.objects.count() == 1


def test_a_body_counts_by_its_content(writer: Client) -> None:
    assert post(writer, '{"slug":"acme","then":null}').status_code == 201
    assert post(writer, ' {"then": null,\n "slug": "\\u0061cme"}')["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("body", "to"),
    [
        ({"slug": "other"}, FOUNDS),
        ({"slug": "acme", "then": None}, FOUNDS),
        ({"slug": "acme"}, "/api/v1/probe/others"),
    ],
)
def test_the_same_key_for_another_request_is_422_and_does_nothing(writer: Client, body: object, to: str) -> None:
    post(writer, {"slug": "acme"})
    answer = post(writer, body, to=to)
    assert kind(answer) == (422, "idempotency-key-reused")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["header Idempotency-Key"]
    assert list(Organisation.objects.values_list("slug", flat=True)) == ["acme"]


def test_another_key_is_another_request(writer: Client) -> None:
    assert post(writer, {"slug": "acme"}, key="k-1").status_code == 201
    assert kind(post(writer, {"slug": "acme"}, key="k-2"))[1] == "name-taken"


def test_a_key_belongs_to_its_user_over_all_his_programs(user: User, writer: Client) -> None:
    post(writer, {"slug": "acme"})
    _, secret = services.make_api_key(user=user, name="second", scope=APIKey.Scope.WRITE)
    same_user = Client(headers={"Authorization": f"Bearer {secret}"})
    assert post(same_user, {"slug": "acme"})["Idempotent-Replayed"] == "true"
    stranger = User.objects.create_user("stranger")
    _, secret = services.make_api_key(user=stranger, name="robot", scope=APIKey.Scope.WRITE)
    answer = post(Client(headers={"Authorization": f"Bearer {secret}"}), {"slug": "beta"})
    assert (answer.status_code, answer.json()["slug"]) == (201, "beta")


@pytest.mark.parametrize("key", [None, "", "with blank", "ümlaut", "x" * 201, "tab\tinside"])
def test_without_a_usable_key_nothing_is_done(writer: Client, key: str | None) -> None:
    answer = post(writer, {"slug": "acme"}, key=key)
    assert kind(answer) == (400, "idempotency-key")
    assert "Idempotency-Key" in answer.json()["detail"]
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["header Idempotency-Key"]
    assert not Organisation.objects.exists()


def test_the_longest_key_there_may_be(writer: Client) -> None:
    assert post(writer, {"slug": "acme"}, key="~" * 200).status_code == 201


@pytest.mark.parametrize(("then", "status"), [("invalid", 400), ("bug", 500), ("refuse", 409)])
def test_what_goes_wrong_leaves_nothing_and_may_be_tried_again(
    with_key: Callable[..., Client], django_capture_on_commit_callbacks: Any, then: str, status: int
) -> None:
    writer = with_key("write")
    writer.raise_request_exception = False
    with django_capture_on_commit_callbacks(execute=True):
        assert post(writer, {"slug": "acme", "then": then}).status_code == status
    assert (Organisation.objects.exists(), KeptAnswer.objects.exists(), writing.sent) == (False, False, [])
    with django_capture_on_commit_callbacks(execute=True):
        assert post(writer, {"slug": "acme"}).status_code == 201
    assert writing.sent == ["acme"]


def test_what_is_sent_on_commit_is_sent_once(writer: Client, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        post(writer, {"slug": "acme"})
        post(writer, {"slug": "acme"})
    assert writing.sent == ["acme"]


def test_an_answer_that_cannot_be_kept_undoes_the_work(writer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the process died between the two: they stand or fall together."""
    monkeypatch.setattr(idempotency, "_digest", lambda request: "no digest")
    writer.raise_request_exception = False
    assert post(writer, {"slug": "acme"}).status_code == 500
    assert not Organisation.objects.exists()


def test_a_key_that_may_only_read_is_refused_before_all(program: Client) -> None:
    assert kind(post(program, {"slug": "acme"})) == (403, "scope-too-small")
    assert (Organisation.objects.exists(), KeptAnswer.objects.exists()) == (False, False)


# --- two at the same time ----------------------------------------------------------------------------


@pytest.fixture
def secret(transactional_db: None) -> str:
    return services.make_api_key(user=User.objects.create_user("trader"), name="robot", scope=APIKey.Scope.WRITE)[1]


def in_thread(work: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.django_db(transaction=True)
def test_while_one_is_under_way_the_same_key_is_409(secret: str) -> None:
    answers: list[Any] = []
    headers = {"Authorization": f"Bearer {secret}"}
    slow = in_thread(lambda: answers.append(post(Client(headers=headers), {"slug": "acme", "then": "wait"})))
    try:
        assert writing.entered.wait(20)
        meanwhile = post(Client(headers=headers), {"slug": "acme", "then": "wait"})
        other = post(Client(headers=headers), {"slug": "beta"}, key="k-2")
    finally:
        writing.go_on.set()
        slow.join(20)
    assert (kind(meanwhile), other.status_code, answers[0].status_code) == ((409, "in-progress"), 201, 201)
    again = post(Client(headers=headers), {"slug": "acme", "then": "wait"})
    assert (again.content, again["Idempotent-Replayed"]) == (answers[0].content, "true")
    assert sorted(Organisation.objects.values_list("slug", flat=True)) == ["acme", "beta"]


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_does_it(secret: str) -> None:
    start, answers = threading.Barrier(6), []
    lock = threading.Lock()

    def ask() -> None:
        start.wait(20)
        answer = post(Client(headers={"Authorization": f"Bearer {secret}"}), {"slug": "acme"})
        with lock:
            answers.append(answer)

    for thread in [in_thread(ask) for _ in range(6)]:
        thread.join(30)
    done = [answer for answer in answers if answer.status_code == 201]
    assert [answer.status_code for answer in answers if answer not in done] == [409] * (6 - len(done))
    assert len({answer.content for answer in done}) == 1
    assert sum(not answer.has_header("Idempotent-Replayed") for answer in done) == 1
    assert (Organisation.objects.count(), KeptAnswer.objects.count(), writing.sent) == (1, 1, ["acme"])


# --- the table ----------------------------------------------------------------------------------------

INSERT = "INSERT INTO api_keptanswer (user_id, key, request_hash, status, body, created_at) VALUES (%s, %s, %s, %s, '{}', now())"


@pytest.mark.parametrize(
    ("changed", "constraint"),
    [
        ({}, "keptanswer_key_once"),
        ({"key": "two words"}, "keptanswer_key_visible_ascii"),
        ({"key": ""}, "keptanswer_key_visible_ascii"),
        ({"key": "k-2", "status": 404}, "keptanswer_only_success"),
        ({"key": "k-2", "hash": "short"}, "keptanswer_hash_is_sha256"),
    ],
)
def test_the_database_guards_its_rules_itself(user: User, changed: dict[str, Any], constraint: str) -> None:
    row = {"user": user.pk, "key": "k-1", "hash": "0" * 64, "status": 201}
    with connection.cursor() as cursor:
        cursor.execute(INSERT, list(row.values()))
        with pytest.raises(IntegrityError, match=constraint):
            cursor.execute(INSERT, list((row | changed).values()))


def test_answers_are_kept_for_a_week(user: User) -> None:
    now = datetime(2026, 3, 8, 12, tzinfo=UTC)
    for key, age in (("old", timedelta(days=7, seconds=1)), ("young", timedelta(days=7))):
        KeptAnswer.objects.create(user=user, key=key, request_hash="0" * 64, status=201, body="{}", created_at=now - age)
    assert idempotency.drop_old(now=now) == 1
    assert KeptAnswer.objects.get().key == "young"


def test_old_ones_go_by_the_clock(user: User) -> None:
    entry = next(entry for entry in schedule.entries() if entry.task == drop_kept_answers.name)
    assert (entry.cadence, entry.zone) == ("45 4 * * *", "UTC")
    KeptAnswer.objects.create(
        user=user, key="old", request_hash="0" * 64, status=201, body="{}", created_at=datetime(2020, 1, 1, tzinfo=UTC)
    )
    assert drop_kept_answers() == 1


# --- nobody forgets it ------------------------------------------------------------------------------


def endpoints(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from endpoints(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern) and hasattr(pattern.callback, "cls"):
            yield prefix + str(pattern.pattern), pattern.callback.cls


def test_every_endpoint_that_writes_demands_a_key() -> None:
    found = dict(endpoints(get_resolver("energyopti.urls").url_patterns))
    assert "api/v1/me" in found
    careless = [
        f"{method} {address}"
        for address, view in found.items()
        for method in ("post", "put", "patch", "delete")
        if (handler := getattr(view, method, None)) and not getattr(view, "reads_only", False) and not idempotency.is_idempotent(handler)
    ]
    assert careless == []
