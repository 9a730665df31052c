"""Each variable of .env.example changes something that can be seen, and each that is of a later release changes nothing.

A test per variable, named after it, goes from the variable over the settings to what the product does.
"""

from __future__ import annotations

import os
import re
import runpy
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core import signing
from django.core.files.base import ContentFile
from django.core.files.storage.handler import StorageHandler
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.db.utils import ConnectionHandler
from django.test import Client

from energyopti import logs
from energyopti.feeds import registry
from energyopti.feeds.queries import answered_by_sandbox
from energyopti.feeds.runs import Summary
from energyopti.organisations import firststart, mails, services
from energyopti.organisations.models import Installation, User
from energyopti.sandbox.query import Limits
from energyopti.sandbox.server import Sandbox, make_model, serve
from markets.feeds import dataminer
from tests.feeds.sandboxed import FEED, days, pull
from tests.organisations.people import UserFactory

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parent.parent
LATER = "of a later release"
OURS = {"ENERGYOPTI_DB_ROLE", "ENERGYOPTI_DB_POOL", "SANDBOX_URL"}  # which our own processes tell each other
Apply = Callable[..., None]


def variables() -> dict[str, bool]:
    """Every variable of .env.example; whether it is marked as of a later release, in its section's title."""
    found, later = {}, False
    for line in (ROOT / ".env.example").read_text().splitlines():
        if line.startswith("# ---"):
            later = LATER in line
        elif match := re.match(r"([A-Z_]+)=$", line):
            found[match[1]] = later
    return found


def read(**given: str) -> dict[str, Any]:
    """The settings, read anew with these variables."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        patch.setattr(logs, "_hidden", set(logs._hidden))  # what is read here is no secret of this process
        return runpy.run_path(str(ROOT / "energyopti" / "settings.py"))


@pytest.fixture
def apply(settings: Any) -> Apply:
    """Let this process go on with what the settings make of these variables, and of no others."""
    ever: set[str] = set()

    def apply(**given: str) -> None:
        before, after = read(), read(**given)
        changed = {name for name, value in after.items() if name.isupper() and before.get(name) != value}
        assert changed, f"{given} changes no setting"
        ever.update(changed)
        for name in ever:
            setattr(settings, name, after[name])

    return apply


# --- the list itself -------------------------------------------------------------------------------


def test_every_variable_has_its_test_here() -> None:
    wanted = {f"test_{name.lower()}" for name, later in variables().items() if not later}
    assert len(wanted) > 20
    assert wanted - globals().keys() == set()


@pytest.mark.parametrize("name", [name for name, later in variables().items() if later])
def test_one_of_a_later_release_is_read_nowhere(name: str) -> None:
    """So the mark is honest: the release that reads one takes the mark away."""
    sources = [path for folder in ("energyopti", "markets") for path in (ROOT / folder).rglob("*.py")]
    assert len(sources) > 100
    assert [str(path) for path in sources if re.search(rf"\b{name}\b", path.read_text())] == []


def test_those_of_a_later_release_change_no_setting() -> None:
    given = {name: "7" for name, later in variables().items() if later}
    before, after = read(), read(**given)
    assert {name for name in after if name.isupper() and str(before[name]) != str(after[name])} == set()


def test_nothing_is_read_that_the_list_does_not_name() -> None:
    calls = re.compile(r'env\.(?:text|flag|number|whole|items|choice|database|redis|email)\(\s*"([A-Z_]+)"')
    sources = [path for folder in ("energyopti", "markets") for path in (ROOT / folder).rglob("*.py")]
    names = {name for path in sources for name in calls.findall(path.read_text())}
    assert {"SECRET_KEY", "PORT"} <= names
    assert names - variables().keys() - OURS == set()


# --- where things are ------------------------------------------------------------------------------


def connect(settings: dict[str, Any], alias: str) -> str:
    with pytest.raises(OperationalError) as refused:
        ConnectionHandler(settings["DATABASES"])[alias].ensure_connection()
    return str(refused.value)


def test_database_url() -> None:
    assert "port 9 failed" in connect(read(DATABASE_URL="postgresql://me:pw@127.0.0.1:9/eo"), "default")


def where_nodes_and_prices_are_read(**given: str) -> list[str]:
    """What refuses two questions, where every database is away."""
    code = """
import django; django.setup()
from django.db import OperationalError
from markets import arrays
from markets.queries import directory
for ask in (lambda: directory.is_sandbox(), lambda: arrays.reading().__enter__()):
    try:
        ask()
    except OperationalError as refused:
        print(refused)
"""
    away = {**os.environ, "DATABASE_URL": "postgresql://me:pw@127.0.0.1:9/eo", "DJANGO_SETTINGS_MODULE": "energyopti.settings", **given}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=away, capture_output=True, text=True)
    return re.findall(r"port (\d+) failed", done.stdout) or [done.stderr]


def test_database_replica_url() -> None:
    """Nodes and prices are read there, and nowhere else."""
    assert where_nodes_and_prices_are_read() == ["9", "9"]
    assert where_nodes_and_prices_are_read(DATABASE_REPLICA_URL="postgresql://me:pw@127.0.0.1:10/eo") == ["10", "10"]


def test_redis_url() -> None:
    code = "from energyopti.celery import app; from django.core.cache import cache; print(app.conf.broker_url, cache._servers)"
    given = {**os.environ, "REDIS_URL": "redis://cache.example:6379/3", "DJANGO_SETTINGS_MODULE": "energyopti.settings"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=given, capture_output=True, text=True)
    assert done.stdout == "redis://cache.example:6379/3 ['redis://cache.example:6379/3']\n", done.stderr


def test_energyopti_home(tmp_path: Path) -> None:
    settings = read(ENERGYOPTI_HOME=str(tmp_path))
    StorageHandler(settings["STORAGES"])["archive"].save("raw.json", ContentFile(b"{}"))
    assert (tmp_path / "archive" / "raw.json").read_bytes() == b"{}"


def start(**given: str) -> str:
    """What `make run` says when it cannot start."""
    command = [sys.executable, "-m", "energyopti.onemachine"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **given}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    return done.stderr


def test_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} is taken" in start(PORT=str(port), ENERGYOPTI_HOME=str(tmp_path))


def test_bind(tmp_path: Path) -> None:
    assert "BIND is '203.0.113.1', which is no address of this machine" in start(BIND="203.0.113.1", ENERGYOPTI_HOME=str(tmp_path))


# --- the installation ------------------------------------------------------------------------------


def test_admin_password(apply: Apply) -> None:
    apply(ADMIN_PASSWORD="a word of my own", SANDBOX="off")
    Installation.objects.get_or_create(pk=1)
    firststart.make_people(say=lambda line: None)
    assert User.objects.get(username="admin").check_password("a word of my own")


def test_secret_key(apply: Apply) -> None:
    signed = signing.dumps("session")
    apply(SECRET_KEY="another one")
    with pytest.raises(signing.BadSignature):
        signing.loads(signed)


def test_debug(apply: Apply, client: Client) -> None:
    inside = b"Using the URLconf defined in"
    assert inside not in client.get("/nothing").content
    apply(DEBUG="true")
    assert inside in client.get("/nothing").content


def test_allowed_hosts(apply: Apply, client: Client) -> None:
    assert client.get("/healthz", HTTP_HOST="eo.example").status_code == 400
    apply(ALLOWED_HOSTS="eo.example")
    assert client.get("/healthz", HTTP_HOST="eo.example").status_code == 200
    answer = Client().get("/accounts/login/", HTTP_HOST="eo.example")
    assert (answer.status_code, answer["Location"]) == (301, "https://eo.example/accounts/login/")


def test_csrf_trusted_origins(apply: Apply) -> None:
    def ask_from_proxy() -> int:
        browser = Client(enforce_csrf_checks=True)
        browser.get("/accounts/login/")
        token = browser.cookies[django_settings.CSRF_COOKIE_NAME].value
        fields = {"username": "x", "password": "y", "csrfmiddlewaretoken": token}
        return browser.post("/accounts/login/", fields, HTTP_ORIGIN="https://eo.example").status_code

    assert ask_from_proxy() == 403
    apply(CSRF_TRUSTED_ORIGINS="https://eo.example")
    assert ask_from_proxy() == 200


class Post(socketserver.StreamRequestHandler):
    """As much of a mail server as one letter needs."""

    letters: list[str]

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline().strip().upper():
            if line == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self.letters.append("".join(part.decode() for part in iter(self.rfile.readline, b".\r\n")))
            self.wfile.write(b"221 bye\r\n" if line == b"QUIT" else b"250 ok\r\n")


def test_email_url(apply: Apply) -> None:
    Post.letters = []
    with socketserver.TCPServer(("127.0.0.1", 0), Post) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        apply(EMAIL_URL=f"smtp://127.0.0.1:{server.server_address[1]}?tls=false&from=energy@example.com")
        django_settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # pytest-django had taken its place
        user = UserFactory.create(email="somebody@example.com")
        mails.cache.delete(f"password-reset:{user.pk}")
        assert mails.send_password_reset(email=user.email, site="https://eo.example") is True
        server.shutdown()
    (letter,) = Post.letters
    assert "From: energy@example.com" in letter
    assert "To: somebody@example.com" in letter
    assert "https://eo.example/accounts/reset/" in letter


def asked(times: int, **headers: str) -> list[int]:
    return [Client(**headers).get("/api/v1/me").status_code for _ in range(times)]


def test_api_rate(apply: Apply) -> None:
    _, secret = services.make_api_key(user=UserFactory.create(), name="excel")
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
    assert asked(3, **bearer) == [200, 200, 200]
    apply(API_RATE="1/minute")
    assert asked(2, **bearer)[-1] == 429


def test_api_stranger_rate(apply: Apply) -> None:
    address = {"REMOTE_ADDR": f"203.0.{int(time.time()) % 250}.{os.getpid() % 250}"}  # Redis remembers other sessions' strangers
    assert asked(3, **address) == [401, 401, 401]
    apply(API_STRANGER_RATE="1/minute")
    assert asked(2, **address)[-1] == 429


def test_sandbox(apply: Apply) -> None:
    apply(SANDBOX="off")
    assert answered_by_sandbox(registry.feed(FEED)) == (
        False,
        "PJM_API_KEY is not set and SANDBOX is off; set a Data Miner 2 key, or SANDBOX=auto",
    )


def test_upload_max_mb(apply: Apply, client: Client) -> None:
    def hand_over() -> int:
        return client.post("/admin/feeds/upload/add/", {"file": SimpleUploadedFile("x", b"x" * 3_000_000)}).status_code

    client.force_login(User.objects.create_superuser("root"))
    assert hand_over() == 400
    apply(UPLOAD_MAX_MB="1")
    assert hand_over() == 413


# --- PJM -------------------------------------------------------------------------------------------

NOW = datetime(2026, 6, 20, 16, tzinfo=UTC)
KEY = "a-key-of-this-test"


@pytest.fixture
def archive(settings: Any, tmp_path: Path) -> None:
    local = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = {**settings.STORAGES, "archive": local}


@pytest.fixture
def pjm(archive: None) -> Iterator[Sandbox]:
    """An upstream that wants a key, somewhere else than PJM's own address."""
    dataminer.UPSTREAMS[0]._cutoffs.clear()
    with serve(model=make_model(seed=7, nodes=20), limits=Limits(key=KEY), clock=lambda: NOW) as server:
        yield server


def variables_for(server: Sandbox, **more: str) -> dict[str, str]:
    quick = {"PJM_RATE_LIMIT_DELAY": "0", "PJM_MAX_RETRIES": "0", "PJM_CACHE_DURATION": "0"}
    return {"SANDBOX": "off", "PJM_API_KEY": KEY, "PJM_BASE_URL": f"{server.url}/api/v1", **quick, **more}


def ask_pjm(day: int = 10) -> Summary:
    return pull(days(date(2026, 6, day)), FEED)


@pytest.mark.django_db(transaction=True)
def test_pjm_api_key(apply: Apply, pjm: Sandbox) -> None:
    apply(**variables_for(pjm, PJM_API_KEY="wrong"))
    assert ask_pjm().exit_code == 1
    apply(**variables_for(pjm))
    assert ask_pjm().exit_code == 0
    assert pjm.requests[-1].headers["Ocp-Apim-Subscription-Key"] == KEY


@pytest.mark.django_db(transaction=True)
def test_pjm_base_url(apply: Apply, pjm: Sandbox) -> None:
    assert read()["PJM_BASE_URL"] == "https://api.pjm.com/api/v1"
    apply(**variables_for(pjm))
    assert (ask_pjm().exit_code, len(pjm.requests) > 0) == (0, True)


def test_pjm_member(apply: Apply) -> None:
    apply(PJM_API_KEY=KEY)
    assert dataminer.UPSTREAMS[0].endpoint().delay == 10.0
    apply(PJM_API_KEY=KEY, PJM_MEMBER="true")
    assert dataminer.UPSTREAMS[0].endpoint().delay == 0.1


@pytest.mark.django_db(transaction=True)
def test_pjm_rate_limit_delay(apply: Apply, pjm: Sandbox) -> None:
    """The second call waits."""
    apply(**variables_for(pjm, PJM_RATE_LIMIT_DELAY="1.5"))
    started = time.monotonic()
    assert ask_pjm().exit_code == 0
    assert time.monotonic() - started >= 1.5 * (len(pjm.requests) - 1)
    assert len(pjm.requests) >= 2


@pytest.mark.django_db(transaction=True)
def test_pjm_timeout(apply: Apply, pjm: Sandbox) -> None:
    pjm.misbehave("hang", feed="rt_hrl_lmps", times=9, seconds=3)
    apply(**variables_for(pjm, PJM_TIMEOUT="0.5"))
    assert ask_pjm().exit_code == 1
    apply(**variables_for(pjm, PJM_TIMEOUT="20"))
    assert ask_pjm().exit_code == 0


@pytest.mark.django_db(transaction=True)
def test_pjm_max_retries(apply: Apply, pjm: Sandbox) -> None:
    pjm.misbehave("server_error", feed="rt_hrl_lmps", times=1)
    apply(**variables_for(pjm))
    assert ask_pjm().exit_code == 1
    pjm.misbehave("server_error", feed="rt_hrl_lmps", times=1)
    apply(**variables_for(pjm, PJM_MAX_RETRIES="2"))
    assert ask_pjm().exit_code == 0


@pytest.mark.django_db(transaction=True)
def test_pjm_cache_duration(apply: Apply, pjm: Sandbox) -> None:
    apply(**variables_for(pjm))
    ask_pjm()
    before = len(pjm.requests)
    ask_pjm()
    asked_again = len(pjm.requests) - before
    apply(**variables_for(pjm, PJM_CACHE_DURATION="300"))
    ask_pjm()
    assert (asked_again > 0, len(pjm.requests) - before - asked_again) == (True, 0)
