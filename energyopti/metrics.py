"""/metrics for Prometheus: what the web answers, how feeds, workers and the outbox stand.

Requests are counted in this process, by route and never by path: an address holds ids and names, and a label each of them
would fill the memory. What stands in the database is read when somebody asks, in a handful of set-based queries.
Nothing here names a person, an organisation or a secret.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Iterator

import django
import redis
from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, Info, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from energyopti import heartbeat
from energyopti.events.models import Event
from energyopti.feeds.models import Coverage, Quarantine, SyncRun
from energyopti.feeds.queries import feed_overview
from energyopti.organisations.scope import seeing_all

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
QUEUE = "energyopti:celery"  # Celery's own name of it, behind our prefix (energyopti/celery.py)

registry = CollectorRegistry()
requests_total = Counter("energyopti_http_requests", "Requests answered", ["method", "route", "status"], registry=registry)
request_seconds = Histogram(
    "energyopti_http_request_seconds",
    "Until an answer's headers; a streamed body comes after them",
    ["method", "route"],
    buckets=SECONDS,
    registry=registry,
)
Info("energyopti_build", "What runs", registry=registry).info(
    {"api": str(settings.SPECTACULAR_SETTINGS["VERSION"]), "django": django.get_version(), "python": platform.python_version()}
)


class Counting:
    """Middleware: the outermost, so that it sees what all others answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = self.get_response(request)
        method, route = _method(request), route_of(request)
        requests_total.labels(method, route, str(response.status_code)).inc()
        request_seconds.labels(method, route).observe(time.perf_counter() - started)
        return response


def route_of(request: HttpRequest) -> str:
    """The pattern that the address matched; `static` for files, `none` for what matched nothing or was refused before."""
    if request.resolver_match:
        return request.resolver_match.route
    return "static" if request.path.startswith(settings.STATIC_URL) else "none"


def _method(request: HttpRequest) -> str:
    return request.method if request.method in METHODS else "other"


class Standing(Collector):
    """What is read at the moment of asking."""

    def collect(self) -> Iterator[Metric]:
        try:
            figures = [*_feeds(), *_runs(), *_gaps(), *_quarantine(), *_outbox()]
        except DatabaseError:  # the web's own figures are worth the most when the database is away
            figures = []
        yield GaugeMetricFamily("energyopti_database_up", "1: PostgreSQL answers", value=1 if figures else 0)
        yield from figures
        yield from _workers()


def _feeds() -> Iterator[Metric]:
    whole = GaugeMetricFamily("energyopti_feed_windows_complete", "Windows that hold all they should", labels=["feed", "sandbox"])
    total = GaugeMetricFamily("energyopti_feed_windows", "Windows pulled so far", labels=["feed", "sandbox"])
    can = GaugeMetricFamily("energyopti_feed_reachable", "1: something answers for this feed", labels=["feed", "sandbox"])
    for feed in feed_overview():
        labels = [feed.name, _flag(feed.sandbox)]
        whole.add_metric(labels, feed.complete)
        total.add_metric(labels, feed.total)
        can.add_metric(labels, 0 if feed.problem else 1)
    yield from (whole, total, can)


def _runs() -> Iterator[Metric]:
    """The last run of each feed: its age, and a 1 at its status."""
    age = GaugeMetricFamily("energyopti_feed_last_run_age_seconds", "Since the last run began", labels=["feed", "sandbox"])
    status = GaugeMetricFamily("energyopti_feed_last_run_status", "1 at the last run's status", labels=["feed", "sandbox", "status"])
    last = SyncRun.objects.values("feed", "sandbox").annotate(last=Max("pk")).values("last")
    now = timezone.now()
    for run in SyncRun.objects.filter(pk__in=last).only("feed", "sandbox", "status", "started_at"):
        age.add_metric([run.feed, _flag(run.sandbox)], (now - run.started_at).total_seconds())
        for one in SyncRun.Status.values:
            status.add_metric([run.feed, _flag(run.sandbox), one], 1 if one == run.status else 0)
    yield from (age, status)


def _gaps() -> Iterator[Metric]:
    due = Coverage.objects.filter(next_attempt_at__lte=timezone.now()).values_list("feed", "sandbox").annotate(count=Count("pk"))
    yield _counted("energyopti_feed_gaps_due", "Windows whose next attempt is due", due)


def _quarantine() -> Iterator[Metric]:
    refused = Quarantine.objects.values_list("feed", "sandbox").annotate(count=Count("pk"))
    yield _counted("energyopti_feed_rows_quarantined", "Rows that were refused and are kept", refused)


def _counted(name: str, told: str, rows: Iterable[tuple[str, bool, int]]) -> Metric:
    family = GaugeMetricFamily(name, told, labels=["feed", "sandbox"])
    for feed, sandbox, count in rows:
        family.add_metric([feed, _flag(sandbox)], count)
    return family


def _outbox() -> Iterator[Metric]:
    """Readers follow the outbox by id: how far one is behind is this figure less its own."""
    with seeing_all():
        last = Event.objects.aggregate(last=Max("pk"))["last"]
    yield GaugeMetricFamily("energyopti_outbox_last_event_id", "Of the newest event", value=last or 0)


def _workers() -> Iterator[Metric]:
    """Nothing of either where Redis does not answer; then `up` is 0."""
    up, age, waiting = 1, None, None
    try:
        age, waiting = heartbeat.age(), heartbeat.waiting(QUEUE)
    except (redis.RedisError, ValueError):
        up = 0
    yield GaugeMetricFamily("energyopti_redis_up", "1: Redis answers", value=up)
    yield GaugeMetricFamily("energyopti_worker_up", "1: a worker was heard of lately", value=0 if age is None else 1)
    if age is not None:
        yield GaugeMetricFamily("energyopti_worker_heartbeat_age_seconds", "Since a worker was heard of", value=age)
    if waiting is not None:
        yield GaugeMetricFamily("energyopti_tasks_waiting", "Tasks that no worker has taken yet", value=waiting)


def _flag(sandbox: bool) -> str:
    return "true" if sandbox else "false"


registry.register(Standing())


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
