"""POST /rec/query: what organisations have, as its body asks."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import pytest
import requests

from energyopti.db import APP_ROLE
from recs import ledger
from recs.types import Purpose, SerialRange
from tests.recs.api.asking import Program, as_owner, refused
from tests.recs.api.conftest import Market
from tests.recs.world import firm, issued, key

FIELDS = [
    *("batch_id", "registry", "serial_start", "serial_end", "serials", "quantity_mwh", "vintage"),
    *("fuel_type", "generator", "account_id", "owner_id", "status"),
]


def told(answer: object) -> list[tuple[object, ...]]:
    return [(row["serials"], row["quantity_mwh"], row["status"]) for row in answer.json()["results"]]  # type: ignore[attr-defined]


def test_a_row_has_the_fields_of_the_contract(market: Market) -> None:
    answer = market.trader.query({"registry": "mrets"})
    body = answer.json()
    assert (answer.status_code, list(body)) == (200, ["results", "next", "meta"])
    assert (list(body["results"][0]), body["next"]) == (FIELDS, None)
    assert body["results"] == [
        {
            "batch_id": market.first.pk,
            "registry": "mrets",
            "serial_start": 1,
            "serial_end": 1000,
            "serials": "PW-2024-03 1-1000",
            "quantity_mwh": 1000,
            "vintage": "2024-03",
            "fuel_type": "wind",
            "generator": "Prairie Wind",
            "account_id": market.east.main.pk,
            "owner_id": "east",
            "status": "active",
        }
    ]
    assert (body["meta"]["source"], body["meta"]["sandbox"], answer["Cache-Control"]) == ("this ledger", False, "private, no-store")


def test_a_key_that_reads_is_enough_and_no_idempotency_key_is_needed(market: Market) -> None:
    with as_owner():
        reader = Program(market.east.people["viewer"], "read")
    assert told(reader.query()) == [("PW-2024-03 1-1000", 1000, "active"), ("4086133 - 24 to 73", 50, "active")]


@pytest.mark.parametrize(
    ("asked", "quantities"),
    [
        ({}, [1000, 50]),
        ({"owner_id": "east"}, [1000, 50]),
        ({"registry": "nepool"}, [50]),
        ({"registry": "gats"}, []),
        ({"registry": "pjm"}, []),
        ({"fuel_type": "wind"}, [1000]),
        ({"fuel_type": "coal"}, []),
        ({"state": "MA"}, [50]),
        ({"vintage_from": "2024-03", "vintage_to": "2024-03"}, [1000, 50]),
        ({"vintage_from": "2024-04"}, []),
        ({"vintage_to": "2024-02"}, []),
        ({"status": "active"}, [1000, 50]),
        ({"status": "held"}, []),
        ({"fuel_type": "wind", "state": "MA"}, []),
        ({"fuel_type": "Wind"}, [1000]),
        ({"state": "ma"}, [50]),
    ],
)
def test_what_is_asked_for(market: Market, asked: dict[str, str], quantities: list[int]) -> None:
    assert [row["quantity_mwh"] for row in market.trader.query(asked).json()["results"]] == quantities


def test_each_status(market: Market) -> None:
    east = market.east
    with as_owner():
        mirror = east.account("mirror", registry_id="mrets", registry_account="77")
        batch = issued(east, account=mirror, of=market.wind, base="PW-2024-04", vintage=date(2024, 4, 1))
        ledger.retire(
            key=key(),
            by=east.officer,
            account=east.main.pk,
            ranges=[SerialRange(market.first.pk, 1, 10)],
            purpose=Purpose(beneficiary="x", reason="y"),
        )
        ledger.reserve(key=key(), by=east.trader, account=east.main.pk, ranges=[SerialRange(market.first.pk, 11, 15)])
        gone = ledger.export(key=key(), by=east.trader, account=mirror.pk, to_registry="nar", ranges=[SerialRange(batch.pk, 1, 100)])
    assert told(market.trader.query({"status": "exported"})) == []
    assert told(market.trader.query({"status": "held"})) == [("PW-2024-03 11-15", 5, "held"), ("PW-2024-04 1-100", 100, "held")]
    with as_owner():
        ledger.confirm(key=key(), by=east.officer, command=gone, reference="X1", reference_date=date(2024, 6, 1))
    assert told(market.trader.query({"registry": "mrets"})) == [
        ("PW-2024-03 1-10", 10, "retired"),
        ("PW-2024-03 11-15", 5, "held"),
        ("PW-2024-03 16-1000", 985, "active"),
        ("PW-2024-04 1-100", 100, "exported"),
        ("PW-2024-04 101-1000", 900, "active"),
    ]
    exported = market.trader.query({"status": "exported"}).json()["results"]
    assert [(row["account_id"], row["owner_id"], row["serial_start"]) for row in exported] == [(mirror.pk, "east", 1)]


def test_what_a_counterparty_without_a_login_got_is_no_longer_there(market: Market) -> None:
    with as_owner():
        outside = market.east.account("Broker", kind="external")
        ledger.transfer(key=key(), by=market.east.trader, from_account=market.east.main.pk, to_account=outside.pk, quantity=1000)
    assert told(market.trader.query()) == [("4086133 - 24 to 73", 50, "active")]


def test_a_foreign_organisation_is_404_and_gives_nothing_away(market: Market) -> None:
    theirs, nobodys = (market.buyer.query({"owner_id": slug}) for slug in ("east", "nobody"))
    assert refused(theirs) == refused(nobodys) == (404, "unknown", ["#/owner_id"])
    assert theirs.json()["detail"] == nobodys.json()["detail"]
    assert told(market.buyer.query()) == []


@pytest.mark.parametrize(
    ("asked", "code", "pointers"),
    [
        ({"registry": "atlantis"}, "unknown-registry", ["#/registry"]),
        ({"vintage_from": "2024"}, "invalid-input", ["#/vintage_from"]),
        ({"vintage_from": "2024-13"}, "invalid-input", ["#/vintage_from"]),
        ({"vintage_from": "2024-03-01T00:00:00"}, "invalid-input", ["#/vintage_from"]),
        ({"vintage_to": 2024}, "invalid-input", ["#/vintage_to"]),
        ({"vintage_from": "2024-05", "vintage_to": "2024-04"}, "reversed-span", ["#/vintage_to"]),
        ({"status": "sold"}, "invalid-input", ["#/status"]),
        ({"fuel": "wind"}, "invalid-input", ["#/fuel"]),
        ({"limit": 0}, "invalid-input", ["#/limit"]),
        ({"limit": 20_000}, "invalid-input", ["#/limit"]),
        ({"cursor": "nonsense"}, "bad-cursor", ["#/cursor"]),
        ({"registry": "atlantis", "status": "sold"}, "invalid-input", ["#/registry", "#/status"]),
        ({"state": "I1"}, "invalid-input", ["#/state"]),
        ({"registry": "x" * 1000}, "invalid-input", ["#/registry"]),
        ({"owner_id": 7}, "invalid-input", ["#/owner_id"]),
    ],
)
def test_what_cannot_be_understood_is_said(market: Market, asked: dict[str, object], code: str, pointers: list[str]) -> None:
    status, told_code, told_pointers = refused(market.trader.query(asked))
    assert (status, told_code, sorted(told_pointers)) == (400, code, pointers)


def test_an_unknown_field_and_an_unknown_registry_name_the_known_ones(market: Market) -> None:
    field = market.trader.query({"fuel": "wind"}).json()["errors"][0]["detail"]
    assert "known are limit, cursor, layout, format, registry, fuel_type, state, vintage_from, vintage_to, owner_id, status" in field
    registry = market.trader.query({"registry": "atlantis"}).json()["detail"]
    assert "known are mrets, nar, wregis, nepool, gats, ercot, caiso, nyiso (pjm for gats, caiso for wregis)" in registry


def test_pages_follow_each_other_however_the_options_are_sent(market: Market) -> None:
    with as_owner():
        for start in range(1, 20, 2):  # every second one held: 20 pieces and the rest
            ledger.reserve(
                key=key(), by=market.east.trader, account=market.east.main.pk, ranges=[SerialRange(market.first.pk, start, start)]
            )
    whole = market.trader.query().json()["results"]
    assert len(whole) == 21
    for first in (market.trader.query({"limit": 6}), market.trader.query({}, "/rec/query?limit=6")):
        body, pages = first.json(), []
        sent = {"limit": 6} if "limit" not in body["next"] else {}
        while True:
            pages.append(body["results"])
            if not body["next"]:
                break
            body = market.trader.query(sent, body["next"]).json()
        assert [len(page) for page in pages] == [6, 6, 6, 3]
        assert [row for page in pages for row in page] == whole


def test_an_option_stands_in_one_place(market: Market) -> None:
    assert refused(market.trader.query({"limit": 5}, "/rec/query?limit=6")) == (400, "invalid-input", ["?limit"])


def test_the_next_page_is_asked_for_with_the_body_as_it_was_whatever_stood_in_it(market: Market) -> None:
    first = market.trader.query({}, "/rec/query?limit=1").json()
    cursor = first["next"].partition("cursor=")[2]
    for body, address in (({"cursor": "of another page"}, first["next"]), ({}, first["next"]), ({"cursor": cursor}, "/rec/query")):
        assert [row["quantity_mwh"] for row in market.trader.query(body, address).json()["results"]] == [50]


@pytest.mark.parametrize(
    ("query", "code", "pointer"),
    [
        ("fields=nope", "invalid-input", "?fields"),
        ("limit=20000", "invalid-input", "?limit"),
        ("cursor=nonsense", "bad-cursor", "?cursor"),
        ("tz=market", "invalid-input", "?tz"),
    ],
)
def test_what_stands_in_the_address_is_told_there(market: Market, query: str, code: str, pointer: str) -> None:
    assert refused(market.trader.query({}, f"/rec/query?{query}")) == (400, code, [pointer])


def test_columns_fields_and_formats(market: Market) -> None:
    columns = market.trader.query({"layout": "columns"}).json()["columns"]
    assert columns["quantity_mwh"] == [1000, 50]
    chosen = market.trader.query({}, "/rec/query?fields=serials,status").json()["results"]
    assert chosen == [{"serials": "PW-2024-03 1-1000", "status": "active"}, {"serials": "4086133 - 24 to 73", "status": "active"}]


@pytest.mark.django_db(transaction=True)
def test_csv_is_streamed_whole_over_http(served: str, settings: Any) -> None:
    """Each piece is read on a connection of its own, which has to see the caller's rows."""
    east, west = firm("east"), firm("west")
    issued(east)
    settings.DATABASE_ROLE = APP_ROLE  # of the connections that the server makes from now on
    for person, lines in ((east.trader, ["PW-2024-03 1-1000"]), (west.trader, [])):
        answer = requests.post(f"{served}/api/v1/rec/query", json={"format": "csv"}, headers=Program(person, "read").headers, timeout=20)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/csv")
        assert [row["serials"] for row in csv.DictReader(io.StringIO(answer.text))] == lines
