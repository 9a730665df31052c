"""Commands by the API: what each does, and what it answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.recs.api.asking import as_owner, refused
from tests.recs.api.conftest import Market
from tests.recs.world import held, ranges

FIELDS = [
    *("id", "kind", "status", "ranges", "created_at", "changed_at", "awaiting", "self_approved", "quantity", "owner_id", "counterparty"),
    *("from_account", "to_account", "price_usd", "reason", "reference", "reference_date", "expires_at", "made_by", "incoming"),
    *("reverses", "reversed_by", "export", "to_registry"),
]
NEW = {"registry": "pjm", "serial_base": "1771330", "serial_start": 1, "serial_end": 10, "vintage": "2024-05"}


def new(market: Market, **more: Any) -> dict[str, Any]:
    return {"account": market.east.main.pk, "generator": market.wind.pk, **NEW, **more}


def there(account: Any, bucket: int = 1) -> list[tuple[int, int, int]]:
    with as_owner():
        return ranges(account, bucket)


def short(answer: dict[str, Any]) -> tuple[str, str, list[str], int]:
    return answer["kind"], answer["status"], [piece["serials"] for piece in answer["ranges"]], answer["quantity"]


# --- in ------------------------------------------------------------------------------------------------


def test_issue_records_a_batch_and_all_its_certificates(market: Market) -> None:
    answer = market.trader.done("/rec/issue", new(market, registry_text="1771330 - 0001 to 0010", reason="May"))
    assert list(answer) == FIELDS
    assert answer["ranges"] == [
        {
            "batch_id": answer["ranges"][0]["batch_id"],
            "serial_start": 1,
            "serial_end": 10,
            "serials": "1771330 - 0001 to 0010",
            "quantity_mwh": 10,
            "registry": "gats",
            "vintage": "2024-05",
            "fuel_type": "wind",
            "state": "IA",
            "generator": "Prairie Wind",
        }
    ]
    told = {name: answer[name] for name in FIELDS if name not in ("id", "ranges", "created_at", "changed_at")}
    assert told == {
        "kind": "issue",
        "status": "completed",
        "awaiting": [],
        "self_approved": True,
        "quantity": 10,
        "owner_id": "east",
        "counterparty": None,
        "from_account": None,
        "to_account": market.east.main.pk,
        "price_usd": None,
        "reason": "May",
        "reference": "",
        "reference_date": None,
        "expires_at": None,
        "made_by": "east-trader",
        "incoming": False,
        "reverses": None,
        "reversed_by": None,
        "export": None,
        "to_registry": None,
    }
    assert answer["created_at"] == answer["changed_at"]
    assert answer["created_at"].endswith("Z")


def test_issue_by_quantity_given_as_digits(market: Market) -> None:
    body = new(market, quantity="250", serial_start="11")
    del body["serial_end"]
    assert short(market.trader.done("/rec/issue", body)) == ("issue", "completed", ["1771330 11-260"], 250)


def test_some_of_a_recorded_batch_then_the_rest_of_it_is_refused(market: Market) -> None:
    with as_owner():
        from tests.recs.world import batch

        recorded = batch(market.east, of=market.wind, base="R", last=30, registry="mrets")
    main = market.east.main.pk
    part = {"batch_id": recorded.pk, "serial_start": 11, "serial_end": 20}
    assert short(market.trader.done("/rec/issue", {"account": main, "ranges": [part]})) == ("issue", "completed", ["R 11-20"], 10)
    assert refused(market.trader.post("/rec/issue", {"account": main, "batch_id": recorded.pk})) == (409, "already-issued", ["#/batch_id"])
    outside = {"batch_id": recorded.pk, "serial_start": 25, "serial_end": 40}
    assert refused(market.trader.post("/rec/issue", {"account": main, "ranges": [outside]})) == (400, "outside-batch", ["#/ranges"])


def test_export_then_import_into_another_registry(market: Market) -> None:
    main = market.east.main.pk
    body = {"account": main, "to_registry": "nar", "ranges": [{"batch_id": market.first.pk, "serial_start": 1, "serial_end": 100}]}
    gone = market.trader.done("/rec/export", body)
    assert (*short(gone), gone["awaiting"], gone["to_registry"]) == ("export", "instructed", ["PW-2024-03 1-100"], 100, ["registry"], "nar")
    comes = new(market, registry="nar", vintage="2024-03", serial_end=100, kind="import", export=gone["id"])
    assert refused(market.trader.post("/rec/issue", comes)) == (409, "beyond-export", ["#/export"])
    market.officer.done(f"/rec/transfers/{gone['id']}/confirm", {"reference": "X-1", "reference_date": "2024-06-01"}, status=200)
    assert refused(market.trader.post("/rec/issue", comes | {"kind": "issue"}))[:2] == (400, "import-of-an-export")
    come = market.trader.done("/rec/issue", comes)
    assert (*short(come), come["export"]) == ("import", "completed", ["1771330 1-100"], 100, gone["id"])
    more = comes | {"serial_start": 101, "serial_end": 101}
    assert refused(market.trader.post("/rec/issue", more)) == (409, "beyond-export", ["#/export"])


def test_sold_outside_and_received_back(market: Market) -> None:
    with as_owner():
        outside = market.east.account("Broker", kind="external")
    main, some = market.east.main.pk, [{"batch_id": market.first.pk, "serial_start": 1, "serial_end": 10}]
    sold = market.trader.done("/rec/transfer", {"from_account": main, "to_account": outside.pk, "ranges": some, "price_usd": "35.50"})
    assert (sold["status"], sold["price_usd"]) == ("completed", "35.50")
    back = market.trader.done("/rec/receive", {"from_account": outside.pk, "to_account": main, "ranges": some, "reason": "bought back"})
    assert short(back) == ("receive", "completed", ["PW-2024-03 1-10"], 10)


# --- moves ------------------------------------------------------------------------------------------------


def test_transfer_inside_by_quantity_takes_the_oldest(market: Market) -> None:
    market.trader.done("/rec/issue", new(market, vintage="2023-01", registry="mrets"))
    main, other = market.east.main, market.other
    done = market.trader.done("/rec/transfer", {"from_account": main.pk, "to_account": other.pk, "quantity": 15})
    assert short(done) == ("transfer", "completed", ["PW-2024-03 1-5", "1771330 1-10"], 15)
    assert (done["counterparty"], done["self_approved"], len(there(other))) == (None, True, 2)


@pytest.mark.parametrize(
    ("chosen", "serials"),
    [
        ({"registry": "nepool"}, ["4086133 - 24 to 28"]),
        ({"fuel_type": "wind"}, ["PW-2024-03 1-5"]),
        ({"state": "MA"}, ["4086133 - 24 to 28"]),
        ({"vintage_from": "2024-01", "registry": "mrets"}, ["PW-2024-03 1-5"]),
        ({"vintage_to": "2024-03", "registry": "mrets"}, ["PW-2024-03 1-5"]),
    ],
)
def test_criteria_beside_the_quantity_or_in_their_own_object(market: Market, chosen: dict[str, Any], serials: list[str]) -> None:
    move = {"from_account": market.east.main.pk, "to_account": market.other.pk, "quantity": 5}
    assert short(market.trader.done("/rec/transfer", move | chosen))[2] == serials
    back = {"from_account": market.other.pk, "to_account": market.east.main.pk, "quantity": 5, "criteria": chosen}
    assert short(market.trader.done("/rec/transfer", back))[2] == serials


def test_criteria_name_one_batch_or_an_eligibility(market: Market) -> None:
    from recs.models import Eligibility

    with as_owner():
        Eligibility.objects.create(generator=market.solar, programme="MA Class I", valid=("2024-01-01", None))
    move = {"from_account": market.east.main.pk, "to_account": market.other.pk, "quantity": 5}
    assert short(market.trader.done("/rec/transfer", move | {"eligibility": "MA Class I"}))[2] == ["4086133 - 24 to 28"]
    assert short(market.trader.done("/rec/transfer", move | {"batch_id": market.first.pk}))[2] == ["PW-2024-03 1-5"]
    assert refused(market.trader.post("/rec/transfer", move | {"eligibility": "NJ Class I"})) == (409, "overdrawn", ["#/quantity"])


def test_retire_for_a_programme(market: Market) -> None:
    body = {
        "account": market.east.main.pk,
        "quantity": 5,
        "criteria": {"state": "MA"},
        "beneficiary": "City Utility",
        "reason": "RPS",
        "programme": "MA Class I",
        "state": "MA",
        "compliance_year": 2024,
        "tier": "I",
    }
    assert refused(market.trader.post("/rec/retire", body)) == (403, "role-too-small", [])
    done = market.officer.done("/rec/retire", body)
    assert (*short(done), done["reason"]) == ("retire", "completed", ["4086133 - 24 to 28"], 5, "RPS")
    whole = market.officer.get(f"/rec/commands/{done['id']}").json()
    assert whole["purpose"] == {
        "beneficiary": "City Utility",
        "reason": "RPS",
        "programme": "MA Class I",
        "state": "MA",
        "compliance_year": 2024,
        "tier": "I",
    }
    with as_owner():
        assert held(market.east.main, 9) == 5


def test_retire_into_a_retirement_account(market: Market) -> None:
    with as_owner():
        grave = market.east.account("retired", kind="retirement")
    body = {"account": market.east.main.pk, "to_account": grave.pk, "quantity": 5, "fuel_type": "wind", "beneficiary": "x", "reason": "y"}
    assert short(market.officer.done("/rec/retire", body))[2] == ["PW-2024-03 1-5"]
    assert there(grave, 9) == [(market.first.pk, 1, 5)]


def test_reserve_and_release(market: Market) -> None:
    made = market.trader.done("/rec/reserve", {"account": market.east.main.pk, "quantity": 7, "fuel_type": "wind", "reason": "auction"})
    assert (*short(made), made["awaiting"]) == ("reserve", "pending", ["PW-2024-03 1-7"], 7, ["release"])
    taken = {"from_account": market.east.main.pk, "to_account": market.other.pk}
    one = [{"batch_id": market.first.pk, "serial_start": 7, "serial_end": 7}]
    assert refused(market.trader.post("/rec/transfer", taken | {"ranges": one})) == (409, "range-held", ["#/ranges"])
    assert short(market.trader.done(f"/rec/reserves/{made['id']}/release", status=200)) == ("reserve", "completed", ["PW-2024-03 1-7"], 7)
    assert market.trader.done("/rec/transfer", taken | {"ranges": one})["status"] == "completed"


def test_reverse(market: Market) -> None:
    done = market.trader.done("/rec/transfer", {"from_account": market.east.main.pk, "to_account": market.other.pk, "quantity": 5})
    back = market.trader.done("/rec/reverse", {"id": done["id"], "reason": "wrong account"})
    assert (*short(back), back["reverses"]) == ("reverse", "completed", ["PW-2024-03 1-5"], 5, done["id"])
    first = market.trader.get(f"/rec/commands/{done['id']}").json()
    assert (first["status"], first["reversed_by"]) == ("reversed", back["id"])
    assert refused(market.trader.post("/rec/reverse", {"id": done["id"]}))[:2] == (409, "not-reversible")
    assert there(market.other) == []


# --- many at once --------------------------------------------------------------------------------------------


def test_bulk_is_done_in_order(market: Market) -> None:
    main, other = market.east.main.pk, market.other.pk
    moves = [
        {"kind": "transfer", "from_account": main, "to_account": other, "quantity": 5, "fuel_type": "wind"},
        {"kind": "reserve", "from_account": other, "quantity": 2, "reason": "auction"},
        {"kind": "retire", "from_account": other, "quantity": 1, "beneficiary": "x", "reason": "y"},
        {"kind": "export", "from_account": main, "quantity": 3, "to_registry": "nar", "criteria": {"registry": "mrets"}},
    ]
    answer = market.officer.done("/rec/bulk", {"moves": moves})
    assert [short(one) for one in answer["commands"]] == [
        ("transfer", "completed", ["PW-2024-03 1-5"], 5),
        ("reserve", "pending", ["PW-2024-03 1-2"], 2),
        ("retire", "completed", ["PW-2024-03 3-3"], 1),
        ("export", "instructed", ["PW-2024-03 6-8"], 3),
    ]


def test_bulk_says_which_one_it_was_and_does_none(market: Market) -> None:
    main, other = market.east.main.pk, market.other.pk
    good = {"kind": "transfer", "from_account": main, "to_account": other, "quantity": 5}
    answer = market.trader.post("/rec/bulk", {"moves": [good, good, good | {"quantity": 5000}, good]})
    assert refused(answer) == (409, "overdrawn", ["#/moves/2/quantity"])
    stranger = market.trader.post("/rec/bulk", {"moves": [good, good | {"from_account": market.west.main.pk}]})
    assert refused(stranger) == (404, "unknown", ["#/moves/1/from_account"])
    assert refused(market.trader.post("/rec/bulk", {"moves": [good, good | {"to_account": main}]})) == (
        400,
        "transfer-to-itself",
        ["#/moves/1/to_account"],
    )
    assert there(market.other) == []


@pytest.mark.parametrize(
    ("move", "pointers"),
    [
        ({"kind": "transfer", "quantity": 5}, ["#/moves/0/to_account"]),
        ({"kind": "reserve", "quantity": 5, "price_usd": "1.00"}, ["#/moves/0/price_usd"]),
        ({"kind": "retire", "quantity": 5}, ["#/moves/0/beneficiary", "#/moves/0/reason"]),
        ({"kind": "export", "quantity": 5, "beneficiary": "x"}, ["#/moves/0/beneficiary", "#/moves/0/to_registry"]),
        ({"kind": "issue", "quantity": 5}, ["#/moves/0/kind"]),
        ({"kind": "reserve"}, ["#/moves/0/quantity"]),
        ({"kind": "reserve", "quantity": 5, "state": "IA"}, ["#/moves/0/state"]),
    ],
)
def test_each_move_of_a_bulk_has_what_its_kind_wants(market: Market, move: dict[str, Any], pointers: list[str]) -> None:
    answer = market.trader.post("/rec/bulk", {"moves": [{"from_account": market.east.main.pk, **move}]})
    status, _, told = refused(answer)
    assert (status, sorted(told)) == (400, pointers)


def test_bulk_takes_a_thousand_and_no_more(market: Market) -> None:
    one = {"kind": "transfer", "from_account": market.east.main.pk, "to_account": market.other.pk, "quantity": 1}
    assert refused(market.trader.post("/rec/bulk", {"moves": [one] * 1001})) == (400, "invalid-input", ["#/moves"])
    assert len(market.trader.done("/rec/bulk", {"moves": [one] * 1000})["commands"]) == 1000
    with as_owner():
        assert held(market.other) == 1000
