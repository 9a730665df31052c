"""The settings: read anew from an environment of each test's own."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from energyopti import logs

ROOT = Path(__file__).parent.parent


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch):
    """Read settings.py with these variables. Nothing of this process's own settings changes."""

    def read(**variables: str) -> dict[str, Any]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(logs, "_hidden", set(logs._hidden))  # what is read here is no secret of this process
        return runpy.run_path(str(ROOT / "energyopti" / "settings.py"))

    return read


@pytest.mark.parametrize(
    ("name", "value", "effect"),
    [
        ("DATABASE_URL", "postgresql://me@db.example/eo", lambda s: s["DATABASES"]["default"]["HOST"] == "db.example"),
        (
            "DATABASE_REPLICA_URL",
            "postgresql://me@replica.example/eo",
            lambda s: s["DATABASES"][s["READ_DATABASE"]]["HOST"] == "replica.example",
        ),
        ("REDIS_URL", "redis://cache.example:6379/3", lambda s: s["CACHES"]["default"]["LOCATION"] == "redis://cache.example:6379/3"),
        ("ENERGYOPTI_HOME", "/srv/eo", lambda s: s["STORAGES"]["archive"]["OPTIONS"]["location"] == Path("/srv/eo/archive")),
        ("ENERGYOPTI_DB_ROLE", "energyopti_app", lambda s: s["DATABASE_ROLE"] == "energyopti_app"),
        ("ENERGYOPTI_DB_POOL", "on", lambda s: s["DATABASES"]["default"]["OPTIONS"].get("pool", {}).get("timeout") == 5),
        ("ADMIN_PASSWORD", "chosen", lambda s: s["ADMIN_PASSWORD"] == "chosen"),
        ("SECRET_KEY", "another", lambda s: s["SECRET_KEY"] == "another"),
        ("DEBUG", "true", lambda s: s["DEBUG"] and s["LOGGING"]["readable"]),
        ("ALLOWED_HOSTS", "eo.example,localhost", lambda s: s["ALLOWED_HOSTS"] == ["eo.example", "localhost"]),
        ("CSRF_TRUSTED_ORIGINS", "https://eo.example", lambda s: s["CSRF_TRUSTED_ORIGINS"] == ["https://eo.example"]),
        ("EMAIL_URL", "smtps://mail.example", lambda s: (s["EMAIL_HOST"], s["EMAIL_USE_SSL"]) == ("mail.example", True)),
        ("SANDBOX", "off", lambda s: s["SANDBOX"] == "off"),
        ("PJM_API_KEY", "0123456789", lambda s: s["PJM_API_KEY"] == "0123456789"),
        ("PJM_BASE_URL", "https://pjm.example", lambda s: s["PJM_BASE_URL"] == "https://pjm.example"),
        ("PJM_MEMBER", "true", lambda s: s["PJM_MEMBER"] is True),
        ("PJM_RATE_LIMIT_DELAY", "0", lambda s: s["PJM_RATE_LIMIT_DELAY"] == 0.0 and s["PJM_RATE_LIMIT_DELAY"] != ""),
        ("PJM_TIMEOUT", "7.5", lambda s: s["PJM_TIMEOUT"] == 7.5),
        ("PJM_MAX_RETRIES", "9", lambda s: s["PJM_MAX_RETRIES"] == 9),
        ("PJM_CACHE_DURATION", "60", lambda s: s["PJM_CACHE_DURATION"] == 60),
    ],
)
def test_each_variable_changes_something(read, name: str, value: str, effect) -> None:
    assert not effect(read())
    assert effect(read(**{name: value}))


def test_a_secret_may_come_from_a_file(read, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-a-file\n")
    assert read(SECRET_KEY="", SECRET_KEY_FILE=str(tmp_path / "key"))["SECRET_KEY"] == "from-a-file"


def test_without_a_secret_key_nothing_starts(read) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^SECRET_KEY is not set; "):
        read(SECRET_KEY="", DEBUG="false")


def test_development_needs_none(read) -> None:
    assert read(SECRET_KEY="", DEBUG="true")["SECRET_KEY"] == "for-development-only"


@pytest.mark.parametrize(
    ("hosts", "debug", "secure"),
    [
        ("", "", False),
        ("localhost,127.0.0.1", "", False),
        ("eo.example", "", True),
        ("localhost,eo.example", "", True),
        ("eo.example", "1", False),
    ],
)
def test_tls_is_asked_for_where_others_reach_it(read, hosts: str, debug: str, secure: bool) -> None:
    settings = read(ALLOWED_HOSTS=hosts, DEBUG=debug)
    names = ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")
    assert [settings[name] for name in names] == [secure] * 3
    assert settings["SECURE_HSTS_SECONDS"] == (31_536_000 if secure else 0)


def test_commands_take_no_pool_and_no_role(read) -> None:
    settings = read()
    assert ("pool" in settings["DATABASES"]["default"]["OPTIONS"], settings["DATABASE_ROLE"]) == (False, "")


def run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in (os.environ | variables).items() if value or name != "DJANGO_SETTINGS_MODULE"}
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)


def test_djangos_deploy_check_has_nothing_to_say() -> None:
    code = (
        "import django; django.setup(); from django.core.management import call_command as c; c('check', deploy=True, fail_level='WARNING')"
    )
    done = run(
        code,
        DJANGO_SETTINGS_MODULE="energyopti.settings",
        DEBUG="false",
        ALLOWED_HOSTS="energyopti.example.com",
        SECRET_KEY="k8#pT2v!qLz7Wm4x@Rb9^Yd5&Hn3*Fj6(Gs1)Kc0-Ve_Ua=Qo+",
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("module", "pool"), [("asgi", True), ("wsgi", True), ("celery", False)])
def test_web_and_workers_name_their_role_before_the_settings_are_read(module: str, pool: bool) -> None:
    code = (
        f"import energyopti.{module}; from django.conf import settings as s; "
        "print(s.DATABASE_ROLE, 'pool' in s.DATABASES['default']['OPTIONS'])"
    )
    done = run(code, DJANGO_SETTINGS_MODULE="")
    assert done.stdout == f"energyopti_app {pool}\n", done.stderr


def test_two_copies_on_one_machine_do_not_log_each_other_out(read) -> None:
    """A browser sends a cookie to every port of a host."""
    names = {(s["SESSION_COOKIE_NAME"], s["CSRF_COOKIE_NAME"]) for s in (read(SECRET_KEY="one"), read(SECRET_KEY="other"))}
    assert len(names) == 2
