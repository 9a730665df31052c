"""The storm of tests.recs.stress, and what must be left after it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SECONDS = float(os.environ.get("LEDGER_STRESS_SECONDS") or 60)  # 600 before a release


def test_the_ledger_survives() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "DATABASE_REPLICA_URL", "REDIS_URL")}
    command = [sys.executable, "-m", "tests.recs.stress", "--seconds", str(SECONDS)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, env=environment, timeout=4 * SECONDS + 300)
    assert done.returncode == 0, done.stderr[-4000:]
    report = json.loads(done.stdout)
    print(json.dumps({name: value for name, value in report.items() if not isinstance(value, list)}, indent=1))  # noqa: T201
    for never in ("broken", "lost", "refused and yet done", "wrong replays", "half done", "inconsistent", "audits that found something"):
        assert not report[never], (never, report[never])
    assert report["surprises"] == []
    assert (report["deadlocks"], report["workers that broke down"]) == (0, 0)
    assert report["pack proves itself"], report["pack"]
    # and it was a storm
    assert (report["backends killed"], report["restarts"]) == (1, 1)
    assert report["clients killed"] > SECONDS
    assert report["acknowledged"] > 10 * SECONDS
    assert report["replays"] > SECONDS
    assert len(report["by kind"]) >= 14
    assert report["audits"] >= 1
