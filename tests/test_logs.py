"""Logs: one JSON object a line, with its request, and without secrets."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
import structlog
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from energyopti import logs
from energyopti.organisations import services
from energyopti.organisations.models import User

SECRET = 'PJM"key\\with-ö&more'


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What goes to stderr, through the handler that the settings made."""
    (handler,) = [one for one in logging.getLogger().handlers if isinstance(one.formatter, logs.Redacting)]
    written = io.StringIO()
    monkeypatch.setattr(handler, "stream", written)
    monkeypatch.setattr(logs, "_hidden", set(logs._hidden))
    return written


def told(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_a_line_is_one_json_object(lines: io.StringIO) -> None:
    structlog.get_logger("test").info("price.stored", node=51217, text="two\nlines")
    (line,) = told(lines)
    assert (line["event"], line["node"], line["text"], line["level"], line["logger"]) == (
        "price.stored",
        51217,
        "two\nlines",
        "info",
        "test",
    )


def test_djangos_and_others_lines_are_too(lines: io.StringIO) -> None:
    logging.getLogger("somebody.else").warning("took %s seconds", 3)
    assert told(lines)[0]["event"] == "took 3 seconds"


@pytest.mark.parametrize("readable", [False, True])
def test_no_secret_is_written_however_it_gets_there(lines: io.StringIO, monkeypatch: pytest.MonkeyPatch, readable: bool) -> None:
    """In the message, in an argument, in a structure, in a URL, and in a traceback."""
    logs.hide([SECRET])
    formatter = logs.Redacting(processors=logs._rendering(readable=readable))
    (handler,) = [one for one in logging.getLogger().handlers if isinstance(one.formatter, logs.Redacting)]
    monkeypatch.setattr(handler, "formatter", formatter)
    plain = logging.getLogger("somebody.else")
    plain.error(f"key {SECRET}")
    plain.error("key %s", SECRET)
    structlog.get_logger("test").error(
        "failed", headers={"Ocp-Apim-Subscription-Key": SECRET}, url=f"https://x/?k={logs.quote(SECRET, safe='')}"
    )
    try:
        raise ValueError(SECRET)
    except ValueError:
        plain.exception("broke")
    written = lines.getvalue()
    assert "PJM" not in written
    assert "with-" not in written
    assert written.count(logs.REDACTED) >= 5


def test_the_secrets_are_found_by_their_names() -> None:
    settings = {"PJM_API_KEY": "aaaa1", "SECRET_KEY": "bbbb2", "EMAIL_HOST_PASSWORD": "cccc3", "PJM_TIMEOUT": 30.0, "TITLE": "no"}
    urls = ["postgresql://u:d%40ddd@h/x", "redis://:eeee5@h", "postgresql:///x", "not [a url"]
    assert logs.secrets_of(settings, urls=urls) == {"aaaa1", "bbbb2", "cccc3", "d@ddd", "eeee5"}


def test_a_short_text_is_no_secret(lines: io.StringIO) -> None:
    logs.hide(["", "a", "abc"])
    assert logs.redact("an abacus abc") == "an abacus abc"


def test_this_installations_own_secrets_are_hidden(settings) -> None:
    assert logs.redact(f"x{settings.SECRET_KEY}x") == "x[redacted]x"


@pytest.mark.django_db
def test_a_key_of_ours_is_never_written(lines: io.StringIO) -> None:
    _, secret = services.make_api_key(user=User.objects.create_user("trader"), name="excel")
    logging.getLogger("somebody.else").error("got %s", {"Authorization": f"Bearer {secret}"})
    assert secret.split("_", 2)[2] not in lines.getvalue()
    assert secret[:12] in lines.getvalue()  # its public prefix tells which one


@pytest.mark.django_db
def test_a_request_has_an_id_and_one_line(lines: io.StringIO, client: Client) -> None:
    answer = client.get("/accounts/login/?token=abc")
    (line,) = [line for line in told(lines) if line["event"] == "request.done"]
    assert (line["request_id"], line["method"], line["path"], line["status"]) == (answer["X-Request-ID"], "GET", "/accounts/login/", 200)
    assert len(line["request_id"]) == 32


@pytest.mark.parametrize("given", ["abc-123", "trace:9.f_1"])
def test_a_sane_id_of_the_callers_is_kept(client: Client, given: str) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "two words", "x" * 81, '"}{', "a\x0bb"])
def test_another_is_replaced(client: Client, given: str) -> None:
    assert len(client.get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"]) == 32


def test_one_request_leaves_nothing_to_the_next() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        structlog.contextvars.bind_contextvars(api_key="0a1b2c3d")
        return HttpResponse(logs.request_id())

    answer = logs.RequestLog(view)(RequestFactory().get("/", headers={"X-Request-ID": "one"}))
    assert answer.content == b"one"
    assert (logs.request_id(), logs.api_key()) == ("", "")


def test_probes_do_not_fill_the_log(lines: io.StringIO, client: Client) -> None:
    client.get("/healthz")
    assert lines.getvalue() == ""


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/accounts/invitation/nWq3-_f0123456789abcdefghij.Zz09-_aaaaaaaaaaaaaaaaaaaaa/", "/accounts/invitation/[redacted]/"),
        ("/accounts/reset/MQ/cabcde-0123456789abcdef0123456789abcdef/", "/accounts/reset/MQ/[redacted]/"),
        ("/accounts/reset/MQ/set-password/", "/accounts/reset/MQ/set-password/"),
        ("/accounts/people/acme/", "/accounts/people/acme/"),
    ],
)
def test_the_link_of_a_mail_is_not_written(path: str, written: str) -> None:
    assert logs.redact(f"GET {path} 200") == f"GET {written} 200"
