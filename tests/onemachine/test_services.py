from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from energyopti.errors import NotConfigured
from energyopti.onemachine import postgres, processes, redis, sandbox, services
from tests.onemachine.conftest import Holder, clear, processes_of

Hold = Callable[[Path], Holder]
BOTH = [postgres, redis]


def pids(home: Path) -> list[int | None]:
    return [process.pid if (process := service.running(home)) else None for service in BOTH]


def test_services_answer_inside_and_are_gone_outside(home: Path) -> None:
    with services.ensure(home, services=BOTH):
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT current_database(), current_setting('fsync')").fetchone() == ("energyopti", "on")
        assert Redis.from_url(os.environ["REDIS_URL"]).ping() is True
    assert processes_of(home) == []


def test_environment_is_as_before_outside(home: Path) -> None:
    before = os.environ["REDIS_URL"]
    with services.ensure(home, services=[redis]):
        assert os.environ["REDIS_URL"] == f"unix://{home}/run/redis.sock?db=0"
    assert os.environ["REDIS_URL"] == before


def test_nothing_listens_on_a_port(home: Path) -> None:
    with services.ensure(home, services=BOTH):
        listening = [c for process in processes_of(home) for c in process.net_connections("inet")]
    assert listening == []


def test_second_process_joins_and_the_last_one_stops(home: Path, hold: Hold) -> None:
    first = hold(home)
    running = pids(home)
    second = hold(home)
    assert (pids(home), second.database_url, second.redis_url) == (running, first.database_url, first.redis_url)
    first.end()
    assert pids(home) == running
    second.end()
    assert pids(home) == [None, None]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signal_to_the_last_one_stops_the_services(home: Path, hold: Hold, number: signal.Signals) -> None:
    holder = hold(home)
    assert holder.end(number) != 0
    assert processes_of(home) == []


def test_killed_holder_does_not_count(home: Path, hold: Hold) -> None:
    hold(home).end(signal.SIGKILL)
    left = pids(home)
    survivor = hold(home)
    assert None not in left
    survivor.end()
    assert processes_of(home) == []


def test_leftovers_of_a_killed_run_are_replaced_and_data_are_kept(home: Path, hold: Hold) -> None:
    killed = hold(home)
    with psycopg.connect(killed.database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
    killed.end(signal.SIGKILL)
    left = pids(home)
    with services.ensure(home, services=BOTH), psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT value FROM kept").fetchone() == (7,)
        assert set(pids(home)).isdisjoint(left)


def test_killed_services_are_started_again_for_who_joins(home: Path, hold: Hold) -> None:
    first = hold(home)
    for service in BOTH:
        process = service.running(home)
        assert process
        process.kill()
    second = hold(home)
    with psycopg.connect(second.database_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert Redis.from_url(first.redis_url).ping() is True


def test_two_homes_side_by_side(home: Path, hold: Hold) -> None:
    other = home.with_name(f"{home.name}-b")
    try:
        one, two = hold(home), hold(other)
        Redis.from_url(one.redis_url).set("whose", "one")
        assert Redis.from_url(two.redis_url).get("whose") is None
        one.end()
        assert Redis.from_url(two.redis_url).ping() is True
        two.end()
    finally:
        clear(other)


def test_queue_survives_a_restart(home: Path) -> None:
    for expected in (None, b"kept"):
        with services.ensure(home, services=[redis]):
            client = Redis.from_url(os.environ["REDIS_URL"])
            assert client.get("key") == expected
            client.set("key", "kept")


def test_long_home_falls_back_to_a_short_socket(home: Path) -> None:
    deep = home / ("long" * 20) / ("deep" * 10)
    with services.ensure(deep, services=BOTH):
        assert len(os.environ["REDIS_URL"]) < 107
        assert Redis.from_url(os.environ["REDIS_URL"]).ping() is True
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            assert connection.execute("SHOW data_directory").fetchone() == (str(deep / "postgresql"),)


def test_home_with_blanks_and_commas(home: Path) -> None:
    odd = home / "a b, c'd"
    with services.ensure(odd, services=BOTH), psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert Redis.from_url(os.environ["REDIS_URL"]).ping() is True


def test_addresses_of_the_user_replace_services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX", "off")
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example.com/energyopti")
    monkeypatch.setenv("REDIS_URL", "")
    assert [service.NAME for service in services.wanted()] == ["redis"]
    monkeypatch.setenv("REDIS_URL", "redis://redis.example.com/0")
    assert services.wanted() == []


def test_address_from_a_file_replaces_a_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://db.example.com/energyopti\n")
    monkeypatch.setenv("SANDBOX", "off")
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))
    monkeypatch.setenv("REDIS_URL", "redis://redis.example.com/0")
    assert services.wanted() == []


def test_sandbox_is_wanted_unless_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_URL", "")
    for value, expected in (("", True), ("auto", True), ("on", True), ("off", False)):
        monkeypatch.setenv("SANDBOX", value)
        assert (sandbox in services.wanted()) is expected


def test_service_that_ends_at_once_is_named_with_its_last_words(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "COMMAND", (sys.executable, "-c", "raise SystemExit('no price today')"))
    sentence = r"^Sandbox upstream did not start \(no price today\): see .*sandbox\.log, or set SANDBOX_URL$"
    with pytest.raises(NotConfigured, match=sentence), services.ensure(home, services=[redis, sandbox]):
        pytest.fail("it cannot be up")
    assert processes_of(home) == []


def test_waiting_can_be_given_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "COMMAND", (sys.executable, "-c", "import time; time.sleep(60)"))
    until = time.monotonic() + 0.5

    def pause(seconds: float) -> None:
        time.sleep(seconds)
        if time.monotonic() > until:
            raise InterruptedError

    with pytest.raises(InterruptedError), services.ensure(home, services=[sandbox], pause=pause):
        pytest.fail("it cannot be up")
    assert processes_of(home) == []


def test_abandoned_home_is_cleared_and_a_used_one_left_alone(home: Path, hold: Hold) -> None:
    holder = hold(home)
    assert services.stop_abandoned(home) is False
    assert None not in pids(home)
    holder.end(signal.SIGKILL)
    assert services.stop_abandoned(home) is True
    assert processes_of(home) == []


def test_removed_home_leaves_no_process(home: Path) -> None:
    with services.ensure(home, services=BOTH):
        running = [process for service in BOTH if (process := service.running(home))]
        shutil.rmtree(home)
    assert [processes.is_alive(process) for process in running] == [False, False]
