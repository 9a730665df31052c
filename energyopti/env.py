"""Typed readers of the environment. Every secret NAME may come from the file that NAME_FILE names."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

MAIL_BACKENDS = {
    "console": "django.core.mail.backends.console.EmailBackend",
    "smtp": "django.core.mail.backends.smtp.EmailBackend",
    "smtps": "django.core.mail.backends.smtp.EmailBackend",
}


def text(name: str, default: str = "") -> str:
    """NAME, else the content of the file NAME_FILE, else `default`. An empty value counts as not set."""
    if value := os.environ.get(name, "").strip():
        return value
    if path := os.environ.get(f"{name}_FILE", "").strip():
        try:
            return Path(path).read_text(encoding="utf-8").strip() or default
        except OSError as problem:
            raise ImproperlyConfigured(f"{name}_FILE: {problem.strerror}: {path}") from None
    return default


def flag(name: str, default: bool) -> bool:
    value = text(name).lower()
    if value in ("", "1", "true", "yes", "on", "0", "false", "no", "off"):
        return value in ("1", "true", "yes", "on") if value else default
    raise ImproperlyConfigured(f"{name} is {value!r}; write true or false")


def number(name: str, default: float) -> float:
    """A finite number, zero or more."""
    value = text(name)
    try:
        read = float(value) if value else default
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {value!r}; write a number") from None
    if not math.isfinite(read) or read < 0:
        raise ImproperlyConfigured(f"{name} is {value!r}; write a number that is not below zero")
    return read


def whole(name: str, default: int) -> int:
    """A whole number, zero or more."""
    read = number(name, default)
    if read != int(read):
        raise ImproperlyConfigured(f"{name} is {text(name)!r}; write a whole number")
    return int(read)


def items(name: str, default: str = "") -> list[str]:
    return [item.strip() for item in text(name, default).split(",") if item.strip()]


def choice(name: str, allowed: tuple[str, ...], default: str) -> str:
    value = text(name, default).lower()
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} is {value!r}; write one of {', '.join(allowed)}")
    return value


def database(name: str) -> dict[str, Any]:
    """PostgreSQL's address as Django wants it; empty where NAME is not set. A broken one is never repeated: it may hold a password."""
    url = text(name)
    if not url:
        return {}
    try:
        config: dict[str, Any] = {**dj_database_url.parse(url)}
    except (ValueError, KeyError):
        config = {}
    if config.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured(f"{name} is no PostgreSQL address; write postgresql://user:password@host:5432/database")
    config.setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
    return config


def redis(name: str) -> str:
    """Redis's address; empty where NAME is not set. Like a database's it is never repeated: its port may be half a password."""
    url = text(name)
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("", "redis", "rediss", "unix") and parts.port != 0
    except ValueError:
        known = False
    if url and (not known or "://" not in url):
        raise ImproperlyConfigured(f"{name} is no Redis address; write redis://user:password@host:6379/0, with / ? # as %2F %3F %23")
    return url


def email(name: str) -> dict[str, Any]:
    """Django's EMAIL_ settings from console: or smtp://user:password@host:port (STARTTLS) or smtps:// (TLS at once).

    `?from=address` names the sender; without it the user, where that is an address.
    """
    url = urlsplit(text(name, "console:"))
    try:
        port = url.port
    except ValueError:
        port = -1
    if url.scheme not in MAIL_BACKENDS or port == -1 or (url.scheme != "console" and not url.hostname):
        raise ImproperlyConfigured(f"{name} is not understood; write console: or smtp://user:password@host:587")
    asked, user = parse_qs(url.query), unquote(url.username or "")
    plain = asked.get("tls") == ["false"]  # a relay on this machine
    sender = asked.get("from", [user if "@" in user else "energyopti@localhost"])[0]
    return {
        "EMAIL_BACKEND": MAIL_BACKENDS[url.scheme],
        "EMAIL_HOST": url.hostname or "localhost",
        "EMAIL_PORT": port or (465 if url.scheme == "smtps" else 587),
        "EMAIL_HOST_USER": user,
        "EMAIL_HOST_PASSWORD": unquote(url.password or ""),
        "EMAIL_USE_TLS": url.scheme == "smtp" and not plain,
        "EMAIL_USE_SSL": url.scheme == "smtps",
        "EMAIL_TIMEOUT": 10,
        "DEFAULT_FROM_EMAIL": sender,
        "SERVER_EMAIL": sender,
    }


def broker(url: str) -> str:
    """A Redis address as Celery writes it: a socket is redis+socket:///path?virtual_host=0."""
    if not url.startswith("unix://"):
        return url
    parts = urlsplit(url)
    login = f":{parts.password}@" if parts.password else ""
    database_number = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{login}{parts.path}?virtual_host={database_number}"


def serving(*, pool: bool) -> None:
    """What web and worker processes run with: the application's role, and for the web a pool of connections.

    Called before the settings are read; where they have been read already (a command, a test) it changes nothing.
    """
    from django.conf import settings

    if not settings.configured:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "energyopti.settings")
        os.environ.setdefault("ENERGYOPTI_DB_ROLE", "energyopti_app")
        os.environ.setdefault("ENERGYOPTI_DB_POOL", "on" if pool else "off")
