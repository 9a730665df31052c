from __future__ import annotations

import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from energyopti.errors import NotConfigured
from energyopti.onemachine import home as homes


def test_secret_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    key = homes.secret_key(tmp_path)
    assert re.fullmatch(r"[\w-]{67}", key)
    assert homes.secret_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_secret_key_of_two_that_start_at_once_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    number = iter(range(100, 200))
    monkeypatch.setattr(homes.os, "getpid", lambda: next(number))
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: homes.secret_key(tmp_path), range(16)))
    assert len(keys) == 1


def test_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        NotConfigured, match=r"^the data folder .*/file/var cannot be used \(Not a directory: .*set ENERGYOPTI_HOME"
    ) as caught:
        homes.prepare(tmp_path / "file" / "var")
    assert caught.value.field == "ENERGYOPTI_HOME"


def test_environment_names_the_home_and_the_key_for_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENERGYOPTI_HOME", str(tmp_path))
    monkeypatch.setenv("SECRET_KEY", "")
    assert homes.load_environment() == tmp_path
    assert os.environ["SECRET_KEY"] == (tmp_path / "secret_key").read_text()


def test_given_secret_key_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENERGYOPTI_HOME", str(tmp_path))
    monkeypatch.setenv("SECRET_KEY", "given")
    homes.load_environment()
    assert os.environ["SECRET_KEY"] == "given"
    assert not (tmp_path / "secret_key").exists()


def test_long_log_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(homes, "LOG_LIMIT", 5)
    homes.prepare(tmp_path)
    for text in (b"first!", b"second"):
        with homes.open_log(tmp_path, "web") as log:
            log.write(text)
    assert (tmp_path / "log" / "web.log.1").read_bytes() == b"first!"
    assert homes.log_tail(tmp_path, "web") == "second"


def test_short_socket_folder_that_somebody_else_made_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    monkeypatch.setattr(homes, "_is_own", lambda _folder, _owner: False)
    with pytest.raises(NotConfigured, match="set ENERGYOPTI_HOME to a shorter path"):
        homes.socket_folder(deep, "redis.sock", owner=os.geteuid())
