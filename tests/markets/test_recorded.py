"""Real recorded data through the whole pipeline: stored values equal the recorded ones to the last digit."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection

from energyopti.errors import EnergyOptiError
from energyopti.feeds import registry
from energyopti.feeds.client import Client
from energyopti.feeds.feed import Request
from energyopti.feeds.imports import import_file
from energyopti.feeds.limits import Priority
from energyopti.feeds.models import Coverage, Quarantine
from energyopti.sandbox.server import Sandbox, serve
from tests.feeds.sandboxed import days, stored

SHARED = Path(os.environ.get("ENERGYOPTI_SHARED", Path(__file__).parents[3] / "shared"))
PJM = SHARED / "data" / "pjm"

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not PJM.is_dir(), reason="no recorded PJM data at ENERGYOPTI_SHARED"),
]

RT, DA = "pjm.rt_hrl_lmps", "pjm.da_hrl_lmps"
YEAR = "rt_hrl_lmps_pjm_rto_2024.csv"


@pytest.fixture(autouse=True)
def archive_folder(settings, tmp_path: Path) -> Path:
    settings.STORAGES = {
        **settings.STORAGES,
        "archive": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}},
    }
    return tmp_path


def recorded(name: str) -> list[dict[str, str]]:
    path = PJM / name
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def written(rows: list[dict[str, str]], ending: str) -> dict[tuple[datetime, int], tuple[Decimal, ...]]:
    """(interval start, pnode) → the highest version's total, congestion, loss, energy, as the file has them."""
    best: dict[tuple[datetime, int], tuple[int, tuple[Decimal, ...]]] = {}
    names = [f"total_lmp_{ending}", f"congestion_price_{ending}", f"marginal_loss_price_{ending}", f"system_energy_price_{ending}"]
    for row in rows:
        instant = datetime.strptime(row["datetime_beginning_utc"], "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC)
        found = int(row["version_nbr"]), tuple(Decimal(row[name]) for name in names)
        key = instant, int(row["pnode_id"])
        best[key] = max(best.get(key, found), found, key=lambda one: one[0])
    return {key: prices for key, (_, prices) in best.items()}


def exact(rows: dict[tuple[datetime, int], tuple[float, ...]]) -> dict[tuple[datetime, int], tuple[Decimal, ...]]:
    """float8 keeps six decimals of any price that PJM allows: its shortest text is the recorded number."""
    return {key: tuple(Decimal(repr(price)) for price in prices) for key, prices in rows.items()}


def everything(feed: str) -> dict[tuple[datetime, int], tuple[float, ...]]:
    return stored(days(date(2000, 1, 1), date(2030, 1, 1), feed=feed), feed, sandbox=False)


@pytest.mark.parametrize(
    ("name", "feed", "exit_code", "windows"),
    [
        (YEAR, RT, 0, 366),
        ("da_hrl_lmps_pjm_rto_2025.csv", DA, 3, 365),  # ends with the inclusive end: one hour of the last day
        ("da_hrl_lmps_pjm_rto_2023-12.csv", DA, 3, 31),
        ("rt_hrl_lmps_12hubs_2025-05_06.csv.gz", RT, 0, 61),
        ("da_hrl_lmps_12hubs_2025-05_06.csv.gz", DA, 0, 61),
        ("rt_fivemin_hrl_lmps_pjm_rto_2025-09-01_2h.csv", "pjm.rt_fivemin_hrl_lmps", 3, 1),
    ],
)
def test_every_recorded_price_is_stored_to_the_last_digit(name: str, feed: str, exit_code: int, windows: int) -> None:
    summary = import_file(registry.feed(feed), PJM / name)
    assert (summary.exit_code, summary.windows, summary.quarantined, summary.flagged) == (exit_code, windows, 0, 0)
    assert exact(everything(feed)) == written(recorded(name), feed.split(".")[1][:2])


def test_a_file_imported_twice_changes_nothing() -> None:
    import_file(registry.feed(RT), PJM / YEAR)
    with connection.cursor() as cursor:
        cursor.execute("SELECT md5(string_agg(b::text, '' ORDER BY start)) FROM lmp_block b")
        before = cursor.fetchone()
        again = import_file(registry.feed(RT), PJM / YEAR)
        cursor.execute("SELECT md5(string_agg(b::text, '' ORDER BY start)) FROM lmp_block b")
        assert cursor.fetchone() == before
    assert (again.new, again.changed, again.revisions, again.exit_code) == (0, 0, 0, 0)


def test_both_days_when_clocks_change_have_their_hours() -> None:
    import_file(registry.feed(RT), PJM / YEAR)
    with connection.cursor() as cursor:
        cursor.execute("SELECT n, count(*), sum(missing) FROM lmp_block GROUP BY n ORDER BY n")
        assert cursor.fetchall() == [(23, 1, 0), (24, 364, 0), (25, 1, 0)]
    by_day = dict(Coverage.objects.values_list("window_start", "expected"))
    assert by_day[days(date(2024, 3, 10)).start] == 23
    assert by_day[days(date(2024, 11, 3)).start] == 25


def test_a_renamed_column_is_refused_by_name_and_nothing_is_stored() -> None:
    summary = import_file(registry.feed(RT), PJM / "rt_hrl_lmps_pjm_rto_2023-04_revised_day.csv")
    assert summary.exit_code == 1
    assert "total_lmp_rt" in summary.error
    assert "value" in summary.error
    assert everything(RT) == {}


def test_the_restated_day_of_2023_loads_once_its_column_has_its_name_back(tmp_path: Path) -> None:
    rows = recorded("rt_hrl_lmps_pjm_rto_2023-04_revised_day.csv")
    text = (PJM / "rt_hrl_lmps_pjm_rto_2023-04_revised_day.csv").read_text(encoding="utf-8")
    mended = tmp_path / "rt_hrl_lmps.csv"
    mended.write_text(text.replace(",value,", ",total_lmp_rt,", 1), encoding="utf-8")
    summary = import_file(registry.feed(RT), mended)
    assert (summary.exit_code, summary.quarantined, summary.revisions) == (0, 0, 1)
    renamed = [{("total_lmp_rt" if name == "value" else name): value for name, value in row.items()} for row in rows]
    assert exact(everything(RT)) == written(renamed, "rt")


def test_12708_pnodes_are_stored_letter_by_letter() -> None:
    from markets.models import Node

    summary = import_file(registry.feed("pjm.pnode"), PJM / "pnode_active_2019-12-15.csv.gz")
    assert (summary.exit_code, summary.new, summary.quarantined) == (0, 12_708, 0)
    kept = dict(Node.objects.values_list("pnode_id", "name"))
    assert kept == {int(row["pnode_id"]): row["pnode_name"] for row in recorded("pnode_active_2019-12-15.csv.gz")}
    assert import_file(registry.feed("pjm.pnode"), PJM / "pnode_active_2019-12-15.csv.gz").new == 0


# --- recorded answers, served by the sandbox's folder mode and pulled by the real client ------------


@pytest.fixture
def recordings(settings) -> Iterator[Sandbox]:
    with serve(folder=PJM / "dm2_json") as server:
        settings.SANDBOX, settings.SANDBOX_URL, settings.PJM_API_KEY = "on", server.url, ""
        settings.PJM_RATE_LIMIT_DELAY, settings.PJM_MAX_RETRIES = 0, 0
        yield server


ANSWERS = sorted(path.name for path in (PJM / "dm2_json").glob("*_20*.json")) if PJM.is_dir() else []


@pytest.mark.parametrize("name", ANSWERS)
def test_every_recorded_answer_is_pulled_byte_for_byte(recordings: Sandbox, name: str) -> None:
    upstream = registry.upstream("pjm")
    client = Client(upstream, upstream.endpoint(), priority=Priority.LIVE)
    feed, _, rest = name.partition("_20")
    day = f"20{rest[:8]}"
    asked = {"datetime_beginning_utc": f"{day}T00:00to{day}T23:59", "startRow": "1", "rowCount": "50000"}
    path = next(path for path in (feed, feed.removesuffix("_zones")) if path)
    answer = client.get(Request(path.removesuffix("_zones"), asked))
    assert json.loads(answer.body) == json.loads((PJM / "dm2_json" / name).read_bytes())


@pytest.mark.parametrize(
    ("name", "feed", "missing"),
    [
        ("da_hrl_lmps_zones_2026-06-09.json", DA, "congestion_price_da"),
        ("rt_unverified_fivemin_lmps_zones_2026-06-10.json", "pjm.rt_unverified_fivemin_lmps", "marginal_loss_price_rt"),
    ],
)
def test_answers_recorded_without_components_are_refused_by_name(name: str, feed: str, missing: str) -> None:
    body = (PJM / "dm2_json" / name).read_bytes()
    with pytest.raises(EnergyOptiError, match=missing):
        registry.upstream("pjm").parse(registry.feed(feed), body, {})


def test_an_answer_whose_items_were_cut_is_a_gap_not_a_day(recordings: Sandbox) -> None:
    """The recorded envelope claims 325,176 rows and holds two."""
    from energyopti.feeds.runner import sync

    span = days(date(2024, 2, 20))
    now = datetime(2024, 2, 22, tzinfo=UTC)
    summary = sync(registry.feed(RT), span, clock=lambda: now)
    assert summary.exit_code == 1
    assert "325176" in summary.error
    assert everything(RT) == {}
    assert not Quarantine.objects.exists()
    assert Coverage.objects.get().status == "failed"


def test_the_heat_dome_stands_as_it_was() -> None:
    import_file(registry.feed(RT), PJM / "rt_hrl_lmps_12hubs_2025-05_06.csv.gz")
    prices = everything(RT)
    assert max(total for total, *_ in prices.values()) == 1989.05107
    assert round(min(total for total, *_ in prices.values()), 2) == -69.34
    assert sum(total < 0 for total, *_ in prices.values()) == 76
