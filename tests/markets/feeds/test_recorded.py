"""Real answers and exports of Data Miner 2, read in place."""

import csv
import gzip
import json
from decimal import Decimal

import numpy as np
import pytest

from energyopti.errors import StructureChanged
from energyopti.feeds import files
from markets.feeds.dm2_answers import parse, refusal

from .samples import DAY_AHEAD, FIVE_MINUTE, HOURLY, PNODE, SHARED, UNVERIFIED, needs_shared

pytestmark = needs_shared
ANSWERS = SHARED / "dm2_json"
EXPORTS = [
    (HOURLY, "rt_hrl_lmps_pjm_rto_2024.csv", 8808),
    (DAY_AHEAD, "da_hrl_lmps_pjm_rto_2025.csv", 8737),
    (DAY_AHEAD, "da_hrl_lmps_pjm_rto_2023-12.csv", 721),
    (HOURLY, "rt_hrl_lmps_12hubs_2025-05_06.csv.gz", 17568),
    (DAY_AHEAD, "da_hrl_lmps_12hubs_2025-05_06.csv.gz", 17568),
    (FIVE_MINUTE, "rt_fivemin_hrl_lmps_pjm_rto_2025-09-01_2h.csv", 24),
]


def lines(name: str) -> list[dict[str, str]]:
    path = SHARED / name
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize(("feed", "name", "rows"), EXPORTS, ids=[name for _, name, _ in EXPORTS])
def test_an_export_is_read_to_the_last_digit(feed, name, rows):
    table = files.read(feed, SHARED / name, name)
    expected = lines(name)
    market = "da" if feed is DAY_AHEAD else "rt"
    assert (len(table), table.rejects, len(expected)) == (rows, (), rows)
    fields = {"total": "total_lmp", "congestion": "congestion_price", "loss": "marginal_loss_price", "energy": "system_energy_price"}
    for column, field in fields.items():
        digits = [Decimal(line[f"{field}_{market}"]) for line in expected]
        assert [Decimal(repr(value)) for value in table[column].tolist()] == digits
    assert table["version"].tolist() == [int(line["version_nbr"]) for line in expected]
    assert table["pnode_id"].tolist() == [int(line["pnode_id"]) for line in expected]


def test_both_days_when_clocks_change_are_whole():
    table = files.read(HOURLY, SHARED / "rt_hrl_lmps_pjm_rto_2024.csv", "2024")
    times = table["interval_start"]
    for first, last, count in (("2024-03-10T05", "2024-03-11T04", 23), ("2024-11-03T04", "2024-11-04T05", 25)):
        day = (times >= np.datetime64(first)) & (times < np.datetime64(last))
        assert len(np.unique(times[day])) == count


def test_the_restated_day_has_both_versions():
    table = files.read(HOURLY, SHARED / "rt_hrl_lmps_pjm_rto_2024.csv", "2024")
    day = table.take(
        (table["interval_start"] >= np.datetime64("2024-03-05T05")) & (table["interval_start"] < np.datetime64("2024-03-06T05"))
    )
    first, second = (day.take(day["version"] == version) for version in (1, 2))
    assert (len(first), len(second), int((first["total"] != second["total"]).sum())) == (24, 24, 2)


def test_a_renamed_column_is_refused_by_name():
    name = "rt_hrl_lmps_pjm_rto_2023-04_revised_day.csv"
    with pytest.raises(StructureChanged, match=r"missing total_lmp_rt; unknown 'value' \(was total_lmp_rt renamed to 'value'\?\)"):
        files.read(HOURLY, SHARED / name, name)


def test_every_active_pnode_is_read():
    name = "pnode_active_2019-12-15.csv.gz"
    table = files.read(PNODE, SHARED / name, name)
    expected = lines(name)
    assert (len(table), table.rejects) == (12_708, ())
    assert table["name"].tolist() == [line["pnode_name"] for line in expected]
    assert table["zone"].tolist() == [line["zone"] or None for line in expected]
    assert np.isnat(table["effective_to"]).all()
    assert str(table["effective_from"][0]) == "2017-09-08T04:00:00"


@pytest.mark.parametrize(("feed", "name"), [(HOURLY, "rt_hrl_lmps"), (DAY_AHEAD, "da_hrl_lmps")])
def test_the_head_of_an_all_nodes_answer_is_noticed_to_be_a_head(feed, name):
    read = parse(feed, (ANSWERS / f"{name}_2024-02-20_first_items.json").read_bytes(), {})
    assert (read.rows, read.total_rows, read.table["pnode_id"].tolist()) == (2, 325_176, [1, 3])


@pytest.mark.parametrize(
    ("feed", "name", "missing"),
    [
        (DAY_AHEAD, "da_hrl_lmps_zones_2026-06-09.json", "system_energy_price_da, congestion_price_da, marginal_loss_price_da"),
        (UNVERIFIED, "rt_unverified_fivemin_lmps_zones_2026-06-10.json", "congestion_price_rt, marginal_loss_price_rt"),
    ],
)
def test_an_answer_of_fewer_columns_is_refused_with_the_missing_ones(feed, name, missing):
    with pytest.raises(StructureChanged) as refused:
        parse(feed, (ANSWERS / name).read_bytes(), {})
    named = refused.value.detail.partition("missing ")[2].partition(";")[0].split(", ")
    assert set(missing.split(", ")) <= set(named)


def test_an_answer_of_another_feed_is_refused():
    with pytest.raises(StructureChanged, match="unknown 'evaluated_at_datetime_utc'"):
        parse(HOURLY, (ANSWERS / "load_frcstd_7_day_2025-03-19_download_mode.json").read_bytes(), {})


def test_no_recorded_answer_is_taken_for_a_refusal():
    others = {"error_bodies_from_pjm_guide.json", "recorded_http_headers.json"}
    answers = [path for path in ANSWERS.glob("*.json") if path.name not in others]
    assert len(answers) == 11
    assert [path.name for path in answers if refusal(200, path.read_bytes())] == []


def test_each_body_of_the_guide_is_told_in_its_own_words():
    cases = json.loads((ANSWERS / "error_bodies_from_pjm_guide.json").read_text())
    assert len(cases) == 6
    for case in cases:
        told = refusal(case["http_status"], json.dumps(case["body"]).encode())
        assert case["body"]["errors"][0]["message"].rstrip(".") in told.sentence
        assert told.field == case["body"]["errors"][0]["field"]


def test_a_saved_answer_is_read_as_a_file():
    path = ANSWERS / "rt_hrl_lmps_2024-02-20_first_items.json"
    table = files.read(HOURLY, path, path.name)
    assert table["total"].tolist() == [17.956076, 18.101796]
