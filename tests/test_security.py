"""What everybody on the internet meets: headers, hosts, TLS, cookies, sizes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import get_resolver

from energyopti import bodies
from energyopti.organisations.models import User

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parent.parent
LIMIT = django_settings.DATA_UPLOAD_MAX_MEMORY_SIZE
PAGES = ["/accounts/login/", "/accounts/reset/", "/api/docs/", "/api/v1/me", "/nothing", "/healthz", "/metrics", "/admin/login/"]


def policy(answer: Any) -> dict[str, str]:
    rules = answer["Content-Security-Policy"].split("; ")
    return {name: value for name, _, value in (rule.partition(" ") for rule in rules)}


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_says_what_a_browser_may_do_with_it(client: Client, path: str) -> None:
    answer = client.get(path)
    told = {name: answer[name] for name in ("X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy")}
    assert told == {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"}
    assert (answer["Cross-Origin-Opener-Policy"], answer["Cross-Origin-Resource-Policy"]) == ("same-origin", "same-origin")
    assert {"camera=()", "geolocation=()", "microphone=()"} <= set(answer["Permissions-Policy"].split(", "))


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_loaded_from_elsewhere_and_nothing_inline(client: Client, path: str) -> None:
    rules = policy(client.get(path))
    assert {rules[name] for name in ("default-src", "script-src", "style-src", "font-src", "connect-src", "form-action")} == {"'self'"}
    assert {rules[name] for name in ("object-src", "worker-src", "frame-src", "frame-ancestors")} == {"'none'"}
    assert "unsafe" not in str(rules)


def test_where_tls_is_asked_for_plain_links_are_upgraded(client: Client, settings: Any) -> None:
    assert "upgrade-insecure-requests" not in policy(client.get("/healthz"))
    settings.SECURE_SSL_REDIRECT = True
    assert policy(client.get("/accounts/login/", secure=True))["upgrade-insecure-requests"] == ""


def test_a_host_that_is_not_ours_is_refused_without_its_name(client: Client) -> None:
    for path in ("/accounts/login/", "/api/v1/me"):
        answer = client.get(path, HTTP_HOST="evil.example")
        assert (answer.status_code, b"evil" in answer.content) == (400, False)
    assert client.get("/api/v1/me", HTTP_HOST="evil.example")["Content-Type"] == "application/problem+json"


def test_a_mails_link_cannot_be_turned_to_another_host(client: Client, settings: Any) -> None:
    """The link is made of the request's host, which is one of ours or refused."""
    settings.USE_X_FORWARDED_HOST = False
    answer = client.post(
        "/accounts/reset/", {"email": "somebody@example.com"}, HTTP_HOST="evil.example", HTTP_X_FORWARDED_HOST="evil.example"
    )
    assert answer.status_code == 400


def test_every_address_but_the_known_ones_asks_who_it_is(client: Client) -> None:
    """By the resolver: a page that somebody adds and forgets to guard is found here."""
    opened = {path for path in _plain_paths() if client.get(path).status_code == 200}
    assert opened == {
        "/accounts/login/", "/accounts/reset/", "/accounts/reset/sent/", "/admin/login/", "/admin/jsi18n/",
        "/api/docs/", "/api/schema/", "/healthz", "/metrics",
    } - {"/admin/jsi18n/"}  # fmt: skip


def _plain_paths() -> Iterator[str]:
    """Addresses without parameters."""
    for name in get_resolver().reverse_dict:
        for possibility, *_ in get_resolver().reverse_dict.getlist(name):
            for route, parameters in possibility:
                if not parameters:
                    yield f"/{route}"
    yield from _of_namespaces()


def _of_namespaces() -> Iterator[str]:
    for prefix, resolver in get_resolver().namespace_dict.values():
        for name in resolver.reverse_dict:
            for possibility, *_ in resolver.reverse_dict.getlist(name):
                yield from (f"/{prefix}{route}" for route, parameters in possibility if not parameters)


# --- sizes -----------------------------------------------------------------------------------------


def test_a_form_that_is_too_large_is_refused(client: Client) -> None:
    answer = client.post("/accounts/login/", {"username": "x" * LIMIT, "password": "y"})
    assert (answer.status_code, f"{LIMIT} bytes" in answer.content.decode()) == (413, True)


def test_json_that_is_too_large_is_a_problem(client: Client) -> None:
    answer = client.post("/api/v1/me", b"[" + b"1," * LIMIT + b"1]", content_type="application/json")
    problem = answer.json()
    assert (answer.status_code, answer["Content-Type"], problem["type"]) == (
        413,
        "application/problem+json",
        "urn:energyopti:problem:body-too-large",
    )
    assert problem["request_id"] == answer["X-Request-ID"]


def test_a_file_outside_the_back_office_is_too_large_early(client: Client) -> None:
    answer = client.post("/accounts/login/", {"file": SimpleUploadedFile("x.bin", b"x" * LIMIT)})
    assert answer.status_code == 413


def test_the_back_office_takes_larger_files(client: Client, settings: Any) -> None:
    settings.UPLOAD_MAX_MB = 3
    assert (bodies.limit_of("/admin/feeds/upload/add/"), bodies.limit_of("/accounts/"), bodies.limit_of("/admin/login/")) == (
        4_000_000,
        LIMIT,
        LIMIT,
    )
    client.force_login(User.objects.create_superuser("root"))
    assert client.post(bodies.UPLOADS, {"file": SimpleUploadedFile("x", b"x" * (LIMIT + 1))}).status_code == 400
    assert client.post(bodies.UPLOADS, {"file": SimpleUploadedFile("x", b"x" * 4_000_001)}).status_code == 413


@pytest.mark.parametrize("announced", [None, b"10", b"99999999999", b"nonsense"])
def test_the_application_never_sees_more_than_it_may(announced: bytes | None) -> None:
    """A body without a length, or with a false one, is cut off where the limit is."""
    seen, scope = asyncio.run(_received(announced, chunks=[b"x" * 1_000_000] * 5))
    assert seen <= LIMIT
    assert scope[bodies.CUT] is True


def test_a_body_within_the_limit_passes_whole() -> None:
    seen, scope = asyncio.run(_received(None, chunks=[b"x" * 1_000_000, b"x" * (LIMIT - 1_000_000)]))
    assert (seen, bodies.CUT in scope) == (LIMIT, False)


async def _received(announced: bytes | None, chunks: list[bytes]) -> tuple[int, dict[str, Any]]:
    """How many bytes an application gets to see that reads to the end."""
    sent = iter([{"type": "http.request", "body": chunk, "more_body": at < len(chunks)} for at, chunk in enumerate(chunks, 1)])
    scope: dict[str, Any] = {"type": "http", "path": "/api/v1/me", "headers": [(b"content-length", announced)] if announced else []}
    seen = 0

    async def application(scope: Any, receive: Any, send: Any) -> None:
        nonlocal seen
        more = True
        while more:
            message = await receive()
            seen, more = seen + len(message["body"]), message["more_body"]

    async def receive() -> Any:
        return next(sent)

    async def send(message: Any) -> None:
        raise AssertionError("nothing is answered here")

    await bodies.limited(application)(scope, receive, send)
    return seen, scope


# --- a real server, as in production ---------------------------------------------------------------


@pytest.fixture(scope="module")
def production(django_db_setup: None) -> Iterator[int]:
    """The port of a web server as it stands behind a proxy on this machine, on the test database."""
    parameters = connection.get_connection_params()
    place = "&".join(f"{name}={parameters[name]}" for name in ("host", "port") if name in parameters)
    login = f"{parameters['user']}:{parameters.get('password', '')}" if parameters.get("password") else parameters["user"]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    database = f"postgresql://{login}@/{parameters['dbname']}?{place}"
    variables = {
        "DATABASE_URL": database,
        "ALLOWED_HOSTS": "eo.example",
        "DEBUG": "",
        "SECRET_KEY": "x" * 60,
        "DJANGO_SETTINGS_MODULE": "energyopti.settings",
    }
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "energyopti.asgi:application",
        "--port",
        str(port),
        "--lifespan",
        "off",
        "--no-server-header",
        "--log-level",
        "error",
    ]
    server = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **variables}, start_new_session=True)
    try:
        _await(port)
        yield port
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)


def _await(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the server did not start")


def ask(port: int, *lines: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    """One request, word for word."""
    with socket.create_connection(("127.0.0.1", port), 20) as link:
        link.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode() + body)
        answer = b""
        while part := link.recv(65536):
            answer += part
    head, _, content = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    return int(first.split()[1]), {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}, content


def test_plain_http_is_sent_to_tls_and_probes_are_not(production: int) -> None:
    status, headers, _ = ask(production, "GET /accounts/login/?next=/x HTTP/1.1", "Host: eo.example")
    assert (status, headers["location"]) == (301, "https://eo.example/accounts/login/?next=/x")
    assert ask(production, "GET /metrics HTTP/1.1", "Host: eo.example")[0] == 200


def test_behind_a_proxy_hsts_and_secure_cookies(production: int) -> None:
    status, headers, _ = ask(production, "GET /accounts/login/ HTTP/1.1", "Host: eo.example", "X-Forwarded-Proto: https")
    assert (status, headers["strict-transport-security"]) == (200, "max-age=31536000")
    assert "Secure" in headers["set-cookie"]
    assert headers["content-security-policy"].endswith("; upgrade-insecure-requests")
    assert "server" not in headers


def test_another_host_is_refused(production: int) -> None:
    assert ask(production, "GET /accounts/login/ HTTP/1.1", "Host: evil.example", "X-Forwarded-Proto: https")[0] == 400


@pytest.mark.parametrize("length", ["Content-Length: 999999999", "Transfer-Encoding: chunked"])
def test_a_huge_body_is_answered_before_it_is_taken(production: int, length: str) -> None:
    chunk = b"%x\r\n" % 3_000_000 + b"x" * 3_000_000 + b"\r\n0\r\n\r\n" if "chunked" in length else b""
    lines = ("POST /api/v1/me HTTP/1.1", "Host: eo.example", "X-Forwarded-Proto: https", "Content-Type: application/json", length)
    status, _, content = ask(production, *lines, body=chunk)
    assert (status, json.loads(content)["type"]) == (413, "urn:energyopti:problem:body-too-large")


@pytest.mark.django_db(transaction=True)
def test_the_door_is_locked_for_the_client_whom_the_proxy_names(production: int) -> None:
    """All come from the proxy's address: without its word one guesser would lock everybody out."""

    def guess(client: str) -> int:
        host = ("Host: eo.example", "X-Forwarded-Proto: https", f"X-Forwarded-For: {client}")
        _, headers, page = ask(production, "GET /accounts/login/ HTTP/1.1", *host)
        (token,) = re.findall(rb'name="csrfmiddlewaretoken" value="(\w+)"', page)
        body = b"username=somebody&password=wrong&csrfmiddlewaretoken=" + token
        form = (f"Cookie: {headers['set-cookie'].split(';')[0]}", "Referer: https://eo.example/", f"Content-Length: {len(body)}")
        kind = "Content-Type: application/x-www-form-urlencoded"
        return ask(production, "POST /accounts/login/ HTTP/1.1", *host, *form, kind, body=body)[0]

    assert [guess("198.51.100.1") for _ in range(6)] == [200, 200, 200, 200, 429, 429]
    assert guess("198.51.100.2") == 200
    assert set(AccessAttempt.objects.values_list("ip_address", flat=True)) == {"198.51.100.1", "198.51.100.2"}
