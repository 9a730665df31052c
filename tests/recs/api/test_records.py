"""Accounts, generators and registries by the API."""

from __future__ import annotations

from typing import Any

import pytest

from recs import queries
from recs.models import Account, Generator
from tests.recs.api.asking import as_owner, everything, refused
from tests.recs.api.conftest import Market

GENERATOR = {
    "owner_id": "east",
    "name": "Mesa",
    "fuel_type": "landfill_gas",
    "state": "ca",
    "capacity_mw": "12.5",
    "technology": "engine",
    "commissioned_on": "2019-05-01",
    "registrations": [{"registry": "pjm", "unit_id": "NON604366"}, {"registry": "caiso", "unit_id": "W1"}],
    "eligibilities": [
        {"programme": "NJ Class I", "first_day": "2019-05-01", "last_day": "2026-12-31", "certification": "NJ-1"},
        {"programme": "CA RPS"},
    ],
    "reason": "bought",
}


# --- accounts -----------------------------------------------------------------------------------------------


def test_an_account_is_opened_listed_renamed_and_closed(market: Market) -> None:
    body = {"owner_id": "east", "name": "GATS", "registry": "pjm", "registry_account": "12345", "reason": "opened there"}
    made = market.trader.done("/rec/accounts", body)
    told = {name: value for name, value in made.items() if name not in ("id", "opened_at")}
    assert told == {
        "owner_id": "east",
        "name": "GATS",
        "kind": "active",
        "registry": "gats",
        "registry_account": "12345",
        "sandbox": False,
        "closed_at": None,
        "active_mwh": 0,
        "held_mwh": 0,
        "retired_mwh": 0,
    }
    listed = market.trader.get("/rec/accounts").json()["results"]
    assert [(row["name"], row["active_mwh"]) for row in listed] == [("main", 1050), ("other", 0), ("GATS", 0)]
    assert listed[2] == made == market.trader.get(f"/rec/accounts/{made['id']}").json()
    path = f"/rec/accounts/{made['id']}"
    renamed = market.trader.done(path, {"name": "PJM", "reason": "clearer"}, method="patch", status=200)
    assert (renamed["name"], renamed["closed_at"]) == ("PJM", None)
    closed = market.trader.done(path, {"closed": True, "reason": "moved"}, method="patch", status=200)
    assert closed["closed_at"] is not None
    with as_owner():
        changes = queries.field_history(Account, made["id"])
    assert [(one.user, one.reason, one.field, one.new) for one in changes if one.field in ("name", "registry_account")] == [
        ("east-trader", "opened there", "name", "GATS"),
        ("east-trader", "opened there", "registry_account", "12345"),
        ("east-trader", "clearer", "name", "PJM"),
    ]
    assert all(one.api_key and one.request_id for one in changes)


def test_an_account_that_holds_certificates_stays_open(market: Market) -> None:
    before = everything()
    answer = market.trader.post(f"/rec/accounts/{market.east.main.pk}", {"closed": True}, method="patch")
    assert refused(answer) == (409, "not-empty", ["#/closed"])
    assert everything() == before


def test_who_belongs_to_one_organisation_need_not_name_it(market: Market) -> None:
    assert market.trader.done("/rec/accounts", {"name": "new"})["owner_id"] == "east"


def test_who_belongs_to_several_says_which(market: Market) -> None:
    from energyopti.organisations.models import Membership

    with as_owner():
        Membership.objects.create(user=market.east.trader, organisation=market.west.organisation, role="trader")
    answer = market.trader.post("/rec/accounts", {"name": "new"})
    assert refused(answer) == (404, "unknown", ["#/owner_id"])
    assert "east, west" in answer.json()["detail"]
    assert market.trader.done("/rec/accounts", {"name": "new", "owner_id": "west"})["owner_id"] == "west"


@pytest.mark.parametrize(
    ("body", "status", "code", "pointers"),
    [
        ({"name": "main"}, 409, "name-taken", ["#/name"]),
        ({"name": ""}, 400, "invalid-input", ["#/name"]),
        ({"name": "x" * 121}, 400, "invalid-input", ["#/name"]),
        ({}, 400, "invalid-input", ["#/name"]),
        ({"name": "x", "kind": "world"}, 400, "invalid-input", ["#/kind"]),
        ({"name": "x", "kind": "vault"}, 400, "invalid-input", ["#/kind"]),
        ({"name": "x", "registry": "atlantis"}, 400, "unknown-registry", ["#/registry"]),
        ({"name": "x", "registry_account": "7"}, 400, "invalid-input", ["#/registry"]),
        ({"name": "x", "registry": "nar", "registry_account": "7", "kind": "external"}, 400, "invalid-input", ["#/registry_account"]),
        ({"name": "x", "reason": "y" * 101}, 400, "invalid-input", ["#/reason"]),
        ({"name": "x", "owner_id": "west"}, 404, "unknown", ["#/owner_id"]),
        ({"name": "x", "colour": "red"}, 400, "invalid-input", ["#/colour"]),
        ({"name": 5}, 400, "invalid-input", ["#/name"]),
    ],
)
def test_what_no_account_can_be(market: Market, body: dict[str, Any], status: int, code: str, pointers: list[str]) -> None:
    before = everything()
    assert refused(market.trader.post("/rec/accounts", body)) == (status, code, pointers)
    assert everything() == before


@pytest.mark.parametrize("method", ["get", "patch"])
def test_a_foreign_account_is_not_there(market: Market, method: str) -> None:
    before = everything()
    theirs, nobodys = (
        market.buyer.get(path) if method == "get" else market.buyer.post(path, {"name": "mine"}, method="patch")
        for path in (f"/rec/accounts/{market.east.main.pk}", "/rec/accounts/999999")
    )
    assert refused(theirs) == refused(nobodys) == (404, "not-found", [])
    assert [row["owner_id"] for row in market.buyer.get("/rec/accounts").json()["results"]] == ["west"]
    assert refused(market.buyer.get("/rec/accounts", owner_id="east")) == (404, "unknown", ["?owner_id"])
    assert everything() == before


def test_a_closed_account_is_not_opened_again(market: Market) -> None:
    answer = market.trader.post(f"/rec/accounts/{market.other.pk}", {"closed": False}, method="patch")
    assert refused(answer) == (400, "invalid-input", ["#/closed"])


# --- generators ----------------------------------------------------------------------------------------------


def test_a_generator_is_recorded_with_what_belongs_to_it(market: Market) -> None:
    made = market.trader.done("/rec/generators", GENERATOR)
    assert made == {
        "id": made["id"],
        "owner_id": "east",
        "name": "Mesa",
        "fuel_type": "landfill_gas",
        "technology": "engine",
        "state": "CA",
        "capacity_mw": 12.5,
        "commissioned_on": "2019-05-01",
        "sandbox": False,
        "registrations": [{"registry": "gats", "unit_id": "NON604366"}, {"registry": "wregis", "unit_id": "W1"}],
        "eligibilities": [
            {"programme": "CA RPS", "first_day": None, "last_day": None, "certification": ""},
            {"programme": "NJ Class I", "first_day": "2019-05-01", "last_day": "2026-12-31", "certification": "NJ-1"},
        ],
    }
    assert market.trader.get(f"/rec/generators/{made['id']}").json() == made
    row = market.trader.get("/rec/generators").json()["results"][-1]
    assert (row["units"], row["programmes"]) == ("gats:NON604366, wregis:W1", "CA RPS /, NJ Class I 2019-05-01/2026-12-31")
    assert market.buyer.get(f"/rec/generators/{made['id']}").status_code == 404
    assert market.buyer.get("/rec/generators").json()["results"] == []


@pytest.mark.parametrize(
    ("changed", "status", "code", "pointers"),
    [
        ({"commissioned_on": "1899-12-31"}, 400, "invalid-input", ["#/commissioned_on"]),
        ({"eligibilities": [{"programme": "X", "first_day": "1989-12-31"}]}, 400, "invalid-input", ["#/eligibilities/0/first_day"]),
        ({"fuel_type": "x" * 21}, 400, "invalid-input", ["#/fuel_type"]),
        ({"name": "Prairie Wind"}, 409, "name-taken", ["#/name"]),
        ({"fuel_type": "Wind 2"}, 400, "invalid-input", ["#/fuel_type"]),
        ({"state": "I1"}, 400, "invalid-input", ["#/state"]),
        ({"capacity_mw": 0}, 400, "invalid-input", ["#/capacity_mw"]),
        ({"capacity_mw": "1.2345"}, 400, "invalid-input", ["#/capacity_mw"]),
        ({"commissioned_on": "2019-05-01T00:00:00"}, 400, "invalid-input", ["#/commissioned_on"]),
        ({"registrations": [{"registry": "atlantis", "unit_id": "1"}]}, 400, "unknown-registry", ["#/registrations/0/registry"]),
        ({"registrations": [{"registry": "nar", "unit_id": ""}]}, 400, "invalid-input", ["#/registrations/0/unit_id"]),
        ({"registrations": [{"registry": "nar", "unit_id": "1"}] * 2}, 409, "name-taken", ["#/registrations"]),
        (
            {"eligibilities": [{"programme": "X", "first_day": "2024-01-02", "last_day": "2024-01-01"}]},
            400,
            "invalid-input",
            ["#/eligibilities"],
        ),
        ({"eligibilities": [{"programme": "X"}] * 2}, 409, "name-taken", ["#/eligibilities"]),
        ({"owner_id": "west"}, 404, "unknown", ["#/owner_id"]),
    ],
)
def test_what_no_generator_can_be(market: Market, changed: dict[str, Any], status: int, code: str, pointers: list[str]) -> None:
    before = everything()
    assert refused(market.trader.post("/rec/generators", GENERATOR | changed)) == (status, code, pointers)
    assert everything() == before


def test_several_faults_of_a_generator_are_told_together(market: Market) -> None:
    answer = market.trader.post("/rec/generators", {"name": "x", "fuel_type": "W1", "state": "1", "capacity_mw": 0})
    assert (answer.status_code, sorted(refused(answer)[2])) == (400, ["#/capacity_mw", "#/fuel_type", "#/state"])
    with as_owner():
        assert not Generator.objects.filter(name="x").exists()


# --- registries ----------------------------------------------------------------------------------------------


def test_the_registries_with_the_names_they_go_by(market: Market) -> None:
    rows = {row["code"]: row for row in market.trader.get("/rec/registries").json()["results"]}
    assert list(rows) == ["caiso", "ercot", "gats", "mrets", "nar", "nepool", "nyiso", "wregis"]
    assert {code: row["aliases"] for code, row in rows.items() if row["aliases"]} == {"gats": "pjm", "wregis": "caiso"}
    assert (rows["caiso"]["kept_in"], rows["nepool"]["serial_example"]) == ("wregis", "4086133 - 24 to 137")
    worlds = {(one.registry_id, one.sandbox): one.pk for one in Account.objects.filter(kind="world")}
    told = {(code, False): row["world_account"] for code, row in rows.items()}
    assert told | {(code, True): row["sandbox_world_account"] for code, row in rows.items()} == worlds


def test_what_is_sold_outside_goes_to_the_world_that_the_registries_name(market: Market) -> None:
    rows = {row["code"]: row["world_account"] for row in market.trader.get("/rec/registries").json()["results"]}
    sold = {"from_account": market.east.main.pk, "to_account": rows["mrets"], "quantity": 5, "registry": "mrets"}
    gone = market.trader.done("/rec/transfer", sold)
    assert gone["status"] == "completed"
    some = [{name: piece[name] for name in ("batch_id", "serial_start", "serial_end")} for piece in gone["ranges"]]
    back = {"from_account": rows["mrets"], "to_account": market.east.main.pk, "ranges": some}
    assert market.trader.done("/rec/receive", back)["quantity"] == 5


def test_what_is_listed_stands_until_something_changes(market: Market) -> None:
    first = market.trader.get("/rec/accounts")
    again = market.trader.client.get("/api/v1/rec/accounts", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, first["Cache-Control"]) == (304, "private, max-age=0")


def test_a_day_at_the_end_of_the_calendar_is_refused(market: Market) -> None:
    body = GENERATOR | {"eligibilities": [{"programme": "X", "last_day": "9999-12-31"}]}
    assert refused(market.trader.post("/rec/generators", body)) == (400, "invalid-input", ["#/eligibilities/0/last_day"])
