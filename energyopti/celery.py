"""Background work: `celery -A energyopti worker` and `celery -A energyopti beat`.

A task is acknowledged when it is done: a worker that is killed gives its work to another.
"""

from __future__ import annotations

from typing import Any

import structlog
from celery import Celery, bootsteps, signals

from energyopti import env

env.serving(pool=False)
from django.conf import settings  # noqa: E402 -- after the role of this process is named

from energyopti import heartbeat, logs  # noqa: E402

REQUEST_ID = "energyopti_request_id"  # a message's header
app = Celery("energyopti")
app.conf.update(
    broker_url=env.broker(settings.REDIS_URL) or "redis://redis-url-is-not-set",
    broker_connection_retry_on_startup=True,
    # a task that runs longer than this is given to a second worker, whose locks then find the windows held
    broker_transport_options={"visibility_timeout": 6 * 3600, "global_keyprefix": "energyopti:"},
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    timezone="UTC",
    beat_scheduler="django_celery_beat.schedulers:DatabaseScheduler",
)
app.autodiscover_tasks(["energyopti.api", "energyopti.feeds", "energyopti.events", "energyopti.organisations", "markets", "recs"])


class Pulse(bootsteps.StartStopStep):
    """The worker's own loop tells that it lives: one that hangs falls silent, and /readyz says so."""

    requires = ("celery.worker.components:Timer",)

    def start(self, worker: Any) -> None:
        heartbeat.beat()
        worker.timer.call_repeatedly(heartbeat.EVERY_SECONDS, heartbeat.beat)

    def stop(self, worker: Any) -> None:
        heartbeat.stop()


app.steps["worker"].add(Pulse)


@signals.setup_logging.connect
def _keep_our_logs(**_: Any) -> None:
    """That somebody listens keeps Celery from setting up logs of its own."""


@signals.before_task_publish.connect
def _carry(headers: dict[str, Any], **_: Any) -> None:
    """A task is told which request it is for; what it sends on in turn is for the same."""
    if asked := logs.current("request_id"):
        headers[REQUEST_ID] = asked


@signals.task_prerun.connect
def _bind(task_id: str, task: Any, **_: Any) -> None:
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(task_id=task_id, task=task.name)
    if asked := getattr(task.request, REQUEST_ID, None):
        structlog.contextvars.bind_contextvars(request_id=asked)


@signals.task_postrun.connect
def _unbind(**_: Any) -> None:
    structlog.contextvars.clear_contextvars()


@signals.beat_init.connect
def _missing_entries(**_: Any) -> None:
    from energyopti import schedule

    schedule.ensure()
