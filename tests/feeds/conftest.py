"""A sandbox for the pipeline, with its clock stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from energyopti.sandbox.server import Sandbox, make_model, serve
from markets.feeds import dataminer
from tests.feeds.sandboxed import NOW


@pytest.fixture
def archive_folder(settings, tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    settings.STORAGES = {
        **settings.STORAGES,
        "archive": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": folder}},
    }
    return folder


@pytest.fixture
def upstream(settings, archive_folder: Path) -> Iterator[Sandbox]:
    """The sandbox, answering in PJM's place; the settings keep a test quick."""
    with serve(model=make_model(seed=7, nodes=70), clock=lambda: NOW) as server:
        settings.SANDBOX, settings.SANDBOX_URL, settings.PJM_API_KEY = "on", server.url, ""
        settings.PJM_RATE_LIMIT_DELAY, settings.PJM_CACHE_DURATION = 0, 0
        settings.PJM_TIMEOUT, settings.PJM_MAX_RETRIES = 2, 1
        dataminer.UPSTREAMS[0]._cutoffs.clear()
        yield server
