from __future__ import annotations

import os
import pwd
import subprocess
import sys
import sysconfig
from pathlib import Path

import psycopg
import pytest

from energyopti.errors import NotConfigured
from energyopti.onemachine import accounts, memory, postgres, services
from energyopti.onemachine import home as homes

NOBODY = 65534
AS_NOBODY = """
import os, sys
from pathlib import Path
from energyopti.onemachine import postgres, redis, services
with services.ensure(Path(sys.argv[1]), services=[postgres, redis]):
    import psycopg
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        print(connection.execute("SELECT current_database()").fetchone()[0], os.stat(postgres.data_folder(Path(sys.argv[1]))).st_uid)
"""


def ask(query: str) -> object:
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def test_cluster_is_utf8_with_a_locale_that_no_machine_changes(home: Path) -> None:
    with services.ensure(home, services=[postgres]):
        about = (
            "SELECT concat_ws(' ', pg_encoding_to_char(encoding), datlocprovider, datlocale) FROM pg_database WHERE datname = 'energyopti'"
        )
        assert ask(about) == "UTF8 b C.UTF-8"
        assert ask("SELECT string_agg(x, '' ORDER BY x) FROM unnest(ARRAY['b', 'É', 'B', 'a']) x") == "BabÉ"
        assert (ask("SHOW jit"), ask("SHOW fsync"), ask("SHOW timezone"), ask("SHOW listen_addresses")) == ("off", "on", "UTC", "")


def test_only_its_owner_reaches_the_socket(home: Path) -> None:
    with services.ensure(home, services=[postgres]):
        assert (home / "postgresql").stat().st_mode & 0o777 == 0o700
        assert (home / "postgresql" / postgres.SOCKET).stat().st_mode & 0o077 == 0


def test_half_made_cluster_is_made_again(home: Path) -> None:
    (home / "postgresql.new" / "base").mkdir(parents=True)
    with services.ensure(home, services=[postgres]):
        assert ask("SELECT 1") == 1
    assert not (home / "postgresql.new").exists()


def test_pid_of_another_process_in_a_stale_pid_file_is_not_believed(home: Path) -> None:
    with services.ensure(home, services=[postgres]):
        text = (home / "postgresql" / "postmaster.pid").read_text()
    stale = text.replace(text.splitlines()[0], str(os.getpid()), 1)
    (home / "postgresql" / "postmaster.pid").write_text(stale)
    assert postgres.running(home) is None
    with services.ensure(home, services=[postgres]):
        assert ask("SELECT 1") == 1


def test_data_of_another_major_version_are_not_touched(home: Path) -> None:
    (home / "postgresql").mkdir()
    (home / "postgresql" / "PG_VERSION").write_text("14\n")
    with pytest.raises(NotConfigured, match=r"are of PostgreSQL 14, this is 18: dump them"), services.ensure(home, services=[postgres]):
        pytest.fail("it cannot be up")


def test_server_knows_none_of_our_secrets(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PJM_API_KEY", "secret-of-the-trader")
    with services.ensure(home, services=[postgres]):
        process = postgres.running(home)
        assert process
        assert "PJM_API_KEY" not in process.environ()


@pytest.mark.parametrize(("megabytes", "buffers", "work"), [(512, "64MB", "4MB"), (8192, "1024MB", "16MB"), (65_536, "2048MB", "32MB")])
def test_memory_is_a_modest_share(monkeypatch: pytest.MonkeyPatch, megabytes: int, buffers: str, work: str) -> None:
    monkeypatch.setattr(memory, "available", lambda: megabytes * memory.MB)
    settings = memory.postgres_settings()
    assert (settings["shared_buffers"], settings["work_mem"]) == (buffers, work)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become an ordinary user")
def test_as_an_ordinary_user(home: Path) -> None:
    os.chown(home, NOBODY, NOBODY)
    environment = {
        "PYTHONPATH": f"{homes.BASE_DIR}:{sysconfig.get_path('purelib')}",
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [python_for_all(), "-c", AS_NOBODY, str(home)],
        user=NOBODY, group=NOBODY, extra_groups=[], env=environment, cwd="/", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (f"energyopti {NOBODY}\n", "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user for PostgreSQL")
def test_as_root_it_runs_as_a_system_user(home: Path) -> None:
    with services.ensure(home, services=[postgres]):
        process = postgres.running(home)
        assert process
        assert process.uids().effective == pwd.getpwnam(accounts.SYSTEM_USER).pw_uid
        assert process.gids().effective == pwd.getpwnam(accounts.SYSTEM_USER).pw_gid


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user for PostgreSQL")
def test_as_root_a_closed_parent_is_opened_for_passing_through_only(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    with services.ensure(closed / "var", services=[postgres]):
        assert ask("SELECT 1") == 1
    assert closed.stat().st_mode & 0o777 == 0o701
    assert f"{closed} was opened for passing through." in capfd.readouterr().err


def python_for_all() -> str:
    """A Python of our version that every user may run; ours may lie in root's own folder."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/python{version}"):
        probe = [candidate, "-c", "print(1)"]
        try:
            if subprocess.run(probe, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", capture_output=True, check=False).returncode == 0:
                return candidate
        except OSError:
            continue
    pytest.skip(f"no Python {version} that an ordinary user may run")
