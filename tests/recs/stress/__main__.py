"""`python -m tests.recs.stress --seconds 60 --workers 16`: a PostgreSQL of its own, with fsync on; the report as JSON on stdout.

Every quarter of a second a client is killed; once a backend (which takes all others down), once the whole server at once.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from energyopti.onemachine import postgres, services

KILL_EVERY = 0.25
BACKEND_AT, RESTART_AT = 0.4, 0.7  # of the time


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--seconds", type=float, default=60)
    asked.add_argument("--workers", type=int, default=16)
    options = asked.parse_args()
    home = Path(tempfile.mkdtemp(prefix="energyopti-test-"))
    home.chmod(0o711)  # as root PostgreSQL is another user
    os.environ.update(DJANGO_SETTINGS_MODULE="energyopti.settings", ENERGYOPTI_HOME=str(home), SECRET_KEY="stress-only")
    try:
        with services.ensure(home, services=[postgres], durable=True):
            report = storm(home, options.seconds, options.workers)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


def storm(home: Path, seconds: float, workers: int) -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    from tests.recs.stress import judge, stage

    call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
    built = stage.build()
    connections.close_all()  # a child must not share a connection
    folder = home / "diaries"
    folder.mkdir()
    violence = Violence(home, folder, built, workers, time.time() + seconds)
    violence.run()
    return {"seconds": seconds, "workers": workers, **violence.counts, **judge.judge(folder, home / "log" / "postgres.log")}


class Violence:
    def __init__(self, home: Path, folder: Path, stage: Any, workers: int, until: float) -> None:
        self.home, self.folder, self.stage, self.until = home, folder, stage, until
        self.fork = multiprocessing.get_context("fork")
        self.lives = [0] * workers
        self.counts = {"clients killed": 0, "backends killed": 0, "restarts": 0, "workers that broke down": 0}

    def run(self) -> None:
        from tests.recs.stress.worker import audit

        began = time.time()
        deeds = [
            (began + BACKEND_AT * (self.until - began), self._kill_backend),
            (began + RESTART_AT * (self.until - began), self._restart),
        ]
        auditor = self.fork.Process(target=audit, args=(self.folder, self.until))
        auditor.start()
        processes = [self._born(number) for number in range(len(self.lives))]
        tick = began
        while (tick := max(tick + KILL_EVERY, time.time())) < self.until:  # a busy machine lags: what was missed is not made up for
            time.sleep(max(0, tick - time.time()))
            if deeds and time.time() > deeds[0][0]:
                deeds.pop(0)[1]()
            number = random.randrange(len(processes))
            self.counts["workers that broke down"] += bool(processes[number].exitcode)
            processes[number].kill()
            processes[number].join()
            self.counts["clients killed"] += 1
            processes[number] = self._born(number)
        for process in [*processes, auditor]:
            process.join(60)
            self.counts["workers that broke down"] += bool(process.exitcode)

    def _born(self, number: int) -> Any:
        from tests.recs.stress.worker import work

        self.lives[number] += 1
        process = self.fork.Process(target=work, args=(number, self.lives[number], self.stage, self.folder, self.until))
        process.start()
        return process

    def _kill_backend(self) -> None:
        """PostgreSQL then ends all sessions and recovers from its log."""
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as session:
            found = session.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                " ORDER BY state = 'active' DESC, random() LIMIT 1"
            ).fetchone()
        if found:
            os.kill(found[0], signal.SIGKILL)
            self.counts["backends killed"] += 1

    def _restart(self) -> None:
        """As after a power cut: nothing is written, all is recovered from the log."""
        server = postgres.running(self.home)
        if server is None:
            raise RuntimeError("PostgreSQL is gone")
        server.send_signal(signal.SIGQUIT)
        server.wait(30)
        postgres.launch(self.home, durable=True)
        while postgres.url(self.home) is None:
            time.sleep(0.05)
        self.counts["restarts"] += 1


if __name__ == "__main__":
    main()
