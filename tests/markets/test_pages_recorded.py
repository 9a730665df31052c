"""The markets page over PJM's own recorded prices: the days when clocks change, and the day that was restated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from energyopti.pages.templatetags.energy import usd
from markets.models import Node
from tests.markets import prices, world
from tests.markets.test_pages import cells, person, shown

__all__ = ["person"]
pytestmark = pytest.mark.django_db
RTO, YEAR = 1, "rt_hrl_lmps_pjm_rto_2024.csv"
PARTS = ("total_lmp_rt", "system_energy_price_rt", "congestion_price_rt", "marginal_loss_price_rt")


@pytest.fixture(autouse=True)
def node() -> None:
    since = datetime(1998, 4, 1, tzinfo=UTC)
    Node.objects.create(sandbox=False, pnode_id=RTO, name="PJM-RTO", type="ZONE", effective_from=since, origin="pnode")


def recorded_rows(name: str) -> list[dict[str, str]]:
    """One of the files was published with another name for the total."""
    return [{**row, "total_lmp_rt": row.get("total_lmp_rt") or row["value"]} for row in prices.real(name)]


def stored(name: str, day: str) -> list[dict[str, str]]:
    """Loads one market day of a recorded file; its rows in the order of time, the highest version of each hour."""
    window = prices.day(day)

    def at(row: dict[str, str]) -> datetime:
        return datetime.strptime(row["datetime_beginning_utc"], "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC)

    rows = [row for row in recorded_rows(name) if at(row) in window]
    prices.load(world.feed("rt_hrl_lmps"), window, prices.real_table(rows))
    best: dict[datetime, dict[str, str]] = {}
    for row in sorted(rows, key=lambda row: int(row["version_nbr"])):
        best[at(row)] = row
    return [best[instant] for instant in sorted(best)]


def figures(page: str) -> list[list[str]]:
    return [row[5:9] for row in cells(page, "table")[1:]]


def as_written(rows: Sequence[dict[str, str]]) -> list[list[str]]:
    return [[usd(float(row[part])) for part in PARTS] for row in rows]


@pytest.mark.parametrize(("day", "hours", "second"), [("2024-03-10", 23, "03:00"), ("2024-11-03", 25, "01:00 EST")])
def test_the_days_when_clocks_change_are_pjms_own(person: Client, day: str, hours: int, second: str) -> None:
    recorded = stored(YEAR, day)
    assert len(recorded) == hours
    page = shown(person, f"?node={RTO}&start={day}")
    assert figures(page) == as_written(recorded)
    labels = [row[0] for row in cells(page, "table")[1:]]
    assert labels[2] == second
    eastern = [datetime.strptime(row["datetime_beginning_ept"], "%m/%d/%Y %I:%M:%S %p") for row in recorded]  # noqa: DTZ007
    assert [label.removeprefix(f"Sun {day} ")[:5] for label in labels] == [f"{at:%H:%M}" for at in eastern]
    assert len(set(labels)) == hours
    heat = cells(shown(person, f"?node={RTO}&start={day}&heat=real_time"), "heat")
    assert [len(row) for row in heat] == [hours + 1] * 2
    assert f"{hours} of {hours}" in " ".join(re.sub(r"<[^>]+>", "", page).split())


@pytest.mark.parametrize("day", ["2024-03-10", "2024-11-03"])
def test_the_page_the_api_and_the_record_say_the_same(person: Client, day: str) -> None:
    recorded = stored(YEAR, day)
    page = shown(person, f"?node={RTO}&start={day}")
    answer = person.get(unescape(re.search(r'data-real-time="([^"]+)"', page)[1])).json()["columns"]
    assert answer["lmp_usd_per_mwh"] == [float(row["total_lmp_rt"]) for row in recorded]
    sums = zip(answer["energy_usd_per_mwh"], answer["congestion_usd_per_mwh"], answer["loss_usd_per_mwh"], strict=True)
    assert all(abs(sum(parts) - total) <= 0.0101 for parts, total in zip(sums, answer["lmp_usd_per_mwh"], strict=True))
    start = prices.day(day).start
    assert answer["interval_start"] == [f"{start + hour * timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}" for hour in range(len(recorded))]


def test_what_was_restated_is_marked_hour_by_hour(person: Client) -> None:
    name = "rt_hrl_lmps_pjm_rto_2023-04_revised_day.csv"
    versions: dict[str, list[tuple[int, float, str]]] = {}
    for row in recorded_rows(name):
        told = (int(row["version_nbr"]), float(row["total_lmp_rt"]), row["datetime_beginning_ept"])
        versions.setdefault(row["datetime_beginning_utc"], []).append(told)
    twice = {key: sorted(told) for key, told in versions.items() if len(told) > 1}
    days = {_day(told[0][2]) for told in twice.values()}
    assert days, "the recorded file has no hour that came twice"
    for day in sorted(days):
        rows = stored(name, f"{day}")
        table = cells(shown(person, f"?node={RTO}&start={day}"), "table")[1:]
        assert [row[5] for row in table] == [usd(float(row["total_lmp_rt"])) for row in rows]
        expected = [_mark(twice.get(row["datetime_beginning_utc"]), int(row["version_nbr"])) for row in rows]
        assert [row[-1] for row in table] == expected


def _mark(told: list[tuple[int, float, str]] | None, version: int) -> str:
    if told is None:
        return f"RT v{version}" if version > 1 else ""
    (_, before, _), (_, now, _) = told[-2:]
    return f"RT v{version}, LMP unchanged" if before == now else f"RT v{version}, was {usd(before)}"


def _day(eastern: str) -> date:
    return datetime.strptime(eastern, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=ZoneInfo("America/New_York")).date()
