"""make bench: every benchmark, one table. Exit 1 when a goal is missed.

Each run has a PostgreSQL of its own, with the settings of `make run` and fsync on, in a folder that is gone afterwards.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from pathlib import Path

from energyopti.onemachine import postgres, redis, services
from tests.benchmarks.table import Row, render

MODULES = ("ingest", "store")


def main(chosen: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="energyopti-bench-") as folder:
        Path(folder).chmod(0o711)  # as root PostgreSQL is another user
        for name in ("DATABASE_URL", "REDIS_URL", "PJM_API_KEY"):
            os.environ[name] = ""
        os.environ |= {"ENERGYOPTI_HOME": folder, "SECRET_KEY": "benchmarks-only", "DJANGO_SETTINGS_MODULE": "energyopti.settings"}
        with services.ensure(Path(folder), services=[postgres, redis]):
            return measure(chosen or list(MODULES))


def _run(name: str) -> list[Row]:
    """One module, with nothing left to write of what the one before it did."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
    return list(importlib.import_module(f"tests.benchmarks.{name}").run())


def measure(chosen: list[str]) -> int:
    import django

    django.setup()
    from django.test.runner import DiscoverRunner

    runner = DiscoverRunner(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    try:
        rows = [row for name in chosen for row in _run(name)]
    finally:
        runner.teardown_databases(databases)
    print(render(rows))
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
