"""The upstream's protocol, trap by trap."""

from __future__ import annotations

import gzip
import re
from http.client import HTTPConnection

import pytest
import requests

from energyopti.sandbox.query import Limits
from energyopti.sandbox.server import Sandbox, serve
from tests.sandbox.asking import WHOLE, body, by_key, error, get, items
from tests.sandbox.conftest import NOW

DAY = {"datetime_beginning_ept": "2026-11-20 00:00 to 2026-11-20 23:00"}
HOURS = 24
FIELDS = (
    "datetime_beginning_utc datetime_beginning_ept pnode_id pnode_name voltage equipment type zone "
    "system_energy_price_{0} total_lmp_{0} congestion_price_{0} marginal_loss_price_{0} row_is_current version_nbr"
)
COLUMNS = {
    "da_hrl_lmps": FIELDS.format("da").split(),
    "rt_hrl_lmps": FIELDS.format("rt").split(),
    "rt_fivemin_hrl_lmps": FIELDS.format("rt").split(),
    "rt_unverified_fivemin_lmps": [
        *("datetime_beginning_utc", "datetime_beginning_ept", "pnode_id", "pnode_name", "type", "total_lmp_rt"),
        *("congestion_price_rt", "marginal_loss_price_rt", "occ_check", "ref_caseid_used_multi_interval"),
    ],
}
PNODE = ["pnode_id", "pnode_name", "pnode_type", "pnode_subtype", "zone", "voltage_level", "effective_date", "termination_date"]


@pytest.mark.parametrize("feed", COLUMNS)
def test_rows_have_the_feeds_columns_in_order(sandbox: Sandbox, feed: str) -> None:
    for row in items(sandbox, feed, pnode_id=1, **DAY):
        assert list(row) == COLUMNS[feed]


def test_the_node_list_has_its_columns_in_order(sandbox: Sandbox) -> None:
    assert list(items(sandbox, "pnode")[0]) == PNODE


def test_every_answer_is_marked(sandbox: Sandbox) -> None:
    for resource in ("", "pnode", "pnode/metadata", "nope", "../healthz"):
        assert get(sandbox, resource).headers["X-EnergyOpti-Sandbox"] == "true"


@pytest.mark.parametrize("given", [{"startRow": 1}, {"rowCount": 10}, {"pnode_id": 1}, {"startRow": 0, "rowCount": 10}])
def test_any_parameter_needs_both_start_row_and_row_count(sandbox: Sandbox, given: dict[str, int]) -> None:
    assert get(sandbox, "pnode", **given).status_code == 400


def test_no_parameter_at_all_is_answered(sandbox: Sandbox) -> None:
    assert get(sandbox, "pnode").json()["searchSpecification"]["startRow"] == 1


@pytest.mark.parametrize(("rows", "status"), [(50_000, 200), (50_001, 400)])
def test_a_page_has_at_most_50_000_rows(sandbox: Sandbox, rows: int, status: int) -> None:
    assert get(sandbox, "pnode", startRow=1, rowCount=rows).status_code == status


def test_pages_are_cut_from_row_one(sandbox: Sandbox) -> None:
    whole = items(sandbox, "rt_hrl_lmps", pnode_id=1, **DAY)
    page = body(sandbox, "rt_hrl_lmps", pnode_id=1, startRow=5, rowCount=4, **DAY)
    assert page["items"] == whole[4:8]
    assert page["totalRows"] == HOURS


def test_behind_the_last_row_a_page_is_empty(sandbox: Sandbox) -> None:
    page = body(sandbox, "rt_hrl_lmps", pnode_id=1, startRow=25, rowCount=5, **DAY)
    assert (page["items"], page["totalRows"]) == ([], HOURS)


def test_the_next_link_leads_to_the_last_page_and_ends(sandbox: Sandbox) -> None:
    page = body(sandbox, "rt_hrl_lmps", pnode_id=1, rowCount=10, **DAY)
    found = page["items"]
    while nxt := [link["href"] for link in page["links"] if link["rel"] == "next"]:
        page = requests.get(nxt[0], timeout=20).json()
        found += page["items"]
    assert by_key(found) == by_key(items(sandbox, "rt_hrl_lmps", pnode_id=1, **DAY))


def test_the_envelope_repeats_the_question(sandbox: Sandbox) -> None:
    page = body(sandbox, "da_hrl_lmps", type="ZONE", fields="pnode_id,total_lmp_da", rowCount=600, **DAY)
    assert page["searchSpecification"] == {
        "rowCount": 600,
        "order": "Asc",
        "startRow": 1,
        "isActiveMetadata": True,
        "fields": ["pnode_id", "total_lmp_da"],
        "filters": [{"type": "ZONE"}, DAY],
    }
    assert page["links"] == [
        {
            "rel": "self",
            "href": f"{sandbox.url}/api/v1/da_hrl_lmps?RowCount=600&Order=Asc&StartRow=1&IsActiveMetadata=True"
            "&Fields=pnode_id%2Ctotal_lmp_da&type=ZONE&datetime_beginning_ept=2026-11-20%2000%3A00%20to%202026-11-20%2023%3A00",
        },
        {"rel": "metadata", "href": f"{sandbox.url}/api/v1/da_hrl_lmps/metadata"},
    ]


def test_download_is_a_bare_array_with_its_count_in_a_header(sandbox: Sandbox) -> None:
    answer = get(sandbox, "rt_hrl_lmps", download="true", pnode_id=1, **DAY)
    assert by_key(answer.json()) == by_key(items(sandbox, "rt_hrl_lmps", pnode_id=1, **DAY))
    assert answer.headers["X-TotalRows"] == str(HOURS)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="rt_hrl_lmps.json"'


def test_a_download_over_the_cap_is_refused() -> None:
    with serve(limits=Limits(download_rows=23), clock=lambda: NOW) as small:
        assert get(small, "rt_hrl_lmps", download="true", pnode_id=1, **DAY).status_code == 200
        assert get(small, "rt_hrl_lmps", download="true", pnode_id=1, rowCount=24, **DAY).status_code == 400


def _raw(sandbox: Sandbox, accept: str) -> tuple[str | None, bytes]:
    connection = HTTPConnection("127.0.0.1", sandbox.server_address[1], timeout=20)
    connection.request("GET", "/api/v1/pnode?startRow=1&rowCount=5", headers={"Accept-Encoding": accept})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.getheader("Content-Encoding"), content


def test_gzip_comes_only_where_it_is_accepted(sandbox: Sandbox) -> None:
    encoding, plain = _raw(sandbox, "identity")
    assert encoding is None
    encoding, packed = _raw(sandbox, "gzip")
    assert encoding == "gzip"
    assert gzip.decompress(packed) == plain


def test_gzip_can_be_switched_off() -> None:
    with serve(limits=Limits(gzip=False), clock=lambda: NOW) as plain:
        assert _raw(plain, "gzip")[0] is None


def test_answers_may_be_cached_for_a_moment(sandbox: Sandbox) -> None:
    assert get(sandbox, "pnode").headers["Cache-Control"] == "public, must-revalidate, max-age=20"


def test_a_connection_is_kept(sandbox: Sandbox) -> None:
    connection = HTTPConnection("127.0.0.1", sandbox.server_address[1], timeout=20)
    for _ in range(2):
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        assert (answer.version, answer.status, answer.read()) == (11, 200, b'{"status":"ok"}')
    connection.close()


def test_numbers_carry_fixed_decimals(sandbox: Sandbox) -> None:
    text = get(sandbox, "rt_hrl_lmps", pnode_id=1, **WHOLE, **DAY).text
    assert len(re.findall(r'"system_energy_price_rt":-?\d+\.\d\d0000,', text)) == HOURS
    assert len(re.findall(r'"congestion_price_rt":-?\d+\.\d{6},', text)) == HOURS


# --- filters ---------------------------------------------------------------------------------------


def test_several_ids_are_given_by_semicolon(sandbox: Sandbox) -> None:
    assert {row["pnode_id"] for row in items(sandbox, "rt_hrl_lmps", pnode_id="1;3;51288", **DAY)} == {1, 3, 51288}


def test_text_filters_are_partial_and_ignore_case(sandbox: Sandbox) -> None:
    names = {row["pnode_name"] for row in items(sandbox, "pnode", pnode_name="int hub;western")}
    assert names == {"WEST INT HUB", "WESTERN HUB"}


def test_exact_means_the_whole_text(sandbox: Sandbox) -> None:
    assert {row["pnode_name"] for row in items(sandbox, "pnode", pnode_name="AEPexact")} == {"AEP"}
    assert len(items(sandbox, "pnode", pnode_name="AEP")) == 3


def test_active_nodes_end_at_the_end_of_time(sandbox: Sandbox) -> None:
    active = items(sandbox, "pnode", termination_date="12/31/9999exact")
    everything = items(sandbox, "pnode")
    assert {row["termination_date"] for row in active} == {"9999-12-31T00:00:00"}
    assert len(active) == sum(row["termination_date"].startswith("9999") for row in everything) < len(everything)


def test_an_unknown_filter_is_refused(sandbox: Sandbox) -> None:
    assert error(sandbox, "pnode", colour="red")["detail"] == ["colour"]


def test_type_is_no_filter_of_the_verified_five_minutes(sandbox: Sandbox) -> None:
    assert error(sandbox, "rt_fivemin_hrl_lmps", type="ZONE", **DAY)["detail"] == ["type"]


def test_the_unverified_feed_has_no_versions_to_filter(sandbox: Sandbox) -> None:
    assert error(sandbox, "rt_unverified_fivemin_lmps", row_is_current="all")["detail"] == ["row_is_current"]


def test_node_3_has_no_unverified_prices(sandbox: Sandbox) -> None:
    found = items(sandbox, "rt_unverified_fivemin_lmps", pnode_id="1;3", datetime_beginning_ept="2026-11-20 10:00")
    assert [row["pnode_id"] for row in found] == [1]


def test_fields_come_in_the_feeds_order(sandbox: Sandbox) -> None:
    rows = items(sandbox, "rt_hrl_lmps", pnode_id=1, fields="version_nbr, pnode_id", **DAY)
    assert [list(row) for row in rows] == [["pnode_id", "version_nbr"]] * HOURS


def test_an_unknown_field_is_refused(sandbox: Sandbox) -> None:
    assert error(sandbox, "pnode", fields="pnode_id,colour")["detail"] == ["colour"]


# --- order -----------------------------------------------------------------------------------------


def test_without_sort_there_is_no_order_of_time(sandbox: Sandbox) -> None:
    times = [row["datetime_beginning_utc"] for row in items(sandbox, "rt_hrl_lmps", pnode_id=1, **DAY)]
    assert times not in (sorted(times), sorted(times, reverse=True))


@pytest.mark.parametrize("column", ["datetime_beginning_ept", "pnode_id", "zone"])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_sort_orders_by_the_listed_columns(sandbox: Sandbox, column: str, order: str) -> None:
    found = items(sandbox, "rt_hrl_lmps", sort=column, order=order, datetime_beginning_ept="2026-11-20 00:00 to 2026-11-20 05:00")
    values = [row[column] or "" for row in found]
    assert values == sorted(values, reverse=order == "desc")
    assert by_key(found) == by_key(items(sandbox, "rt_hrl_lmps", datetime_beginning_ept="2026-11-20 00:00 to 2026-11-20 05:00"))


def test_sort_on_another_column_is_refused(sandbox: Sandbox) -> None:
    assert error(sandbox, "rt_hrl_lmps", sort="total_lmp_rt", **DAY)["field"] == "Sort"


# --- who, where ------------------------------------------------------------------------------------


def test_an_unknown_feed_is_404(sandbox: Sandbox) -> None:
    answer = get(sandbox, "rt_fivemin_lmps")
    assert answer.status_code == 404
    assert list(answer.json()) == ["data", "code", "message", "activityId", "timestamp", "detailedMessage"]


def test_another_format_is_406(sandbox: Sandbox) -> None:
    assert get(sandbox, "pnode", format="csv", **WHOLE).status_code == 406


@pytest.mark.parametrize("given", ["", "wrong"])
def test_a_demanded_key_is_demanded(given: str) -> None:
    with serve(limits=Limits(key="right"), clock=lambda: NOW) as locked:
        url = f"{locked.url}/api/v1/pnode"
        assert requests.get(url, headers={"Ocp-Apim-Subscription-Key": given}, timeout=20).status_code == 401
        assert requests.get(url, headers={"Ocp-Apim-Subscription-Key": "right"}, timeout=20).status_code == 200
        assert requests.get(url, params={"subscription-key": "right"}, timeout=20).status_code == 200


def test_metadata_name_the_archive_and_the_columns(sandbox: Sandbox) -> None:
    told = get(sandbox, "rt_fivemin_hrl_lmps/metadata").json()
    assert (told["enableArchiving"], told["archiveCutoffDays"]) == (True, 186)
    assert [column["name"] for column in told["columns"]] == COLUMNS["rt_fivemin_hrl_lmps"]
    assert get(sandbox, "rt_unverified_fivemin_lmps/metadata").json()["archiveCutoffDays"] is None


def test_the_directory_lists_every_feed(sandbox: Sandbox) -> None:
    listed = get(sandbox, "", isactive="true", startRow=1, rowCount=5000).json()
    assert {item["name"] for item in listed["items"]} == {*COLUMNS, "pnode"}


def test_what_was_asked_is_remembered(sandbox: Sandbox) -> None:
    requests.get(f"{sandbox.url}/api/v1/pnode?startRow=1&rowCount=7", headers={"X-Who": "me"}, timeout=20)
    (told,) = requests.get(f"{sandbox.url}/_requests", timeout=20).json()
    assert (told["method"], told["path"], told["query"]) == ("GET", "/api/v1/pnode", {"startRow": "1", "rowCount": "7"})
    assert told["headers"]["X-Who"] == "me"
