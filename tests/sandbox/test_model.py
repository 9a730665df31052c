"""The model's promises: one truth in every window, page and feed, and prices that a trader would believe."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from energyopti.sandbox.eastern import day_start
from energyopti.sandbox.feeds import FEEDS
from energyopti.sandbox.market import scarcity_day
from energyopti.sandbox.prices import prices
from energyopti.sandbox.query import Limits, read
from energyopti.sandbox.rows import rows
from energyopti.sandbox.server import Sandbox, make_model, serve
from tests.sandbox.asking import by_key, items
from tests.sandbox.conftest import NOW

MOMENTS = st.integers(0, 366 * 48).map(lambda half_hours: datetime(2025, 11, 1, tzinfo=UTC) + timedelta(minutes=30 * half_hours))
PRICED = ["da_hrl_lmps", "rt_hrl_lmps", "rt_fivemin_hrl_lmps"]
QUICK = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NODES = make_model()


def _text(first: datetime, last: datetime) -> str:
    return f"{first:%Y-%m-%dT%H:%M}to{last:%Y-%m-%dT%H:%M}"


@QUICK
@given(
    first=MOMENTS,
    hours=st.integers(0, 30),
    size=st.integers(1, 400),
    feed=st.sampled_from(PRICED[:2]),
    sort=st.sampled_from(["", "pnode_id"]),
)
def test_pages_laid_together_are_the_whole(first: datetime, hours: int, size: int, feed: str, sort: str) -> None:
    asked = {"datetime_beginning_utc": _text(first, first + timedelta(hours=hours)), "type": "HUB;GEN", "sort": sort, "startRow": "1"}
    query = read(FEEDS[feed], asked | {"rowCount": "50000"}, limits=Limits(), now=NOW)
    answer = rows(query, NODES, now=NOW)
    pages = [answer.page(start, size, query.fields) for start in range(0, answer.total, size)]
    assert [row for page in pages for row in page] == answer.page(0, 50_000, query.fields)
    assert sum(map(len, pages)) == answer.total
    assert all(len(page) == size for page in pages[:-1])


@QUICK
@given(first=MOMENTS, before=st.integers(0, 40), inside=st.integers(0, 30), after=st.integers(0, 40), feed=st.sampled_from(PRICED[:2]))
def test_a_window_is_a_part_of_every_larger_one(sandbox: Sandbox, first: datetime, before: int, inside: int, after: int, feed: str) -> None:
    last = first + timedelta(hours=inside)
    larger = _text(first - timedelta(hours=before), last + timedelta(hours=after))
    small = by_key(items(sandbox, feed, pnode_id="1;51288;9000000008", datetime_beginning_utc=_text(first, last)))
    large = by_key(items(sandbox, feed, pnode_id="1;51288;9000000008", datetime_beginning_utc=larger))
    wanted = {key: row for key, row in large.items() if f"{first:%Y-%m-%dT%H:%M:%S}" <= key[0] <= f"{last:%Y-%m-%dT%H:%M:%S}"}
    assert small == wanted


@QUICK
@given(day=st.dates(datetime(2025, 12, 1).date(), datetime(2026, 11, 20).date()))
def test_total_rows_are_the_days_hours_times_its_nodes(sandbox: Sandbox, day: Any) -> None:
    found = items(sandbox, "rt_hrl_lmps", row_is_current="TRUE", datetime_beginning_ept=f"{day:%Y-%m-%d}")
    days = (day - datetime(1970, 1, 1).date()).days
    hours = int(day_start(days + 1) - day_start(days)) // 3600
    alive = sum(1 for node in NODES.entries if node.first <= days < node.last)
    assert len(by_key(found)) == len(found) == hours * alive


def _miss(row: dict[str, Any], suffix: str) -> float:
    parts = row[f"system_energy_price_{suffix}"] + row[f"congestion_price_{suffix}"] + row[f"marginal_loss_price_{suffix}"]
    return abs(row[f"total_lmp_{suffix}"] - parts)


@pytest.mark.parametrize("day", ["2026-04-04", "2026-07-15", "2026-11-01"])
def test_day_ahead_parts_make_the_total(sandbox: Sandbox, day: str) -> None:
    assert max(_miss(row, "da") for row in items(sandbox, "da_hrl_lmps", datetime_beginning_ept=day)) < 1e-6


@pytest.mark.parametrize("day", ["2026-04-04", "2026-07-15", "2026-11-01"])
def test_real_time_parts_miss_the_total_by_the_energys_rounding(sandbox: Sandbox, day: str) -> None:
    found = items(sandbox, "rt_hrl_lmps", datetime_beginning_ept=day)
    aggregates = [_miss(row, "rt") for row in found if row["voltage"] is None]
    buses = [_miss(row, "rt") for row in found if row["voltage"] is not None]
    assert 0.002 < max(aggregates) < 0.005002
    assert 0.005002 < max(buses) < 0.010002


@pytest.mark.parametrize("feed", PRICED)
def test_energy_is_the_same_at_every_node(sandbox: Sandbox, feed: str) -> None:
    found = items(sandbox, feed, version_nbr=1, datetime_beginning_ept="2026-11-05 16:00to2026-11-05 18:00")
    column = "system_energy_price_da" if feed.startswith("da") else "system_energy_price_rt"
    energies: dict[str, set[float]] = {}
    for row in found:
        energies.setdefault(row["datetime_beginning_utc"], set()).add(row[column])
    assert [len(energy) for energy in energies.values()] == [1] * len(energies)


def test_twelve_intervals_make_the_hour(sandbox: Sandbox) -> None:
    asked = {"type": "HUB", "row_is_current": "TRUE", "datetime_beginning_ept": "2026-11-01"}
    hourly = by_key(items(sandbox, "rt_hrl_lmps", **asked))
    asked.pop("type")
    inside: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in items(sandbox, "rt_fivemin_hrl_lmps", pnode_id="51217;51287;51288", **asked):
        inside.setdefault((row["datetime_beginning_utc"][:13], row["pnode_id"]), []).append(row)
    assert len(inside) == 25 * 3
    for (hour, node), five in inside.items():
        (told,) = (row for (at, pnode, _), row in hourly.items() if (at[:13], pnode) == (hour, node))
        assert len(five) == 12
        assert sum(row["total_lmp_rt"] for row in five) / 12 == pytest.approx(told["total_lmp_rt"], abs=2e-6)
        assert sum(row["congestion_price_rt"] for row in five) / 12 == pytest.approx(told["congestion_price_rt"], abs=2e-6)


def test_unverified_prices_are_near_the_verified_but_not_the_same(sandbox: Sandbox) -> None:
    asked = {"pnode_id": "1;51288", "datetime_beginning_ept": "2026-11-20"}
    verified = by_key(items(sandbox, "rt_fivemin_hrl_lmps", version_nbr=1, **asked))
    first = by_key(items(sandbox, "rt_unverified_fivemin_lmps", **asked))
    assert first.keys() == verified.keys()
    gaps = [abs(first[key]["total_lmp_rt"] - verified[key]["total_lmp_rt"]) for key in first]
    assert 0.02 < max(gaps) < 3.0
    assert all(round(row["total_lmp_rt"], 2) == row["total_lmp_rt"] for row in first.values())


def _year(grain: str, node: int, year: int = 2025) -> np.ndarray[Any, np.dtype[np.float64]]:
    start, end = (int(datetime(y, 1, 1, 5, tzinfo=UTC).timestamp()) for y in (year, year + 1))
    hours = np.arange(start, end, 3600)
    entry = int(np.flatnonzero(NODES.ids == node)[0])
    return prices(NODES, grain, entry=np.full(len(hours), entry), instants=hours, versions=np.ones(len(hours), np.int64)).total


def test_a_year_looks_like_a_year() -> None:
    real_time, ahead = _year("hourly", 51288), _year("day-ahead", 51288)
    assert 30 < real_time.mean() < 60
    assert real_time.max() > 1000
    assert (real_time < 0).sum() > 20
    calm = real_time < 300
    assert np.corrcoef(real_time[calm], ahead[calm])[0, 1] > 0.7
    shape = real_time[: 364 * 24].reshape(-1, 24).mean(axis=0)
    assert shape[16:20].mean() > 1.4 * shape[0:4].mean()


@pytest.mark.parametrize("year", range(2019, 2031))
def test_each_summer_has_one_day_over_1000(year: int) -> None:
    start = int(datetime(year, 1, 1, 5, tzinfo=UTC).timestamp())
    over = np.unique((start // 3600 + np.flatnonzero(_year("hourly", 1, year) > 1000)) // 24)
    assert over.tolist() == [int(scarcity_day(NODES.seed, np.array(year)))]


def test_negative_prices_come_at_spring_nights(sandbox: Sandbox) -> None:
    span = "2026-03-01 00:00to2026-05-31 23:00"
    found = [
        row for row in items(sandbox, "rt_hrl_lmps", pnode_id=1, version_nbr=1, datetime_beginning_ept=span) if row["total_lmp_rt"] < 0
    ]
    assert len(found) > 20
    assert {int(row["datetime_beginning_ept"][11:13]) for row in found} <= set(range(8))


def test_another_seed_is_another_market(sandbox: Sandbox) -> None:
    asked = {"pnode_id": 1, "version_nbr": 1, "datetime_beginning_ept": "2026-11-05"}
    with serve(model=make_model(seed=2), clock=lambda: NOW) as other:
        assert items(other, "rt_hrl_lmps", **asked) != items(sandbox, "rt_hrl_lmps", **asked)


def test_the_same_seed_is_the_same_market(sandbox: Sandbox) -> None:
    asked = {"version_nbr": 1, "datetime_beginning_ept": "2026-11-05"}
    with serve(clock=lambda: NOW) as other:
        assert items(other, "rt_hrl_lmps", **asked) == items(sandbox, "rt_hrl_lmps", **asked)


def test_as_many_nodes_as_wanted() -> None:
    ids = {entry.pnode_id for entry in make_model(nodes=13_500).entries}
    assert len(ids) == 13_500
    assert len({number for number in ids if number < 9_000_000_000}) == 12 + 23 + 16
