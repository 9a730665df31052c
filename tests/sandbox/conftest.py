from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from energyopti.sandbox.server import Sandbox, serve

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)  # 15:00 in the East


@pytest.fixture(scope="session")
def _server() -> Iterator[Sandbox]:
    with serve(clock=lambda: NOW) as server:
        yield server


@pytest.fixture
def sandbox(_server: Sandbox) -> Iterator[Sandbox]:
    """A sandbox whose clock stands at NOW, without faults and without memory of earlier tests."""
    _server.clock = lambda: NOW
    _server.behave()
    _server.seen.clear()
    yield _server
    _server.behave()


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The recorded answers of the shared folder."""
    folder = Path(os.environ.get("ENERGYOPTI_SHARED", "../shared")) / "data" / "pjm" / "dm2_json"
    if not folder.is_dir():
        pytest.skip("no recorded answers at ENERGYOPTI_SHARED")
    return folder
