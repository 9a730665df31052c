"""Structured logs: one JSON object a line (readable lines with DEBUG), with the request or task they belong to.

No secret leaves the process by a log: the finished line, traceback included, is searched for every secret that the
settings hold and for anything that looks like one of our API keys or like the link of a mail.
"""

from __future__ import annotations

import json
import logging
import logging.config
import re
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import structlog
from django.http import HttpRequest, HttpResponseBase

log = structlog.get_logger(__name__)

REDACTED = "[redacted]"
SHORTEST_SECRET = 4  # shorter ones would blacken half of every line and protect nothing
OUR_KEY = re.compile(r"(eo_[0-9a-f]{8}_)[A-Za-z0-9_-]{20,}")
OUR_LINK = re.compile(r"(/accounts/(?:invitation|reset/[\w-]+)/)[\w.-]{20,}")  # whoever has the address may come in
SANE_ID = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
QUIET = ("/healthz", "/readyz", "/metrics")

_hidden: set[str] = set()


def hide(secrets: Iterable[str]) -> None:
    """Keep these texts out of every log line from now on, however they are written there."""
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            _hidden.update({secret, quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]})


def secrets_of(settings: Mapping[str, Any], *, urls: Iterable[str]) -> set[str]:
    """The values of settings whose name says that they are secret, and the passwords inside addresses."""
    named = {value for name, value in settings.items() if name.endswith(("_API_KEY", "SECRET_KEY", "PASSWORD")) and isinstance(value, str)}
    return named | {unquote(password) for url in urls if (password := _password(url))}


def _password(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""


def redact(text: str) -> str:
    """Keys and links first: a short secret inside one would leave the rest of it unrecognised."""
    text = OUR_LINK.sub(rf"\g<1>{REDACTED}", OUR_KEY.sub(rf"\g<1>{REDACTED}", text))
    for secret in sorted(_hidden, key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    return text


class Redacting(structlog.stdlib.ProcessorFormatter):
    """Looks at the finished line: messages, arguments and tracebacks are all in it."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def configure(options: Mapping[str, Any]) -> None:
    """Django's LOGGING_CONFIG. `readable`: lines for people instead of JSON."""
    before: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    wrap = structlog.stdlib.ProcessorFormatter.wrap_for_formatter
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.PositionalArgumentsFormatter(), *before, wrap],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    formatter = {"()": Redacting, "foreign_pre_chain": before, "processors": _rendering(readable=options["readable"])}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": formatter},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": "INFO"},
            "loggers": {
                "django": {"level": "INFO"},
                "axes": {"level": "WARNING"},  # five lines a login otherwise
                "django.request": {"level": "ERROR"},  # request.done tells of the rest
                "uvicorn": {"handlers": [], "propagate": True},
                "uvicorn.access": {"handlers": [], "propagate": True, "level": "WARNING"},
            },
        }
    )


def _rendering(*, readable: bool) -> list[Any]:
    last: list[Any] = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
    if readable:
        last = [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    return [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]


# --- what a line belongs to ------------------------------------------------------------------------


def current(name: str) -> str:
    """`request_id`, `api_key` (its public prefix) or `task_id` of the work at hand; empty outside of any."""
    return str(structlog.contextvars.get_contextvars().get(name, ""))


def request_id() -> str:
    """The request's or the task's id: what history rows and problems name."""
    return current("request_id") or current("task_id")


def api_key() -> str:
    return current("api_key")


class RequestLog:
    """Middleware: each request has an id (the caller's X-Request-ID where it is sane) and one line when it is done."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given, started = request.headers.get("X-Request-ID", ""), time.monotonic()
        name = given if SANE_ID.fullmatch(given) else uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=name)
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = name
            tell = log.debug if request.path in QUIET else log.info
            milliseconds = round((time.monotonic() - started) * 1000, 1)
            tell("request.done", method=request.method, path=request.path, status=response.status_code, milliseconds=milliseconds)
            return response
        finally:
            structlog.contextvars.clear_contextvars()
