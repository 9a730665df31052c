"""kill -9 in the middle of a sync, and two workers on one window: real processes, one database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from django.db import connection, connections

from energyopti.feeds.models import Coverage, Payload, SyncRun
from energyopti.sandbox.server import Sandbox
from tests.feeds.sandboxed import days, pull, stored, truth

pytestmark = pytest.mark.django_db(transaction=True)

FIRST, LAST = date(2026, 6, 8), date(2026, 6, 12)
SYNC = """
import os, sys, django
django.setup()
from django.conf import settings
from energyopti.feeds import registry
from markets.feeds import dm2_plan
from tests.feeds.sandboxed import days, pull
from datetime import date
dm2_plan.PAGE_ROWS = 500
settings.DATABASES["default"]["NAME"] = os.environ["TEST_DATABASE"]
settings.STORAGES["archive"]["OPTIONS"]["location"] = os.environ["TEST_ARCHIVE"]
summary = pull(days(date.fromisoformat(sys.argv[1]), date.fromisoformat(sys.argv[2])))
print(summary)
sys.exit(summary.exit_code)
"""


def start(upstream: Sandbox, archive: Path) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "energyopti.settings",
        "TEST_DATABASE": connection.settings_dict["NAME"],
        "TEST_ARCHIVE": str(archive),
        "SANDBOX": "on",
        "SANDBOX_URL": upstream.url,
        "PJM_CACHE_DURATION": "0",
        "PJM_RATE_LIMIT_DELAY": "0",
    }
    command = [sys.executable, "-c", SYNC, str(FIRST), str(LAST)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def pages_asked(upstream: Sandbox) -> Counter[str]:
    return Counter(
        f"{seen.query['datetime_beginning_utc']} {seen.query['startRow']}"
        for seen in upstream.requests
        if seen.path.endswith("/rt_hrl_lmps")
    )


@pytest.mark.parametrize("pages", [1, 4, 8])
def test_a_killed_sync_goes_on_where_it_died(upstream: Sandbox, archive_folder: Path, pages: int) -> None:
    for _ in range(2):  # killed twice
        upstream.misbehave("slow_drip", feed="rt_hrl_lmps", times=99, seconds=0.1)
        process = start(upstream, archive_folder)
        target = Payload.objects.count() + pages
        while Payload.objects.count() < target and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        upstream.behave()
    archived = set(Payload.objects.values_list("url", flat=True))
    asked_before = pages_asked(upstream)
    process = start(upstream, archive_folder)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output

    span = days(FIRST, LAST)
    assert stored(span) == truth(upstream, span)
    assert Coverage.objects.filter(status="complete").count() == 5
    run = SyncRun.objects.get()
    assert (run.status, run.attempts, run.windows_complete) == ("complete", 3, 5)
    asked_after = pages_asked(upstream) - asked_before
    assert len(archived) >= 2
    assert not [page for page, times in asked_after.items() if times > 1]
    assert Payload.objects.count() == len(set(Payload.objects.values_list("url", flat=True)))  # no archived page came twice
    assert Payload.objects.filter(url__in=archived).count() == len(archived)


def test_of_two_workers_on_one_window_one_works(upstream: Sandbox) -> None:
    upstream.misbehave("hang", feed="rt_hrl_lmps", seconds=1.5)
    span, summaries = days(FIRST), []

    def work() -> None:
        summaries.append(pull(span))
        connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
        time.sleep(0.4)
    for worker in workers:
        worker.join()
    assert sorted((summary.busy, summary.complete, summary.exit_code) for summary in summaries) == [(0, 1, 0), (1, 0, 3)]
    assert stored(span) == truth(upstream, span)
    assert SyncRun.objects.count() == 2
    assert Payload.objects.count() == 1
