"""The sandbox as a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[2]


@contextmanager
def _process(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A sandbox that listens, and its address."""
    port_file = folder / "port"
    command = [sys.executable, "-m", "energyopti.sandbox", "--port", "0", "--port-file", str(port_file), *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            deadline = time.monotonic() + 20
            while not port_file.exists():
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield process, f"http://127.0.0.1:{int(port_file.read_text())}"
        finally:
            process.kill()


def test_it_listens_says_where_and_stops_on_sigterm(tmp_path: Path) -> None:
    with _process(tmp_path, "--nodes", "60") as (process, url):
        assert requests.get(f"{url}/healthz", timeout=20).json() == {"status": "ok"}
        assert requests.get(f"{url}/api/v1/pnode", timeout=20).json()["totalRows"] == 61
        process.terminate()
        assert process.wait(timeout=10) == 0
    assert [file.name for file in tmp_path.iterdir()] == ["port"]


def test_clock_and_faults_are_told_on_the_command_line(tmp_path: Path) -> None:
    told = '{"kind": "server_error", "status": 503}'
    with _process(tmp_path, "--now", "2026-06-10T12:00Z", "--misbehave", told, "--key", "right") as (_, url):
        asked = {"startRow": 1, "rowCount": 50, "pnode_id": 1, "datetime_beginning_ept": "Yesterday", "subscription-key": "right"}
        assert requests.get(f"{url}/api/v1/rt_hrl_lmps", params=asked, timeout=20).status_code == 503
        rows = requests.get(f"{url}/api/v1/rt_hrl_lmps", params=asked, timeout=20).json()["items"]
        assert {row["datetime_beginning_ept"][:10] for row in rows} == {"2026-06-09"}
        assert requests.get(f"{url}/api/v1/pnode", timeout=20).status_code == 401


@pytest.mark.parametrize("wrong", [["--misbehave", '{"kind": "sulk"}'], ["--now", "2026-06-10T12:00"]])
def test_what_it_does_not_understand_it_says(tmp_path: Path, wrong: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "energyopti.sandbox", *wrong], cwd=ROOT, capture_output=True, timeout=30, check=False)
    assert done.returncode == 2
    assert b"error: argument" in done.stderr


def test_it_shares_no_code_with_the_feeds() -> None:
    loaded = "import sys, energyopti.sandbox.__main__; print([m for m in sys.modules if m.startswith(('markets', 'energyopti.feeds'))])"
    done = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, timeout=30, check=True)
    assert done.stdout.strip() == b"[]"
