"""Secrets stay where they are: a pull, logins, keys, mails and failures, and then a search through all that was written.

What is looked for: PJM's key, the secret key, the database's and the mail server's password, an API key, a person's
password and the links of mails. Where: log lines of this process and of a worker, the archive, the database, answers of
every kind (problem bodies, pages, the back office, /metrics) and the arguments of tasks in Redis.
"""

from __future__ import annotations

import gzip
import io
import logging
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import redis
import zstandard
from django.core import mail
from django.core.files.storage import storages
from django.db import connection
from django.test import Client

from energyopti import logs
from energyopti.feeds.models import SyncRun
from energyopti.feeds.tasks import sync_scheduled
from energyopti.organisations import invitations, mails, services
from energyopti.organisations.models import User
from energyopti.sandbox.query import Limits
from energyopti.sandbox.server import Sandbox, make_model, serve
from tests.feeds.sandboxed import days, pull
from tests.organisations.people import Role, member, organisation

pytestmark = pytest.mark.django_db(transaction=True)

PJM_KEY = "fedcba9876543210fedcba9876543210"
SECRET_KEY = "a-secret-key/with+signs=and-60-characters-of-its-very-own-0123"
DATABASE_PASSWORD = "d4tabase pass/word"
MAIL_PASSWORD = "m4il-pass#word"
PASSWORD = "a person's pass-phrase 7"
WRONG = "almost a person's pass-phrase"


@pytest.fixture
def installation(settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """The settings as if they had been read with these secrets, and an upstream that wants its key."""
    settings.STORAGES = {
        **settings.STORAGES,
        "archive": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "archive"}},
    }
    settings.SECRET_KEY, settings.EMAIL_HOST_PASSWORD = SECRET_KEY, MAIL_PASSWORD
    monkeypatch.setattr(logs, "_hidden", set(logs._hidden))
    named = {"PJM_API_KEY": PJM_KEY, "SECRET_KEY": SECRET_KEY, "EMAIL_HOST_PASSWORD": MAIL_PASSWORD}
    logs.hide(logs.secrets_of(named, urls=["postgresql://eo:d4tabase%20pass%2Fword@db.example/eo"]))
    with serve(
        model=make_model(seed=7, nodes=30), limits=Limits(key=PJM_KEY), clock=lambda: datetime(2026, 6, 20, 16, tzinfo=UTC)
    ) as server:
        settings.SANDBOX, settings.PJM_API_KEY, settings.PJM_BASE_URL = "off", PJM_KEY, f"{server.url}/api/v1"
        settings.PJM_RATE_LIMIT_DELAY, settings.PJM_MAX_RETRIES, settings.PJM_CACHE_DURATION = 0, 0, 0
        yield server


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the handler of the settings writes, with everything that any library has to say."""
    (handler,) = [one for one in logging.getLogger().handlers if isinstance(one.formatter, logs.Redacting)]
    written = io.StringIO()
    monkeypatch.setattr(handler, "stream", written)
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    logging.getLogger("django.db.backends").setLevel(logging.INFO)
    yield written
    root.setLevel(before)


class Told:
    """Every answer that somebody got, by what it was an answer to."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}

    def note(self, what: str, answer: Any) -> Any:
        headers = "\n".join(f"{name}: {value}" for name, value in answer.items() if name != "Set-Cookie")
        self.answers[f"{what} ({answer.status_code})"] = headers.encode() + b"\n\n" + answer.content
        return answer


def test_no_secret_is_anywhere(installation: Sandbox, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    told, queue = Told(), _queue()
    acme = organisation()
    boss = member(acme, Role.ADMINISTRATOR, username="boss", password=PASSWORD, is_staff=True, is_superuser=True)

    installation.misbehave("echo_key", feed="rt_hrl_lmps", times=1, status=0)
    assert pull(days(date(2026, 6, 10))).exit_code == 0
    installation.misbehave("echo_key", feed="rt_hrl_lmps", times=9, status=500)
    assert pull(days(date(2026, 6, 11))).exit_code == 1
    assert installation.requests[-1].headers["Ocp-Apim-Subscription-Key"] == PJM_KEY

    browser, key, made = _logins_and_keys(told, monkeypatch)
    invitation, reset = _mails(told, browser, boss)
    _programs(told, key, made)
    _failures(told, browser, key, monkeypatch)
    _pages(told, browser)

    secrets = {
        "PJM_API_KEY": PJM_KEY, "SECRET_KEY": SECRET_KEY, "database password": DATABASE_PASSWORD, "mail password": MAIL_PASSWORD,
        "API key": made.split("_", 2)[2], "another API key": key.split("_", 2)[2], "password": PASSWORD, "wrong password": WRONG,
        "invitation": invitation, "reset": reset,
    }  # fmt: skip
    places = {**told.answers, **dict(_archive()), **dict(_database()), "logs": lines.getvalue().encode(), "Redis": queue()}
    places = {place: text for place, text in places.items() if not place.startswith("shown once")}
    found = [(place, name) for place, text in places.items() for name, secret in secrets.items() if _is_in(secret, text)]
    assert found == []
    assert {"logs", "Redis"} <= {place for place, text in places.items() if len(text) > 1000}
    assert sum(place.startswith("archive") for place in places) > 0


def _logins_and_keys(told: Told, monkeypatch: pytest.MonkeyPatch) -> tuple[Client, str, str]:
    """A browser that is logged in, a key made by the command, a key made on the page."""
    browser = Client(raise_request_exception=False)
    told.note("wrong login", browser.post("/accounts/login/", {"username": "boss", "password": WRONG}))
    told.note("password as name", browser.post("/accounts/login/", {"username": "boss", "password": WRONG, "next": "/x"}))
    told.note("login", browser.post("/accounts/login/", {"username": "boss", "password": PASSWORD}))
    _, key = services.make_api_key(user=User.objects.get(username="boss"), name="command", scope="write")
    page = told.note("shown once: key", browser.post("/accounts/keys/", {"name": "page", "scope": "read", "lifetime": "30"}))
    (made,) = re.findall(r"eo_[0-9a-f]{8}_[\w-]{43}", page.content.decode())
    return browser, key, made


def _mails(told: Told, browser: Client, boss: User) -> tuple[str, str]:
    """The secrets in the links of two mails, each of which was opened once."""
    told.note("invite", browser.post("/accounts/people/acme/invite/", {"email": "new@example.com", "role": "viewer"}))
    told.note("ask for reset", browser.post("/accounts/reset/", {"email": boss.email}))
    mails.send_password_reset(email=boss.email, site="http://testserver")
    paths = [re.search(r"http://testserver(/\S+)", letter.body)[1] for letter in mail.outbox[-2:]]
    for name, path in zip(("shown once: invitation", "reset"), paths, strict=True):
        told.note(name, Client().get(path))
    invitation, reset = (path.strip("/").split("/")[-1] for path in paths)
    assert invitations.queries.invitation_for(invitation).email == "new@example.com"
    return invitation, reset


def _programs(told: Told, *keys: str) -> None:
    for key in keys:
        told.note("me", Client().get("/api/v1/me", HTTP_AUTHORIZATION=f"Bearer {key}"))
        told.note("nearly the key", Client().get("/api/v1/me", HTTP_AUTHORIZATION=f"Bearer {key}x"))
        told.note("key in the query", Client().get("/api/v1/feeds", {"unknown": "x"}, HTTP_AUTHORIZATION=f"Bearer {key}"))


def _failures(told: Told, browser: Client, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own mistakes whose words hold everything, in an endpoint, a page and a task."""
    words = f"postgresql://eo:{DATABASE_PASSWORD}@db {PJM_KEY} {SECRET_KEY} {MAIL_PASSWORD} Bearer {key}"

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(words)

    with monkeypatch.context() as patched:
        patched.setattr("energyopti.organisations.queries.memberships_of", broken)
        patched.setattr("energyopti.organisations.queries.keys_of", broken)
        stranger = Client(raise_request_exception=False)
        assert told.note("500 of the API", stranger.get("/api/v1/me", HTTP_AUTHORIZATION=f"Bearer {key}")).status_code == 500
        assert told.note("500 of a page", browser.get("/accounts/keys/")).status_code == 500
        patched.setattr("energyopti.feeds.upkeep.pull_due", broken)
        sync_scheduled.apply(args=["pjm.rt_hrl_lmps"])
    sync_scheduled.delay("pjm.rt_hrl_lmps")


def _pages(told: Told, browser: Client) -> None:
    run = SyncRun.objects.latest("pk")
    paths = ["/", "/status/", "/accounts/keys/", "/accounts/people/", "/metrics", "/readyz", "/api/v1/feeds", "/api/schema/", "/admin/"]
    models = [
        "feeds/syncrun",
        "feeds/coverage",
        "feeds/quarantine",
        "organisations/user",
        "organisations/apikey",
        "organisations/invitation",
    ]
    paths += [f"/admin/{model}/" for model in models] + [f"/admin/feeds/syncrun/{run.pk}/change/"]
    for path in paths:
        told.note(path, browser.get(path))
    assert "/admin/feeds/syncrun/ (200)" in told.answers


def _queue() -> Any:
    """What stands in Redis for workers, from now on."""
    from django.conf import settings

    link = redis.Redis.from_url(settings.REDIS_URL)
    link.delete("energyopti:celery")

    def everything() -> bytes:
        return b"\n".join(link.lrange("energyopti:celery", 0, -1))

    return everything


def _archive() -> Iterator[tuple[str, bytes]]:
    for path in Path(storages["archive"].location).rglob("*.*"):  # type: ignore[attr-defined]
        raw = path.read_bytes()
        yield f"archive {path.name}", zstandard.decompress(raw) if path.suffix == ".zst" else gzip.decompress(raw)


def _database() -> Iterator[tuple[str, bytes]]:
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT string_agg(t::text, chr(10)) FROM "{table}" t')
            yield f"table {table}", (cursor.fetchone()[0] or "").encode()


def _is_in(secret: str, text: bytes) -> bool:
    """As it is, or as a URL, HTML or JSON writes it."""
    from html import escape
    from json import dumps
    from urllib.parse import quote, quote_plus

    return any(form.encode() in text for form in {secret, quote(secret, safe=""), quote_plus(secret), escape(secret), dumps(secret)[1:-1]})
