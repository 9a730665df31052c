"""The archive's rules: its cutoff, and each documented refusal word for word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from energyopti.sandbox.server import Sandbox
from tests.sandbox.asking import WHOLE, body, get, items

# NOW is 2026-11-23: 731 days before lies 2024-11-22, 186 days before 2026-05-21.
OLD = {"datetime_beginning_utc": "2024-06-01T00:00to2024-06-01T23:00"}
REFUSED: dict[str, dict[str, Any]] = {
    "no datetime filter on an archived feed": {"type": "ZONE"},
    "range crosses the archive cutoff": {"datetime_beginning_utc": "2024-11-21T00:00to2024-11-22T00:00"},
    "archived range not in one UTC calendar year": {"datetime_beginning_utc": "2023-12-31T05:00to2024-01-01T04:00"},
    "order on archived data": {"order": "asc", **OLD},
    "sort on archived data": {"sort": "datetime_beginning_utc", **OLD},
    "pnode_id filter on archived data": {"pnode_id": 1, **OLD},
}
BODIES: dict[str, dict[str, Any]] = {
    "no datetime filter on an archived feed": {
        "field": "Filters",
        "message": "A datetime is missing. Please input values for datetime_beginning_ept or datetime_beginning_utc",
        "detail": ["datetime_filter"],
    },
    "pnode_id filter on archived data": {
        "field": "Filters",
        "message": "The API request contains invalid attribute(s) for archived data - Pnode_Id. Please update the request and retry.",
        "detail": ["pnode_id"],
    },
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_are_pjms_own(sandbox: Sandbox, recorded: Path, case: str) -> None:
    documented = {entry["case"]: entry for entry in json.loads((recorded / "error_bodies_from_pjm_guide.json").read_bytes())}
    answer = get(sandbox, "rt_hrl_lmps", **WHOLE, **REFUSED[case])
    assert (answer.status_code, answer.json()) == (400, documented[case]["body"])


@pytest.mark.parametrize("case", BODIES)
def test_refusals_without_the_shared_folder(sandbox: Sandbox, case: str) -> None:
    answer = get(sandbox, "rt_hrl_lmps", **WHOLE, **REFUSED[case])
    assert (answer.status_code, answer.json()) == (400, {"errors": [BODIES[case]]})


@pytest.mark.parametrize(
    ("feed", "last_archived", "first_standard"),
    [
        ("rt_hrl_lmps", "2024-11-21", "2024-11-22"),
        ("da_hrl_lmps", "2024-11-21", "2024-11-22"),
        ("rt_fivemin_hrl_lmps", "2026-05-20", "2026-05-21"),
    ],
)
def test_the_cutoff_is_a_utc_date(sandbox: Sandbox, feed: str, last_archived: str, first_standard: str) -> None:
    asked = {**WHOLE, "pnode_id": 1, "row_is_current": "TRUE"}
    assert get(sandbox, feed, **asked, datetime_beginning_utc=f"{last_archived}T23:00to{last_archived}T23:55").status_code == 400
    assert get(sandbox, feed, **asked, datetime_beginning_utc=f"{first_standard}T00:00to{first_standard}T00:55").status_code == 200


def test_an_eastern_range_is_measured_in_utc(sandbox: Sandbox) -> None:
    answer = get(sandbox, "rt_hrl_lmps", **WHOLE, datetime_beginning_ept="2024-11-21 00:00to2024-11-21 23:00")
    assert "spans over archived and standard data" in answer.text


@pytest.mark.parametrize("extra", [{"zone": "AEP"}, {"pnode_name": "WEST"}, {"fields": "pnode_id"}])
def test_other_attributes_are_refused_by_name(sandbox: Sandbox, extra: dict[str, str]) -> None:
    answer = get(sandbox, "rt_hrl_lmps", **WHOLE, **OLD, **extra)
    assert answer.json()["errors"][0]["detail"] == list(extra)


def test_date_type_and_version_filters_are_allowed(sandbox: Sandbox) -> None:
    found = items(sandbox, "rt_hrl_lmps", type="HUB;ZONE", row_is_current="all", version_nbr=1, **OLD)
    assert {row["type"] for row in found} == {"HUB", "ZONE"}
    assert len(found) == 24 * (12 + 23)


def test_the_archive_links_to_what_it_accepts(sandbox: Sandbox) -> None:
    page = body(sandbox, "rt_hrl_lmps", rowCount=100, **OLD)
    (following,) = [link["href"] for link in page["links"] if link["rel"] == "next"]
    assert requests.get(following, timeout=20).status_code == 200


def test_unverified_prices_have_no_archive(sandbox: Sandbox) -> None:
    assert get(sandbox, "rt_unverified_fivemin_lmps", pnode_id=1, **WHOLE).json()["totalRows"] == 15 * 288
