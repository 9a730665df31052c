"""What exists at which moment of the server's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from energyopti.sandbox.server import Sandbox
from tests.sandbox.asking import by_key, items
from tests.sandbox.conftest import NOW


def _at(sandbox: Sandbox, text: str) -> None:
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    sandbox.clock = lambda: moment


@pytest.mark.parametrize(("clock", "rows"), [("2026-11-23T18:29", 0), ("2026-11-23T18:30", 24)])
def test_day_ahead_prices_come_at_13_30_eastern(sandbox: Sandbox, clock: str, rows: int) -> None:
    _at(sandbox, clock)
    assert len(items(sandbox, "da_hrl_lmps", pnode_id=1, datetime_beginning_ept="2026-11-24")) == rows


@pytest.mark.parametrize("feed", ["rt_hrl_lmps", "rt_fivemin_hrl_lmps"])
@pytest.mark.parametrize(("clock", "there"), [("2026-11-23T12:59", False), ("2026-11-23T13:00", True)])
def test_verified_prices_come_at_8_eastern_of_the_next_day(sandbox: Sandbox, feed: str, clock: str, there: bool) -> None:
    _at(sandbox, clock)
    assert bool(items(sandbox, feed, pnode_id=1, datetime_beginning_ept="2026-11-22")) is there
    assert not items(sandbox, feed, pnode_id=1, datetime_beginning_ept="2026-11-23")


def test_unverified_prices_run_to_five_minutes_ago_and_back_15_days(sandbox: Sandbox) -> None:
    times = [row["datetime_beginning_utc"] for row in items(sandbox, "rt_unverified_fivemin_lmps", pnode_id=1)]
    assert (min(times), max(times)) == ("2026-11-08T20:00:00", "2026-11-23T19:55:00")


def test_retired_nodes_have_prices_until_they_retire(sandbox: Sandbox) -> None:
    ended = [row for row in items(sandbox, "pnode") if "2025-01" < row["termination_date"] < "2026"]
    node = ended[0]
    end = datetime.fromisoformat(node["termination_date"])
    for day, rows in ((end - timedelta(days=1), 24), (end, 0)):
        found = items(sandbox, "da_hrl_lmps", pnode_id=node["pnode_id"], row_is_current="TRUE", datetime_beginning_ept=f"{day:%Y-%m-%d}")
        assert len(found) == rows


def test_a_renamed_node_keeps_its_id(sandbox: Sandbox) -> None:
    listed = items(sandbox, "pnode")
    twice = {row["pnode_id"] for row in listed if sum(other["pnode_id"] == row["pnode_id"] for other in listed) > 1}
    assert len(twice) == 1
    first, second = sorted((row for row in listed if row["pnode_id"] in twice), key=lambda row: row["effective_date"])
    assert first["termination_date"] == second["effective_date"]
    assert first["pnode_name"] != second["pnode_name"]


def test_names_hold_runs_of_blanks_and_the_voltage(sandbox: Sandbox) -> None:
    buses = [row for row in items(sandbox, "pnode") if row["pnode_type"] == "BUS"]
    assert len(buses) == 150
    assert all(row["voltage_level"] in row["pnode_name"] for row in buses)
    assert any("  " in row["pnode_name"] for row in buses)


# --- restatements ----------------------------------------------------------------------------------


@pytest.fixture
def restated_day(sandbox: Sandbox) -> str:
    """The last restated market day of real-time prices that NOW sees."""
    span = "2026-01-01T05:00to2026-11-23T00:00"
    found = items(sandbox, "rt_hrl_lmps", pnode_id=1, version_nbr=2, datetime_beginning_utc=span)
    return max(row["datetime_beginning_ept"][:10] for row in found)


def test_a_restated_day_has_both_versions(sandbox: Sandbox, restated_day: str) -> None:
    found = items(sandbox, "rt_hrl_lmps", pnode_id=51288, datetime_beginning_ept=restated_day)
    assert sorted({(row["version_nbr"], row["row_is_current"]) for row in found}) == [(1, False), (2, True)]
    assert len(found) == 48


def test_some_hours_change_and_most_do_not(sandbox: Sandbox, restated_day: str) -> None:
    found = by_key(items(sandbox, "rt_hrl_lmps", pnode_id=51288, datetime_beginning_ept=restated_day))
    hours = {hour for hour, _, _ in found}
    changed = [hour for hour in hours if found[hour, 51288, 1]["total_lmp_rt"] != found[hour, 51288, 2]["total_lmp_rt"]]
    assert 1 <= len(changed) <= 12


@pytest.mark.parametrize(("current", "versions"), [("TRUE", {2}), ("FALSE", {1}), ("all", {1, 2})])
def test_row_is_current_chooses_the_version(sandbox: Sandbox, restated_day: str, current: str, versions: set[int]) -> None:
    found = items(sandbox, "rt_hrl_lmps", pnode_id=1, row_is_current=current, datetime_beginning_ept=restated_day)
    assert {row["version_nbr"] for row in found} == versions


def test_before_its_publication_a_restatement_is_unknown(sandbox: Sandbox, restated_day: str) -> None:
    now = {
        key: row
        for key, row in by_key(items(sandbox, "rt_hrl_lmps", pnode_id=1, datetime_beginning_ept=restated_day)).items()
        if key[2] == 1
    }
    sandbox.clock = lambda: datetime.fromisoformat(restated_day).replace(hour=14, tzinfo=UTC) + timedelta(days=1)
    then = by_key(items(sandbox, "rt_hrl_lmps", pnode_id=1, datetime_beginning_ept=restated_day))
    assert {key: row | {"row_is_current": False} for key, row in then.items()} == now
    assert all(row["row_is_current"] for row in then.values())


def test_the_five_minutes_of_a_restated_day_are_restated_alike(sandbox: Sandbox, restated_day: str) -> None:
    for version in (1, 2):
        asked = {"pnode_id": 51288, "version_nbr": version, "datetime_beginning_ept": restated_day}
        hourly = by_key(items(sandbox, "rt_hrl_lmps", **asked))
        five = items(sandbox, "rt_fivemin_hrl_lmps", **asked)
        for (hour, _, _), row in hourly.items():
            inside = [five_row["total_lmp_rt"] for five_row in five if five_row["datetime_beginning_utc"][:13] == hour[:13]]
            assert sum(inside) / 12 == pytest.approx(row["total_lmp_rt"], abs=2e-6)


def test_about_one_day_in_forty_is_restated(sandbox: Sandbox) -> None:
    count = 0
    for year in (2025, 2026):
        end = min(datetime(year, 12, 31, 23, tzinfo=UTC), NOW)
        span = f"{year}-01-01T05:00to{end:%Y-%m-%dT%H:%M}"
        found = items(sandbox, "rt_hrl_lmps", pnode_id=1, version_nbr=2, datetime_beginning_utc=span)
        count += len({row["datetime_beginning_ept"][:10] for row in found})
    assert 8 <= count <= 28
