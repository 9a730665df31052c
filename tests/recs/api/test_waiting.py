"""Commands that wait: for another organisation, a second person, a registry; and the list of them."""

from __future__ import annotations

from typing import Any

import pytest

from recs.models import Policy
from tests.recs.api.asking import as_owner, everything, refused
from tests.recs.api.conftest import Market
from tests.recs.world import held

CONFIRMED = {"reference": "TR-1", "reference_date": "2024-06-01"}


def offer(market: Market, **more: Any) -> dict[str, Any]:
    body = {"from_account": market.east.main.pk, "to_account": market.west.main.pk, "quantity": 10, "fuel_type": "wind", **more}
    return market.trader.done("/rec/transfer", body)


def needs_two(market: Market, *actions: str) -> None:
    with as_owner():
        Policy.objects.filter(organisation=market.east.organisation).update(four_eyes=list(actions))


def instructed(market: Market, **more: Any) -> dict[str, Any]:
    """East's account mirrors one at M-RETS: what leaves it waits."""
    with as_owner():
        mirror = market.east.account("mirror", registry_id="mrets", registry_account="MM77")
    some = {"quantity": 20, "fuel_type": "wind"}
    market.trader.done("/rec/transfer", {"from_account": market.east.main.pk, "to_account": mirror.pk, **some})
    return market.trader.done("/rec/transfer", {"from_account": mirror.pk, "to_account": market.other.pk, "quantity": 20, **more})


# --- offers -----------------------------------------------------------------------------------------------


def test_an_offer_is_seen_by_both_and_accepted_by_the_other(market: Market) -> None:
    made = offer(market, reason="a sale")
    assert (made["status"], made["awaiting"], made["counterparty"], made["incoming"]) == ("pending", ["acceptance"], "west", False)
    seen = market.buyer.get(f"/rec/commands/{made['id']}").json()
    assert (seen["incoming"], seen["made_by"], seen["reason"], seen["owner_id"]) == (True, "", "a sale", "east")
    assert [piece["serials"] for piece in seen["ranges"]] == ["PW-2024-03 1-10"]  # before they are the buyer's
    done = market.buyer.done(f"/rec/transfers/{made['id']}/accept", {"reason": "as agreed"}, status=200)
    assert (done["id"], done["status"], done["awaiting"]) == (made["id"], "completed", [])
    assert [(row["serials"], row["owner_id"]) for row in market.buyer.query().json()["results"]] == [("PW-2024-03 1-10", "west")]


def test_the_steps_name_colleagues_and_the_other_side_only_by_its_organisation(market: Market) -> None:
    made = offer(market)
    market.buyer.done(f"/rec/transfers/{made['id']}/accept", status=200)
    for program, names in ((market.trader, ["east-trader", ""]), (market.buyer, ["", "west-trader"])):
        steps = program.get(f"/rec/commands/{made['id']}").json()["steps"]
        assert [(step["kind"], step["organisation"]) for step in steps] == [("transfer", "East"), ("accept", "West")]
        assert [step["made_by"] for step in steps] == names
        assert [bool(step["api_key"]) and bool(step["request_id"]) for step in steps] == [bool(name) for name in names]


@pytest.mark.parametrize(("who", "how", "status"), [("buyer", "reject", "rejected"), ("trader", "cancel", "cancelled")])
def test_an_offer_that_is_declined_goes_back(market: Market, who: str, how: str, status: str) -> None:
    made = offer(market)
    done = getattr(market, who).done(f"/rec/transfers/{made['id']}/{how}", {"reason": "no"}, status=200)
    assert (done["status"], done["awaiting"]) == (status, [])
    with as_owner():
        assert (held(market.east.main), held(market.east.main, 2), held(market.west.main)) == (1050, 0, 0)
    again = getattr(market, who).post(f"/rec/transfers/{made['id']}/{how}")
    assert refused(again) == (409, "already-resolved", [])


def test_only_the_receiver_accepts_and_only_the_asker_cancels(market: Market) -> None:
    made, before = offer(market), everything()
    assert refused(market.trader.post(f"/rec/transfers/{made['id']}/accept")) == (404, "unknown", ["{id}"])
    assert refused(market.buyer.post(f"/rec/transfers/{made['id']}/cancel")) == (404, "unknown", ["{id}"])
    viewer = market.program("west-viewer")
    assert refused(viewer.post(f"/rec/transfers/{made['id']}/accept")) == (403, "role-too-small", [])
    assert everything() == before


def test_a_stage_that_is_not_its_turn_is_409(market: Market) -> None:
    made = offer(market)
    for how, body in (("approve", {}), ("confirm", CONFIRMED), ("refuse", {})):
        assert refused(market.trader.post(f"/rec/transfers/{made['id']}/{how}", body))[:2] == (409, "wrong-stage")
    assert refused(market.trader.post(f"/rec/reserves/{made['id']}/release"))[:2] == (409, "wrong-stage")


def ids(program: Any, **query: Any) -> list[int]:
    answer = program.get("/rec/commands", **query)
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


# --- four eyes ---------------------------------------------------------------------------------------------


def test_a_second_person_approves_then_the_receiver_accepts(market: Market) -> None:
    needs_two(market, "transfer")
    made = offer(market)
    assert (made["awaiting"], made["self_approved"]) == (["approval", "acceptance"], False)
    path = f"/rec/transfers/{made['id']}"
    assert refused(market.trader.post(f"{path}/approve")) == (403, "second-person", [])
    assert refused(market.buyer.post(f"{path}/accept"))[:2] == (404, "unknown")
    assert market.buyer.get(f"/rec/commands/{made['id']}").status_code == 404
    assert ids(market.buyer) == ids(market.buyer, open="true") == []
    approved = market.officer.done(f"{path}/approve", {"reason": "we are long"}, status=200)
    assert (approved["status"], approved["awaiting"]) == ("pending", ["acceptance"])
    assert ids(market.buyer) == ids(market.buyer, open="true") == [made["id"]]
    steps = {who: market.program(who).get(f"/rec/commands/{made['id']}").json()["steps"] for who in ("east-trader", "west-trader")}
    assert {who: told[1]["reason"] for who, told in steps.items()} == {"east-trader": "we are long", "west-trader": ""}
    assert market.buyer.done(f"{path}/accept", status=200)["status"] == "completed"


def test_an_approval_may_be_declined(market: Market) -> None:
    needs_two(market, "retire")
    body = {"account": market.east.main.pk, "quantity": 10, "beneficiary": "x", "reason": "y"}
    asked = market.officer.done("/rec/retire", body)
    assert asked["awaiting"] == ["approval"]
    done = market.program("east-administrator").done(f"/rec/transfers/{asked['id']}/reject", {"reason": "not now"}, status=200)
    assert done["status"] == "rejected"


# --- registries --------------------------------------------------------------------------------------------


def test_a_mirror_waits_for_its_registry(market: Market) -> None:
    made = instructed(market)
    assert (made["status"], made["awaiting"], made["expires_at"]) == ("instructed", ["registry"], None)
    path = f"/rec/transfers/{made['id']}/confirm"
    done = market.trader.done(path, CONFIRMED, status=200)
    assert (done["status"], done["reference"], done["reference_date"]) == ("completed", "TR-1", "2024-06-01")
    with as_owner():
        assert held(market.other) == 20


def test_a_registry_may_refuse(market: Market) -> None:
    made = instructed(market)
    done = market.trader.done(f"/rec/transfers/{made['id']}/refuse", {"reference": "E-9", "reason": "account closed"}, status=200)
    assert (done["status"], done["reference"]) == ("rejected", "E-9")
    with as_owner():
        assert held(market.other) == 0


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["#/reference", "#/reference_date"]),
        ({"reference": "", "reference_date": "2024-06-01"}, ["#/reference"]),
        ({"reference": "X", "reference_date": "2024-06-01T00:00:00"}, ["#/reference_date"]),
        ({"reference": "X", "reference_date": "June"}, ["#/reference_date"]),
    ],
)
def test_a_confirmation_has_its_number_and_its_day(market: Market, body: dict[str, Any], pointers: list[str]) -> None:
    made = instructed(market)
    status, _, told = refused(market.trader.post(f"/rec/transfers/{made['id']}/confirm", body))
    assert (status, sorted(told)) == (400, pointers)


def test_the_instruction_for_m_rets(market: Market) -> None:
    made = instructed(market, reason="swap")
    told = market.trader.get(f"/rec/commands/{made['id']}/instruction").json()
    assert list(told) == ["command", "registry", "action", "steps", "text", "layout_known", "columns", "rows", "csv"]
    assert (told["command"], told["registry"], told["action"], told["text"], told["layout_known"]) == (
        made["id"],
        "mrets",
        "transfer",
        "",
        True,
    )
    assert told["rows"] == [["PW-2024-03 1-20", "20", "", "", "swap"]]
    assert told["csv"].splitlines()[1] == "PW-2024-03 1-20,20,,,swap"


def test_the_instruction_names_the_day_that_was_asked_for(market: Market) -> None:
    with as_owner():
        mirror = market.east.account("ercot", registry_id="ercot", registry_account="88")
    new = {
        "registry": "ercot",
        "serial_base": "LS",
        "serial_start": 1,
        "serial_end": 31,
        "vintage": "2024-02",
        "registry_text": "000001 -- 000031",
    }
    market.trader.done("/rec/issue", {"account": mirror.pk, "generator": market.wind.pk, **new})
    made = market.trader.done("/rec/export", {"account": mirror.pk, "to_registry": "mrets", "quantity": 31})
    told = market.trader.get(f"/rec/commands/{made['id']}/instruction", effective_on="2026-11-05").json()
    assert (told["text"], told["layout_known"]) == ("Export to M-RETS effective 11/05/2026", False)
    assert told["rows"] == [["000001 -- 000031", "31", "2024-02", "Prairie Wind", ""]]


def test_there_is_nothing_to_instruct_where_no_registry_is_waited_for(market: Market) -> None:
    made = offer(market)
    assert refused(market.trader.get(f"/rec/commands/{made['id']}/instruction")) == (409, "wrong-stage", [])
    assert market.buyer.get(f"/rec/commands/{made['id']}/instruction").status_code == 404  # it is the seller's to type


# --- the list -----------------------------------------------------------------------------------------------


def test_the_list_of_commands(market: Market) -> None:
    reserved = market.trader.done("/rec/reserve", {"account": market.east.main.pk, "quantity": 1, "reason": "r"})
    made = offer(market)

    everyone = ids(market.trader)
    assert everyone[:2] == [made["id"], reserved["id"]]
    assert len(everyone) == 4  # two issues before
    assert ids(market.trader, open="true") == [made["id"], reserved["id"]]
    assert ids(market.trader, open="true", kind="reserve") == [reserved["id"]]
    assert ids(market.trader, open="true", status="pending") == [made["id"], reserved["id"]]
    assert ids(market.trader, open="true", status="instructed") == []
    assert ids(market.trader, kind="issue") == everyone[2:]
    assert ids(market.trader, status="pending") == [made["id"], reserved["id"]]
    assert ids(market.trader, owner_id="east") == everyone
    assert ids(market.buyer) == ids(market.buyer, open="true") == [made["id"]]
    assert refused(market.buyer.get("/rec/commands", owner_id="east")) == (404, "unknown", ["?owner_id"])
    row = market.buyer.get("/rec/commands").json()["results"][0]
    assert (row["stage"], row["incoming"], row["owner_id"], row["counterparty"], row["made_by"]) == ("acceptance", True, "east", "west", "")
    assert row["price_usd"] is None


def test_the_list_has_pages(market: Market) -> None:
    for _ in range(5):
        market.trader.done("/rec/reserve", {"account": market.east.main.pk, "quantity": 1})
    for query in ({}, {"open": "true"}):
        body = market.trader.get("/rec/commands", limit=3, **query).json()
        ids = [row["id"] for row in body["results"]]
        while body["next"]:
            body = market.trader.get(body["next"]).json()
            ids += [row["id"] for row in body["results"]]
        assert ids == sorted(ids, reverse=True)
        assert len(ids) == (5 if query else 7)


@pytest.mark.parametrize("path", ["/rec/commands/{}", "/rec/commands/{}/instruction", "/rec/batches/{}/history"])
@pytest.mark.parametrize("number", [0, 999_999, 2**63, 10**30])
def test_a_number_that_nothing_has_is_404(market: Market, path: str, number: int) -> None:
    assert refused(market.trader.get(path.format(number))) == (404, "not-found", [])


def test_the_history_of_a_batch(market: Market) -> None:
    made = offer(market)
    market.buyer.done(f"/rec/transfers/{made['id']}/accept", status=200)
    answer = market.trader.get(f"/rec/batches/{market.first.pk}/history").json()
    told = [
        (row["kind"], row["serials"], row["from_account"], row["from_status"], row["to_account"], row["to_status"])
        for row in answer["results"]
    ]
    main, theirs = market.east.main.pk, market.west.main.pk
    assert told == [
        ("recorded", "PW-2024-03 1-1000", None, "", None, ""),
        ("issue", "PW-2024-03 1-1000", None, "", main, "active"),
        ("transfer", "PW-2024-03 1-10", main, "active", main, "held"),
        ("accept", "PW-2024-03 1-10", main, "held", theirs, "active"),
    ]
    assert answer["results"][0]["entry_id"] == 0
    bought = market.buyer.get(f"/rec/batches/{market.first.pk}/history").json()["results"]
    assert [(row["kind"], row["organisation"], row["made_by"]) for row in bought] == [
        ("recorded", "East", ""),
        ("accept", "West", "west-trader"),
    ]
    assert market.buyer.get(f"/rec/batches/{market.second.pk}/history").status_code == 404
    page = market.trader.get(f"/rec/batches/{market.first.pk}/history", limit=1).json()
    kinds = [row["kind"] for row in page["results"]]
    while page["next"]:
        page = market.trader.get(page["next"]).json()
        kinds += [row["kind"] for row in page["results"]]
    assert kinds == ["recorded", "issue", "transfer", "accept"]
