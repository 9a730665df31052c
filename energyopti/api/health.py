"""Whether this process runs (/healthz), and whether the whole product is ready (/readyz) or what to do about it."""

from __future__ import annotations

from collections.abc import Callable

import redis
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from energyopti import db, heartbeat

Check = Callable[[], str]

_applied: set[str] = set()


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "up"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when every check is ok, else 503; each check that is not says what to do."""
    told = {"web": "", "database": database()}
    told |= {name: check() if not told["database"] else "waits for the database" for name, check in AFTER_DATABASE.items()}
    told["redis"] = broker()
    told["worker"] = worker() if not told["redis"] else "waits for Redis"
    ready = not any(told.values())
    checks = {name: {"ok": not sentence, "detail": sentence} for name, sentence in told.items()}
    return JsonResponse({"status": "ready" if ready else "not ready", "checks": checks}, status=200 if ready else 503)


def database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, ImproperlyConfigured):  # the driver's own words may hold the address and its password
        return "PostgreSQL does not answer; start it, or correct DATABASE_URL"
    return ""


def migrations() -> str:
    """Asked until it was once so: neither the code nor what is applied goes back while this process lives."""
    if not _applied:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return "the tables are older than the code; run manage.py migrate"
        _applied.add(settings.DATABASES["default"]["NAME"])
    return ""


def roles() -> str:
    if missing := db.missing_roles():
        login = db.login_name()
        make = {role: "" if db.role_exists(role) else f"CREATE ROLE {role} NOLOGIN; " for role in missing}
        sql = " ".join(f"{make[role]}GRANT {role} TO {_quoted(login)};" for role in missing)
        return f"the login may not make or take {' and '.join(missing)}; run as a superuser: {sql} then manage.py firststart, and restart"
    if settings.DATABASE_ROLE and db.acting_role() != settings.DATABASE_ROLE:
        return f"this process does not act as {settings.DATABASE_ROLE}; restart it"
    return ""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def broker() -> str:
    if not settings.REDIS_URL:
        return "REDIS_URL is not set; start with make run, or name a Redis server"
    try:
        heartbeat.alive()
    except (redis.RedisError, ValueError):
        return "Redis does not answer; start it, or correct REDIS_URL"
    return ""


def worker() -> str:
    return "" if heartbeat.alive() else "no worker has been heard of; start one: celery -A energyopti worker"


AFTER_DATABASE: dict[str, Check] = {"migrations": migrations, "roles": roles}
