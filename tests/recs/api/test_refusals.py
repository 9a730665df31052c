"""What the ledger refuses, by the API: each thing under its own name, and not one row has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from recs import ledger, services
from recs.types import Purpose, SerialRange
from tests.recs.api.asking import Program, as_owner, everything, refused
from tests.recs.api.conftest import Market
from tests.recs.api.test_moves import new
from tests.recs.world import firm, issued, key

Make = Callable[[Market], tuple[str, dict[str, Any]]]


def transfer(**more: Any) -> Make:
    def make(market: Market) -> tuple[str, dict[str, Any]]:
        return "/rec/transfer", {"from_account": market.east.main.pk, "to_account": market.other.pk, **more}

    return make


def some(first: int, last: int, **more: Any) -> Make:
    def make(market: Market) -> tuple[str, dict[str, Any]]:
        one = {"batch_id": market.first.pk, "serial_start": first, "serial_end": last}
        return transfer(ranges=[one], **more)(market)

    return make


def issue(**more: Any) -> Make:
    return lambda market: ("/rec/issue", new(market, **more))


def to_itself(market: Market) -> tuple[str, dict[str, Any]]:
    return "/rec/transfer", {"from_account": market.other.pk, "to_account": market.other.pk, "quantity": 1}


def from_closed(market: Market) -> tuple[str, dict[str, Any]]:
    with as_owner():
        closed = services.close_account(account=market.east.account("closed"), reason="")
    return "/rec/transfer", {"from_account": market.east.main.pk, "to_account": closed.pk, "quantity": 1}


def into_the_sandbox(market: Market) -> tuple[str, dict[str, Any]]:
    with as_owner():
        play = firm("play", sandbox=True)
    return "/rec/transfer", {"from_account": market.east.main.pk, "to_account": play.main.pk, "quantity": 1}


def another_registrys(market: Market) -> tuple[str, dict[str, Any]]:
    with as_owner():
        gats = market.east.account("gats", registry_id="gats")
    return "/rec/transfer", {"from_account": market.east.main.pk, "to_account": gats.pk, "quantity": 1}


def retired(market: Market) -> tuple[str, dict[str, Any]]:
    with as_owner():
        one = SerialRange(market.first.pk, 5, 6)
        ledger.retire(
            key=key(), by=market.east.officer, account=market.east.main.pk, ranges=[one], purpose=Purpose(beneficiary="x", reason="y")
        )
    return some(6, 7)(market)


def somebody_elses(market: Market) -> tuple[str, dict[str, Any]]:
    with as_owner():
        theirs = issued(market.west, base="W")
    one = {"batch_id": theirs.pk, "serial_start": 1, "serial_end": 1}
    return transfer(ranges=[one])(market)


def foreign(field: str) -> Make:
    def make(market: Market) -> tuple[str, dict[str, Any]]:
        path, body = transfer(quantity=1)(market)
        return path, body | {field: 999_999 if field == "to_account" else market.west.main.pk}

    return make


def month(market: Market, **more: Any) -> dict[str, Any]:
    return new(market, vintage="2024-03", **more)


CASES: dict[str, tuple[Make, int, str, list[str]]] = {
    "overdrawn": (transfer(quantity=5000), 409, "overdrawn", ["#/quantity"]),
    "not in this account": (some(995, 1005), 409, "range-not-owned", ["#/ranges"]),
    "somebody else's": (somebody_elses, 409, "range-not-owned", ["#/ranges"]),
    "retired": (retired, 409, "range-retired", ["#/ranges"]),
    "closed account": (from_closed, 409, "account-closed", ["#/to_account"]),
    "quantity 0": (transfer(quantity=0), 400, "quantity", ["#/quantity"]),
    "quantity negative": (transfer(quantity=-5), 400, "quantity", ["#/quantity"]),
    "quantity negative digits": (transfer(quantity="-5"), 400, "quantity", ["#/quantity"]),
    "quantity fractional": (transfer(quantity=1.5), 400, "float-in-ledger", ["#/quantity"]),
    "quantity as a float": (transfer(quantity=5.0), 400, "float-in-ledger", ["#/quantity"]),
    "quantity fractional digits": (transfer(quantity="1.5"), 400, "quantity", ["#/quantity"]),
    "quantity beyond bigint": (transfer(quantity=2**63), 400, "quantity-too-large", ["#/quantity"]),
    "quantity far beyond": (transfer(quantity="9" * 40), 400, "quantity-too-large", ["#/quantity"]),
    "quantity of 41 digits": (transfer(quantity="9" * 41), 400, "quantity-too-large", ["#/quantity"]),
    "quantity of 4000 digits": (transfer(quantity=10**4000 - 1), 400, "quantity-too-large", ["#/quantity"]),
    "quantity of 4000 digits in a string": (transfer(quantity="9" * 4000), 400, "quantity-too-large", ["#/quantity"]),
    "quantity of 4000 digits below zero": (transfer(quantity="-" + "9" * 4000), 400, "quantity", ["#/quantity"]),
    "an account by a word": (transfer(quantity=1, from_account="x"), 400, "invalid-input", ["#/from_account"]),
    "an account as a float": (transfer(quantity=1, from_account=1.5), 400, "invalid-input", ["#/from_account"]),
    "account 0": (transfer(quantity=1, from_account=0), 400, "invalid-input", ["#/from_account"]),
    "quantity true": (transfer(quantity=True), 400, "quantity", ["#/quantity"]),
    "quantity null": (transfer(quantity=None), 400, "invalid-input", ["#/quantity"]),
    "quantity a word": (transfer(quantity="ten"), 400, "quantity", ["#/quantity"]),
    "quantity a list": (transfer(quantity=[5]), 400, "quantity", ["#/quantity"]),
    "nothing said": (transfer(), 400, "quantity", ["#/quantity"]),
    "both said": (some(1, 5, quantity=6), 400, "quantity", ["#/quantity"]),
    "ranges with criteria": (some(1, 5, registry="mrets"), 400, "quantity", ["#/ranges"]),
    "range upside down": (some(5, 1), 400, "quantity", ["#/ranges/0/serial_end"]),
    "range as floats": (some(1, 5.0), 400, "float-in-ledger", ["#/ranges/0/serial_end"]),  # type: ignore[arg-type]
    "range beyond bigint": (some(1, 2**63 - 1), 400, "quantity-too-large", ["#/ranges/0/serial_end"]),
    "no ranges": (transfer(ranges=[]), 400, "invalid-input", ["#/ranges"]),
    "unknown registry": (transfer(quantity=1, registry="atlantis"), 400, "unknown-registry", ["#/registry"]),
    "to itself": (to_itself, 400, "transfer-to-itself", ["#/to_account"]),
    "sandbox with real": (into_the_sandbox, 400, "sandbox-with-real", ["#/to_account"]),
    "another registry's account": (another_registrys, 400, "wrong-registry", ["#/to_account"]),
    "a foreign account": (foreign("from_account"), 404, "unknown", ["#/from_account"]),
    "an account that is not there": (foreign("to_account"), 404, "unknown", ["#/to_account"]),
    "an account beyond bigint": (transfer(quantity=1, to_account=2**63), 404, "unknown", ["#/to_account"]),
    "price as a float": (transfer(quantity=1, price_usd=3.5), 400, "float-in-ledger", ["#/price_usd"]),
    "price too fine": (transfer(quantity=1, price_usd="3.555"), 400, "amount", ["#/price_usd"]),
    "price negative": (transfer(quantity=1, price_usd="-3.55"), 400, "amount", ["#/price_usd"]),
    "price NaN": (transfer(quantity=1, price_usd="NaN"), 400, "amount", ["#/price_usd"]),
    "price without anybody": (transfer(quantity=1, price_usd="3.55"), 400, "price-without-counterparty", ["#/price_usd"]),
    "a state that is none": (transfer(quantity=1, state="I1"), 400, "invalid-input", ["#/state"]),
    "a registry that is long": (transfer(quantity=1, registry="x" * 21), 400, "invalid-input", ["#/registry"]),
    "unknown field": (transfer(quantity=1, amount=3), 400, "invalid-input", ["#/amount"]),
    "criteria twice": (transfer(quantity=1, registry="mrets", criteria={"registry": "nar"}), 400, "invalid-input", ["#/registry"]),
    "months upside down": (
        transfer(quantity=1, criteria={"vintage_from": "2024-05", "vintage_to": "2024-04"}),
        *(400, "reversed-span", ["#/criteria/vintage_to"]),
    ),
    "reason too long": (transfer(quantity=1, reason="x" * 201), 400, "invalid-input", ["#/reason"]),
    "vintage in the future": (issue(vintage="2199-01"), 400, "vintage-in-future", ["#/vintage"]),
    "vintage a day": (issue(vintage="2024-03-01"), 400, "invalid-input", ["#/vintage"]),
    "vintage with a naive time": (issue(vintage="2024-03-01T00:00"), 400, "invalid-input", ["#/vintage"]),
    "issue in an unknown registry": (issue(registry="atlantis"), 400, "unknown-registry", ["#/registry"]),
    "the same serials again": (
        issue(registry="mrets", serial_base="PW-2024-03", serial_start=1000, serial_end=1001),
        *(409, "serials-taken", ["#/serial_start"]),
    ),
    "a month in two registries": (lambda market: ("/rec/issue", month(market)), 409, "issued-elsewhere", ["#/vintage"]),
    "serials upside down": (issue(serial_start=11), 400, "quantity", ["#/serial_end"]),
    "serials that are not the quantity": (issue(quantity=11), 400, "quantity", ["#/quantity"]),
    "serials to the end of numbers": (issue(serial_start=2**63 - 5, serial_end=2**63 - 1), 400, "quantity-too-large", ["#/serial_end"]),
    "a foreign account to issue into": (
        lambda market: ("/rec/issue", new(market, account=market.west.main.pk)),
        404,
        "unknown",
        ["#/account"],
    ),
    "a generator that is not there": (issue(generator=999_999), 404, "unknown", ["#/generator"]),
    "an import of nothing": (issue(kind="import"), 400, "invalid-input", ["#/export"]),
    "an import of what is not there": (issue(kind="import", export=999_999), 404, "unknown", ["#/export"]),
    "a reverse of what is not there": (lambda market: ("/rec/reverse", {"id": 999_999}), 404, "unknown", ["#/id"]),
    "an empty bulk": (lambda market: ("/rec/bulk", {"moves": []}), 400, "invalid-input", ["#/moves"]),
    "a list for a body": (lambda market: ("/rec/transfer", [1]), 400, "invalid-input", ["#"]),  # type: ignore[dict-item]
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_refused_under_its_own_name_and_nothing_has_changed(market: Market, case: str) -> None:
    make, status, code, pointers = CASES[case]
    path, body = make(market)
    before = everything()
    assert refused(market.trader.post(path, body)) == (status, code, pointers)
    assert everything() == before


def test_a_foreign_generator_is_not_there_until_its_certificates_were_received(market: Market) -> None:
    body = {"account": market.west.main.pk, "generator": market.wind.pk, "registry": "nar", "serial_base": "N", "serial_start": 1}
    foreign_one = market.buyer.post("/rec/issue", body | {"quantity": 1, "vintage": "2024-05"})
    assert refused(foreign_one) == (404, "unknown", ["#/generator"])


def test_a_foreign_batch_cannot_be_issued(market: Market) -> None:
    with as_owner():
        from tests.recs.world import batch

        theirs = batch(market.west, base="W")
    before = everything()
    answer = market.trader.post("/rec/issue", {"account": market.east.main.pk, "batch_id": theirs.pk})
    assert refused(answer)[:2] == (404, "unknown")
    assert everything() == before


def test_a_foreign_command_can_be_neither_resolved_nor_reversed_nor_read(market: Market) -> None:
    mine = market.trader.done("/rec/reserve", {"account": market.east.main.pk, "quantity": 1})["id"]
    done = market.trader.done("/rec/transfer", {"from_account": market.east.main.pk, "to_account": market.other.pk, "quantity": 1})["id"]
    before = everything()
    for how in ("accept", "reject", "cancel", "approve", "refuse"):
        assert refused(market.buyer.post(f"/rec/transfers/{mine}/{how}")) == (404, "unknown", ["{id}"])
    confirmed = {"reference": "X", "reference_date": "2024-06-01"}
    assert refused(market.buyer.post(f"/rec/transfers/{mine}/confirm", confirmed)) == (404, "unknown", ["{id}"])
    assert refused(market.buyer.post(f"/rec/reserves/{mine}/release")) == (404, "unknown", ["{id}"])
    assert refused(market.buyer.post("/rec/reverse", {"id": done})) == (404, "unknown", ["#/id"])
    assert market.buyer.get(f"/rec/commands/{mine}").status_code == 404
    assert everything() == before


def test_several_faults_are_told_together(market: Market) -> None:
    body = {"from_account": "x", "to_account": 1.5, "quantity": 0, "registry": "atlantis", "price_usd": 3.5}
    status, code, pointers = refused(market.trader.post("/rec/transfer", body))
    assert (status, code) == (400, "invalid-input")
    assert sorted(pointers) == ["#/from_account", "#/price_usd", "#/quantity", "#/registry", "#/to_account"]


def test_the_same_key_for_another_body_does_nothing(market: Market) -> None:
    path, body = transfer(quantity=5)(market)
    market.trader.done(path, body, key="once")
    before = everything()
    assert refused(market.trader.post(path, body | {"quantity": 6}, key="once")) == (
        422,
        "idempotency-key-reused",
        ["header Idempotency-Key"],
    )
    assert everything() == before


@pytest.mark.parametrize("role", ["viewer", "trader", "compliance_officer", "administrator"])
def test_what_each_role_may(market: Market, role: str) -> None:
    program = market.program(f"east-{role.replace('_', '-')}")
    retire = {"account": market.east.main.pk, "quantity": 1, "beneficiary": "x", "reason": "y"}
    path, move = transfer(quantity=1)(market)
    asked = [
        program.post(path, move),
        program.post("/rec/reserve", {"account": market.east.main.pk, "quantity": 1}),
        program.post("/rec/issue", new(market)),
        program.post("/rec/accounts", {"name": "new"}),
        program.post("/rec/generators", {"name": "new", "fuel_type": "wind", "state": "IA", "capacity_mw": 1}),
        program.post("/rec/retire", retire),
    ]
    allowed = {"viewer": 0, "trader": 5}.get(role, 6)
    assert [answer.status_code for answer in asked] == [201] * allowed + [403] * (6 - allowed)
    assert {refused(answer)[1] for answer in asked[allowed:]} <= {"role-too-small"}
    assert [row["quantity_mwh"] for row in program.query({"registry": "nepool"}).json()["results"]] == [50]


def test_a_key_that_only_reads_may_not_write(market: Market) -> None:
    with as_owner():
        reader = Program(market.east.trader, "read")
    before = everything()
    for path, body in (transfer(quantity=1)(market), ("/rec/accounts", {"name": "new"}), issue()(market)):
        assert refused(reader.post(path, body)) == (403, "scope-too-small", [])
    assert everything() == before


def test_a_write_without_an_idempotency_key_is_refused(market: Market) -> None:
    path, body = transfer(quantity=1)(market)
    answer = market.trader.client.post(f"/api/v1{path}", body, content_type="application/json")
    assert refused(answer) == (400, "idempotency-key", ["header Idempotency-Key"])
