"""What a command is refused for is told where the request says it: every pointer is a field of its body, or stands in its address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.urls import resolve
from django.utils import timezone
from rest_framework.serializers import ListField, Serializer

from recs import ledger
from recs.api.base import Commanding
from recs.types import Purpose, SerialRange
from tests.recs.api.asking import API, as_owner, everything, refused
from tests.recs.api.conftest import Market
from tests.recs.api.test_moves import new
from tests.recs.api.test_refusals import CASES
from tests.recs.world import batch, key

Make = Callable[[Market], tuple[str, dict[str, Any]]]
WHOM = {"beneficiary": "x", "reason": "y"}


def ours(**more: Any) -> dict[str, Any]:
    return {"quantity": 1, **more}


def foreign_account(path: str, **more: Any) -> Make:
    return lambda market: (path, {"account": market.west.main.pk, **ours(**more)})


def closed(market: Market) -> int:
    with as_owner():
        made = market.east.account("closed")
        made.closed_at = timezone.now()
        made.save()
    return int(made.pk)


def closed_account(path: str, **more: Any) -> Make:
    return lambda market: (path, {"account": closed(market), **ours(**more)})


def gats(market: Market) -> int:
    with as_owner():
        return int(market.east.account("gats", registry_id="gats").pk)


def issued_twice(ranges: bool) -> Make:
    def make(market: Market) -> tuple[str, dict[str, Any]]:
        one = {"batch_id": market.first.pk}
        return "/rec/issue", {
            "account": market.east.main.pk,
            **({"ranges": [one | {"serial_start": 1, "serial_end": 2}]} if ranges else one),
        }

    return make


def somebody_elses_batch(ranges: bool) -> Make:
    def make(market: Market) -> tuple[str, dict[str, Any]]:
        with as_owner():
            one = {"batch_id": batch(market.west, base="W").pk}
        return "/rec/issue", {
            "account": market.east.main.pk,
            **({"ranges": [one | {"serial_start": 1, "serial_end": 2}]} if ranges else one),
        }

    return make


def offer_beyond_credit(market: Market) -> tuple[str, dict[str, Any]]:
    move = {"from_account": market.east.main.pk, "to_account": market.west.main.pk, "quantity": 1, "price_usd": "10.00"}
    with as_owner():
        ledger.grant_credit(
            key=key(), by=market.east.administrator, creditor=market.east.organisation.pk, debtor=market.west.organisation.pk, limit_usd=5
        )  # type: ignore[arg-type]
    return f"/rec/transfers/{market.trader.done('/rec/transfer', move)['id']}/accept", {}


def reversed_after_it_moved_on(market: Market) -> tuple[str, dict[str, Any]]:
    some = {"ranges": [{"batch_id": market.first.pk, "serial_start": 1, "serial_end": 1}]}
    sent = market.trader.done("/rec/transfer", {"from_account": market.east.main.pk, "to_account": market.other.pk, **some})["id"]
    with as_owner():
        ledger.retire(
            key=key(), by=market.east.officer, account=market.other.pk, purpose=Purpose(**WHOM), ranges=[SerialRange(market.first.pk, 1, 1)]
        )
    return "/rec/reverse", {"id": sent}


def many(market: Market, **more: Any) -> tuple[str, dict[str, Any]]:
    good = {"kind": "transfer", "from_account": market.east.main.pk, "to_account": market.other.pk, "quantity": 1}
    return "/rec/bulk", {"moves": [good, good | more]}


def a_day_from_now(days: int) -> Make:
    def make(market: Market) -> tuple[str, dict[str, Any]]:
        with as_owner():
            mirror = market.east.account("mirror", registry_id="mrets", registry_account="77")
        some = {"ranges": [{"batch_id": market.first.pk, "serial_start": 1, "serial_end": 1}]}
        market.trader.done("/rec/transfer", {"from_account": market.east.main.pk, "to_account": mirror.pk, **some})
        gone = market.trader.done("/rec/export", {"account": mirror.pk, "to_registry": "nar", **some})["id"]
        day = (timezone.now() + timedelta(days=days)).date().isoformat() if days < 9999 else "9999-12-31"
        return f"/rec/transfers/{gone}/confirm", {"reference": "X", "reference_date": day}

    return make


MORE: dict[str, tuple[Make, int, str, list[str]]] = {
    "retire out of a foreign account": (foreign_account("/rec/retire", **WHOM), 404, "unknown", ["#/account"]),
    "reserve in a foreign account": (foreign_account("/rec/reserve"), 404, "unknown", ["#/account"]),
    "export out of a foreign account": (foreign_account("/rec/export", to_registry="nar"), 404, "unknown", ["#/account"]),
    "issue into another registry's": (
        lambda market: ("/rec/issue", new(market, account=gats(market), registry="mrets")),
        *(400, "wrong-registry", ["#/account"]),
    ),
    "issue into a closed account": (
        lambda market: ("/rec/issue", new(market, account=closed(market))),
        409,
        "account-closed",
        ["#/account"],
    ),
    "issued twice": (issued_twice(ranges=False), 409, "already-issued", ["#/batch_id"]),
    "some issued twice": (issued_twice(ranges=True), 409, "already-issued", ["#/ranges"]),
    "a foreign batch": (somebody_elses_batch(ranges=False), 404, "unknown", ["#/batch_id"]),
    "some of a foreign batch": (somebody_elses_batch(ranges=True), 404, "unknown", ["#/ranges"]),
    "export to where they are": (
        lambda market: ("/rec/export", {"account": market.east.main.pk, "to_registry": "mrets", **ours(registry="mrets")}),
        *(400, "wrong-registry", ["#/to_registry"]),
    ),
    "export of no registry": (
        lambda market: ("/rec/export", {"account": market.east.main.pk, "to_registry": "nar", **ours()}),
        *(400, "registry-needed", ["#/registry"]),
    ),
    "accept beyond the credit limit": (offer_beyond_credit, 409, "credit-exceeded", ["{id}"]),
    "reverse of what moved on": (reversed_after_it_moved_on, 409, "moved-on", []),
    "many, one of them overdrawn": (lambda market: many(market, quantity=5000), 409, "overdrawn", ["#/moves/1/quantity"]),
    "many, one of a foreign account": (
        lambda market: many(market, from_account=market.west.main.pk),
        *(404, "unknown", ["#/moves/1/from_account"]),
    ),
    "a year without a programme": (
        lambda market: ("/rec/retire", {"account": market.east.main.pk, **ours(**WHOM, compliance_year=2024, tier="I", state="NJ")}),
        *(400, "invalid-input", ["#/state", "#/compliance_year", "#/tier"]),
    ),
    "confirmed at the end of the calendar": (a_day_from_now(9999), 400, "invalid-input", ["#/reference_date"]),
    "confirmed the day after tomorrow": (a_day_from_now(2), 400, "invalid-input", ["#/reference_date"]),
}


def stands(body: Any, pointer: str) -> bool:
    """Whether a body has, or may have, what a JSON pointer names."""
    for name in pointer.removeprefix("#").strip("/").split("/"):
        if name.isdigit() and isinstance(body, ListField):
            body = body.child
        elif not isinstance(body, Serializer) or name not in body.fields:
            return False
        else:
            body = body.fields[name]
    return True


@pytest.mark.parametrize("case", [*CASES, *MORE])
def test_every_pointer_is_there(market: Market, case: str) -> None:
    make, status, code, pointers = (CASES | MORE)[case]
    path, body = make(market)
    before = everything()
    program = market.buyer if path.endswith("/accept") else market.officer
    assert refused(program.post(path, body)) == (status, code, pointers)
    assert everything() == before
    found = resolve(f"{API}{path}")
    view: type[Commanding] = found.func.view_class  # type: ignore[attr-defined]
    for pointer in pointers:
        told = pointer in ("#", "#/amount") or pointer.strip("{}") in found.kwargs
        assert told or stands(view.body(), pointer), pointer


def test_a_criterion_is_taken_as_it_is_stored(market: Market) -> None:
    move = {"from_account": market.east.main.pk, "to_account": market.other.pk, "quantity": 1}
    for chosen in ({"state": "ia", "fuel_type": "WIND"}, {"criteria": {"state": "ia"}}):
        assert market.trader.done("/rec/transfer", move | chosen)["ranges"][0]["state"] == "IA"


def test_a_day_that_has_come_somewhere_is_taken(market: Market) -> None:
    path, body = a_day_from_now(1)(market)
    assert market.officer.done(path, body, status=200)["status"] == "completed"
