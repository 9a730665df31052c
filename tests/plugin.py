"""Starts PostgreSQL and Redis before Django reads its settings, and stops them at the end (pytest -p tests.plugin).

With `-n` each of pytest-xdist's workers is a session of its own, in all that follows; who deals out the tests starts nothing.

A session has a temporary home of its own; with ENERGYOPTI_HOME it uses the folder `test` in it and keeps the cluster
for the next session. Nothing of the developer's .env or keys is seen. DATABASE_URL and REDIS_URL still name others.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from energyopti.onemachine import postgres, redis, services, signals

ROOT = Path(__file__).resolve().parent.parent
KEPT = ("DATABASE_URL", "REDIS_URL", "ENERGYOPTI_HOME")
PREFIX = "energyopti-test-"
_open = ExitStack()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """A wrapper comes before pytest-django's own hook, which loads the settings."""
    signals.as_exit()
    _forget_developer()
    wanted = [service for service in (postgres, redis) if not os.environ.get(service.VARIABLE)]
    if "PYTEST_XDIST_WORKER" in os.environ or not early_config.known_args_namespace.numprocesses:
        _open.enter_context(services.ensure(_home(), services=wanted, durable=False))
    elif len(wanted) < 2:
        raise pytest.UsageError("tests side by side (-n) have servers of their own: leave out DATABASE_URL and REDIS_URL, or say -n 0")
    else:
        _sweep()  # here, and not in the workers: one would take away what another is just making
    return (yield)


def pytest_unconfigure() -> None:
    _open.close()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """The last words, after pytest's own summary: what was skipped, by reason."""
    yield
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    terminalreporter.write_line("")
    terminalreporter.write_line(f"{reasons.total()} tests skipped{':' if reasons else ''}")
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"  {count}: {reason}")


def _reason(report: pytest.TestReport) -> str:
    """A skip's longrepr is (file, line, "Skipped: reason")."""
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return told.removeprefix("Skipped: ")


def _home() -> Path:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if given := os.environ.get("ENERGYOPTI_HOME"):
        home = Path(given).resolve() / "test" / worker
    else:
        if not worker:
            _sweep()
        home = Path(tempfile.mkdtemp(prefix=PREFIX))
        home.chmod(0o711)  # as root PostgreSQL is another user
        _open.callback(shutil.rmtree, home, ignore_errors=True)
    os.environ["ENERGYOPTI_HOME"] = str(home)
    return home


def _sweep() -> None:
    """Homes of sessions that were killed: their servers still run."""
    for home in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if os.access(home, os.W_OK) and services.stop_abandoned(home):
            shutil.rmtree(home, ignore_errors=True)


def _forget_developer() -> None:
    """An empty value counts as not set, and keeps .env from setting it."""
    for name in re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE):
        os.environ[f"{name}_FILE"] = ""
        if name not in KEPT:
            os.environ[name] = ""
    for name in KEPT:
        os.environ.setdefault(name, "")
    os.environ["SECRET_KEY"] = "tests-only"
