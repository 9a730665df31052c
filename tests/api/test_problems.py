"""Every error is application/problem+json under /api/, whoever raised it."""

from __future__ import annotations

import io
import time
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from rest_framework import exceptions

from energyopti.api import problems
from energyopti.api.parsers import BodyTooLarge, StrictJSONParser

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.probe")]
FIELDS = ["type", "title", "status", "detail", "instance", "request_id", "errors"]


def problem(answer: Any) -> dict[str, Any]:
    """The body, after what all problems have in common."""
    body = answer.json()
    assert answer["Content-Type"] == "application/problem+json"
    assert list(body) == FIELDS
    assert body["status"] == answer.status_code
    assert body["request_id"] == answer["X-Request-ID"]
    assert body["instance"] == answer.wsgi_request.path
    return body


def test_an_error_of_ours_names_rule_field_and_status(program: Client) -> None:
    body = problem(program.get("/api/v1/probe/raises/naive", headers={"X-Request-ID": "req-1"}))
    assert body == {
        "type": "urn:energyopti:problem:naive-time",
        "title": "Naive time",
        "status": 400,
        "detail": "'2024-01-01' has no offset from UTC",
        "instance": "/api/v1/probe/raises/naive",
        "request_id": "req-1",
        "errors": [{"pointer": "?start_time", "code": "naive-time", "detail": "'2024-01-01' has no offset from UTC"}],
    }


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [
        ("upstream", 502, "upstream-unreachable"),
        ("http404", 404, "not-found"),
        ("denied", 403, "permission-denied"),
        ("throttled", 429, "too-many-requests"),
        ("bug", 500, "internal-error"),
    ],
)
def test_each_error_has_its_status_and_code(program: Client, what: str, status: int, code: str) -> None:
    body = problem(program.get(f"/api/v1/probe/raises/{what}"))
    assert (body["status"], body["type"], body["errors"]) == (status, f"urn:energyopti:problem:{code}", [])


def test_a_throttled_answer_says_when_to_come_again(program: Client) -> None:
    assert program.get("/api/v1/probe/raises/throttled")["Retry-After"] == "17"


def test_a_bug_shows_nothing_of_the_insides(program: Client) -> None:
    assert b"insides" not in program.get("/api/v1/probe/raises/bug").content


def test_a_missing_row_says_nothing_of_what_was_looked_for(program: Client) -> None:
    assert b"User 7" not in program.get("/api/v1/probe/raises/http404").content


def test_a_wrong_body_is_pointed_at_leaf_by_leaf(program: Client) -> None:
    answer = program.post("/api/v1/probe/asks", {"orders": [{"quantity": 2}, {"quantity": 0}]}, content_type="application/json")
    body = problem(answer)
    assert (body["status"], body["type"]) == (400, "urn:energyopti:problem:invalid-input")
    assert [(fault["pointer"], fault["code"]) for fault in body["errors"]] == [("#/orders/1/quantity", "min-value")]


def test_a_missing_field_is_pointed_at(program: Client) -> None:
    body = problem(program.post("/api/v1/probe/asks", {}, content_type="application/json"))
    assert body["errors"] == [{"pointer": "#/orders", "code": "required", "detail": "This field is required."}]


def test_several_faults_are_told_at_once(program: Client) -> None:
    body = problem(program.get("/api/v1/probe/takes?nodes=1&zone=C"))
    assert (body["status"], body["type"]) == (400, "urn:energyopti:problem:invalid-input")
    assert [(fault["pointer"], fault["code"]) for fault in body["errors"]] == [("?nodes", "unknown-parameter"), ("?zone", "invalid-input")]
    assert body["detail"] == "; ".join(fault["detail"] for fault in body["errors"])


@pytest.mark.parametrize("method", ["get", "head", "post", "options"])
def test_an_unknown_parameter_stands_in_the_query_whatever_the_method(with_key: Any, method: str) -> None:
    answer = getattr(with_key("write"), method)("/api/v1/probe/writes?x=1")
    assert answer.status_code == 400
    if method != "head":
        assert [fault["pointer"] for fault in problem(answer)["errors"]] == ["?x"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{", "line 1 column 2 (char 1)"),
        ('{"orders":\n [1,]}', "line 2 column 5 (char 15)"),
        ("", ""),
        (b"\xff", "position 0"),
        ('{"a": 1, "a": 2}', "'a' stands twice in one object"),
        ('{"a": NaN}', "NaN is not a number of JSON"),
        ('{"a": "\\u0000"}', "U+0000 is not allowed"),
        ('{"a": "\\ud800"}', "half a surrogate pair"),
        ("[" * 200_000, "more than 32 lists and objects inside each other"),
        ("[" * 925 + "]" * 925, "more than 32 lists and objects inside each other"),
        ("[" * 33 + "]" * 33, "more than 32 lists and objects inside each other"),
        ('{"a":' * 33 + "1" + "}" * 33, "more than 32 lists and objects inside each other"),
        ('{"\\u0000": 1}', "U+0000 is not allowed"),
        ('{"a": [{"\\ud800": 1}]}', "half a surrogate pair"),
    ],
)
def test_a_body_that_is_no_json_says_where(program: Client, body: str | bytes, told: str) -> None:
    answer = problem(program.post("/api/v1/probe/asks", body, content_type="application/json"))
    assert answer["status"] == 400
    assert [fault["pointer"] for fault in answer["errors"]] == ["#" if told else "#/orders"]
    assert told in answer["errors"][0]["detail"]


def test_names_by_the_thousand_are_read_in_no_time(program: Client) -> None:
    names = [f'"name{number}": 1' for number in range(25_000)]
    before = time.process_time()
    answer = problem(program.post("/api/v1/probe/asks", f"{{{', '.join([*names, names[-1]])}}}", content_type="application/json"))
    assert "'name24999' stands twice in one object" in answer["errors"][0]["detail"]
    assert time.process_time() - before < 5  # it was a minute


@pytest.mark.parametrize("text", ["\\\\u0000", "32 deep"])
def test_a_body_that_only_looks_wrong_is_read(program: Client, text: str) -> None:
    """A backslash before u0000 is two characters of a text, not U+0000."""
    body = f'{{"a": "{text}"}}' if "u0000" in text else "[" * 32 + "1" + "]" * 32
    told = problem(program.post("/api/v1/probe/asks", body, content_type="application/json"))
    assert told["type"].endswith("invalid-input")


def test_a_small_body_gets_no_large_answer(program: Client) -> None:
    many = {f"n{number}": 1 for number in range(5_000)}
    for body in (many, {"x" * 100_000: 1}, {"orders": [{"quantity": "y" * 100_000}]}, {"orders": [many] * 100}):
        answer = program.post("/api/v1/probe/asks", body, content_type="application/json")
        assert len(answer.content) < 30_000, body
    told = problem(program.post("/api/v1/probe/asks", many, content_type="application/json"))
    assert len(told["errors"]) == 100
    assert told["detail"].endswith("; and 4990 more")
    parameters = problem(program.get("/api/v1/probe/takes?" + "&".join(f"{name}=1" for name in [*many][:300])))
    assert (len(parameters["errors"]), parameters["detail"][-13:]) == (100, " and 290 more")
    long = problem(program.get(f"/api/v1/probe/takes?zone={'z' * 10_000}"))
    assert len(long["detail"]) < 300


def test_a_list_that_is_too_long_is_one_fault(program: Client) -> None:
    """What it lists is not looked at."""
    told = problem(program.post("/api/v1/probe/asks", {"orders": [7] * 1001}, content_type="application/json"))
    assert told["errors"] == [{"pointer": "#/orders", "code": "max-length", "detail": "this lists 1001; at most 1000"}]


def test_a_body_that_is_too_large_is_413(program: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    small, large = ('{"orders": [{"quantity": 2}]}' + " " * blanks for blanks in (971, 972))
    assert program.post("/api/v1/probe/asks", small, content_type="application/json").status_code == 201
    answer = problem(program.post("/api/v1/probe/asks", large, content_type="application/json"))
    assert (answer["status"], answer["type"]) == (413, "urn:energyopti:problem:body-too-large")


def test_a_body_that_does_not_say_how_long_it_is_is_cut_off(settings: Any) -> None:
    """Sent in chunks it has no Content-Length that could be looked at first."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    stream = io.BytesIO(b"[" + b" " * 1000 + b"]")
    with pytest.raises(BodyTooLarge, match="the body is larger than 10 bytes"):
        StrictJSONParser().parse(stream)
    assert stream.tell() == 11


def test_a_form_that_is_too_large_is_413_outside_of_the_api_as_well(client: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    answer = client.post("/accounts/login/", "username=" + "a" * 20, content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer["Content-Type"]) == (413, "text/html; charset=utf-8")


def test_a_name_with_a_slash_is_escaped_in_its_pointer() -> None:
    error = exceptions.ValidationError({"a/b": {"c~d": ["no"]}})
    assert [fault.pointer for fault in problems.problem_of(error).errors] == ["#/a~1b/c~0d"]


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        ("{", "application/json", 400, "malformed-body"),
        ("quantity=3", "application/x-www-form-urlencoded", 415, "unsupported-media-type"),
    ],
)
def test_a_body_that_cannot_be_read(program: Client, body: str, kind: str, status: int, code: str) -> None:
    answer = problem(program.post("/api/v1/probe/asks", body, content_type=kind))
    assert (answer["status"], answer["type"]) == (status, f"urn:energyopti:problem:{code}")


def test_a_method_that_is_not_there_names_those_that_are(program: Client) -> None:
    answer = program.delete("/api/v1/probe/takes")
    assert answer.status_code == 403  # a key that reads is not told more
    assert problem(answer)["type"] == "urn:energyopti:problem:scope-too-small"


def test_a_form_that_nobody_speaks_is_406(program: Client) -> None:
    body = problem(program.get("/api/v1/me", headers={"Accept": "application/pdf"}))
    assert (body["status"], body["type"]) == (406, "urn:energyopti:problem:not-acceptable")


def test_an_unknown_parameter_names_the_known_ones(program: Client) -> None:
    body = problem(program.get("/api/v1/probe/takes?nodes=1"))
    assert (body["status"], body["type"]) == (400, "urn:energyopti:problem:unknown-parameter")
    assert body["detail"] == "unknown parameter 'nodes'; known are node, zone"
    assert [fault["pointer"] for fault in body["errors"]] == ["?nodes"]


def test_where_no_parameter_is_known_it_says_so(program: Client) -> None:
    assert problem(program.get("/api/v1/me?x=1"))["detail"] == "unknown parameter 'x'; this endpoint takes none"


def test_a_stranger_learns_no_parameters(client: Client) -> None:
    assert problem(client.get("/api/v1/probe/takes?nodes=1"))["status"] == 401


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("path", ["/api/", "/api/v1/nothing", "/api/v2/feeds", "/api/v1/feeds/"])
def test_an_unknown_address_is_a_problem(client: Client, settings, path: str, debug: bool) -> None:
    settings.DEBUG = debug
    body = problem(client.get(path))
    assert (body["status"], body["type"]) == (404, "urn:energyopti:problem:not-found")


def test_a_view_outside_drf_that_breaks_is_a_problem_too() -> None:
    body = problem(Client(raise_request_exception=False).get("/api/v1/probe/plain"))
    assert (body["status"], body["type"]) == (500, "urn:energyopti:problem:internal-error")


def test_elsewhere_an_error_is_a_page() -> None:
    answer = Client(raise_request_exception=False).get("/probe/page", headers={"X-Request-ID": "req-7"})
    assert (answer.status_code, answer["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert "Request req-7" in answer.content.decode()
    assert "insides" not in answer.content.decode()


def test_an_unknown_page_is_a_page(client: Client) -> None:
    answer = client.get("/nothing")
    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_a_host_that_is_not_ours_is_a_problem(client: Client) -> None:
    body = problem(client.get("/api/v1/me", headers={"Host": "evil.example"}))
    assert (body["status"], body["type"]) == (400, "urn:energyopti:problem:bad-request")


def test_a_form_without_its_token_is_told_what_to_do() -> None:
    answer = Client(enforce_csrf_checks=True).post("/accounts/login/", {"username": "a", "password": "b"})
    assert answer.status_code == 403
    assert "load the page again" in answer.content.decode()


def test_a_database_that_does_not_answer_is_503_with_a_time_to_ask_again(program: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(secret: str) -> None:
        raise OperationalError("couldn't get a connection after 5.00 sec")

    monkeypatch.setattr("energyopti.api.auth.api_key_for", none_left)
    answer = program.get("/api/v1/probe/writes")
    assert (problem(answer)["type"], answer.status_code, answer["Retry-After"]) == ("urn:energyopti:problem:database-away", 503, "5")
    assert "connection" not in answer.json()["detail"]
