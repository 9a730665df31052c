"""make bench: every benchmark, one table. Exit 1 when a goal is missed.

    BENCH_POINTS=100000000 make bench                     the way out over that many 5-minute points (default 10 million)
    BENCH_HOLDINGS=20000 make bench                       a large ledger of that many holdings (default a million, 5 entries each)
    BENCH_HOME=folder python -m tests.benchmarks serve    some of them, on a data folder that stays

Each run has a PostgreSQL of its own, with the settings of `make run` and fsync on, in a folder that is gone afterwards.
In a folder that stays only `serve` and `exports` tell the truth a second time: the others would load what is there already.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from energyopti.onemachine import postgres, redis, services
from tests.benchmarks.table import Row, render

MODULES = ("ingest", "store", "serve", "exports", "ledger", "ledger_large")
ENVIRONMENT = {
    "SECRET_KEY": "benchmarks-only",
    "DJANGO_SETTINGS_MODULE": "energyopti.settings",
    "SANDBOX": "off",
    "ADMIN_PASSWORD": "benchmarks-only",
    "API_RATE": "1000000/minute",  # a budget must not stand in the way of the next question
}


def main(chosen: list[str]) -> int:
    with _folder() as folder:
        for name in ("DATABASE_URL", "DATABASE_REPLICA_URL", "REDIS_URL", "PJM_API_KEY"):
            os.environ[name] = ""
        os.environ |= ENVIRONMENT | {"ENERGYOPTI_HOME": str(folder)}
        with services.ensure(folder, services=[postgres, redis]):
            subprocess.run([sys.executable, "-m", "energyopti.onemachine.prepare"], check=True)
            return measure(chosen or list(MODULES))


@contextmanager
def _folder() -> Iterator[Path]:
    if kept := os.environ.get("BENCH_HOME"):
        Path(kept).mkdir(parents=True, exist_ok=True)
        yield Path(kept).resolve()
        return
    with tempfile.TemporaryDirectory(prefix="energyopti-bench-") as folder:
        Path(folder).chmod(0o711)  # as root PostgreSQL is another user
        yield Path(folder)


def measure(chosen: list[str]) -> int:
    import django

    django.setup()
    rows = [row for name in chosen for row in _run(name)]
    print(render(rows))
    return 0 if all(row.ok for row in rows) else 1


def _run(name: str) -> Iterator[Row]:
    """One module, with nothing left to write of what the one before it did."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
    for row in importlib.import_module(f"tests.benchmarks.{name}").run():
        print(f"{row.what}: {row.ours}", file=sys.stderr)  # somebody may be waiting for ten minutes
        yield row


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
