"""The restated day that PJM published, over HTTP; and every format of the same window."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
import requests
from rest_framework.test import APIClient

from energyopti.organisations import services
from energyopti.organisations.models import APIKey, User
from tests.markets.api.asking import LMP, REVISIONS, answer, hourly, rows
from tests.markets.prices import HOURLY, LATER, at_clock, day, flat, load, real, real_table

RESTATED = "rt_hrl_lmps_pjm_rto_2023-04_revised_day.csv"


@pytest.mark.django_db
def test_the_restated_day_is_answered_as_of_before_and_after(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [{**row, "total_lmp_rt": row.get("total_lmp_rt", row.get("value", ""))} for row in real(RESTATED)]
    versions = sorted({int(row["version_nbr"]) for row in listed})
    assert len(versions) > 1
    restated = {row["datetime_beginning_utc"] for row in listed if int(row["version_nbr"]) == versions[-1]}
    starts = {datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC) for text in restated}
    span = day(f"{(min(starts) - timedelta(hours=5)):%Y-%m-%d}")
    of_day = [row for row in listed if datetime.strptime(row["datetime_beginning_utc"], "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC) in span]
    clock = at_clock(monkeypatch, datetime(2023, 5, 1, tzinfo=UTC))
    instants = []
    for version in versions:
        load(HOURLY, span, real_table(row for row in of_day if int(row["version_nbr"]) == version), now=LATER)
        instants.append(clock.now + timedelta(seconds=30))
        clock.now += timedelta(days=10)
    node = of_day[0]["pnode_id"]
    for version, instant in zip(versions, instants, strict=True):
        then = rows(api, LMP, hourly(span, nodes=node, as_of=instant.isoformat()))
        expected = {row["datetime_beginning_utc"]: float(row["total_lmp_rt"]) for row in of_day if int(row["version_nbr"]) <= version}
        assert [row["lmp_usd_per_mwh"] for row in then] == list(expected.values())
    every = rows(api, REVISIONS, hourly(span, nodes=node))
    assert sorted((row["version"], row["lmp_usd_per_mwh"]) for row in every) == sorted(
        (int(row["version_nbr"]), float(row["total_lmp_rt"])) for row in of_day
    )


def test_csv_holds_the_whole_window_that_json_pages(served: str, api: APIClient) -> None:
    days = [day("2024-11-02"), day("2024-11-03")]
    for span in days:
        load(HOURLY, span, flat(HOURLY, span, 1, 30.0) + flat(HOURLY, span, 2, 60.0))
    _, secret = services.make_api_key(user=User.objects.get(username="trader"), name="csv", scope=APIKey.Scope.READ)
    asked = hourly(type(days[0])(days[0].start, days[1].end), format="csv")
    response = requests.get(served + LMP, params=asked, headers={"Authorization": f"Bearer {secret}"}, timeout=30)
    assert response.status_code == 200, response.text
    listed = list(csv.DictReader(io.StringIO(response.text)))
    paged = rows(api, LMP, {name: value for name, value in asked.items() if name != "format"} | {"limit": 13})
    assert [(int(row["node_id"]), row["interval_start"], float(row["lmp_usd_per_mwh"])) for row in listed] == [
        (row["node_id"], row["interval_start"], row["lmp_usd_per_mwh"]) for row in paged
    ]
    assert len(listed) == 98
    assert answer(api, LMP, hourly(days[1]))["meta"]["expected"] == 50
