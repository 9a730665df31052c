"""A key never stands in a log, an error, a stored URL or an archived answer: look everywhere it could be."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import zstandard
from django.db import connection

from energyopti.sandbox.query import Limits
from energyopti.sandbox.server import Sandbox, make_model, serve
from tests.feeds.sandboxed import NOW, days, pull

KEY = "0123456789abcdef0123456789abcdef"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def keyed(settings, archive_folder: Path) -> Iterator[Sandbox]:
    """An upstream that wants a key, in PJM's place."""
    with serve(model=make_model(seed=7, nodes=60), limits=Limits(key=KEY), clock=lambda: NOW) as server:
        settings.SANDBOX, settings.PJM_API_KEY, settings.PJM_BASE_URL = "off", KEY, f"{server.url}/api/v1"
        settings.PJM_RATE_LIMIT_DELAY, settings.PJM_MAX_RETRIES, settings.PJM_CACHE_DURATION = 0, 0, 0
        yield server


def everything_written(archive: Path) -> Iterator[tuple[str, bytes]]:
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            for (row,) in cursor.fetchall():
                yield table, row.encode()
    for path in archive.rglob("*.*"):
        raw = path.read_bytes()
        yield str(path), zstandard.decompress(raw) if path.suffix == ".zst" else gzip.decompress(raw)


@pytest.mark.parametrize("status", [0, 400, 500], ids=["in-data", "in-a-refusal", "in-a-5xx"])
def test_an_upstream_that_repeats_the_key_does_not_leave_it_with_us(
    keyed: Sandbox, archive_folder: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    keyed.misbehave("echo_key", feed="rt_hrl_lmps", times=99, status=status)
    summary = pull(days(date(2026, 6, 10)))
    assert (summary.exit_code == 0) is (status == 0)
    assert keyed.requests[-1].headers["Ocp-Apim-Subscription-Key"] == KEY
    written = dict(everything_written(archive_folder))
    assert len(written) > 1
    assert [place for place, content in written.items() if KEY.encode() in content] == []
    assert KEY not in caplog.text + "".join(capfd.readouterr()) + str(summary) + summary.error


def test_a_refused_key_is_told_without_the_key(keyed: Sandbox, settings) -> None:
    settings.PJM_API_KEY = "another-key-that-is-wrong"
    summary = pull(days(date(2026, 6, 10)))
    assert summary.exit_code == 1
    assert "PJM_API_KEY" in summary.error
    assert "another-key-that-is-wrong" not in summary.error
