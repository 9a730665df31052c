"""The same request again: the ledger does nothing twice, even where the answer to the first was not kept."""

from __future__ import annotations

from typing import Any

import pytest

from energyopti.api.models import KeptAnswer
from tests.recs.api.asking import everything, refused
from tests.recs.api.conftest import Market
from tests.recs.api.test_moves import new

KEY_REUSED = (422, "idempotency-key-reused", ["header Idempotency-Key"])
CONFIRMED = {"reference": "X", "reference_date": "2024-06-01"}


def forget() -> None:
    """As if the process had died between the two, or the answers' week were over."""
    KeptAnswer.objects.all().delete()


@pytest.mark.parametrize("kept", [True, False])
def test_every_command_again_is_the_same_command(market: Market, kept: bool) -> None:
    main, other = market.east.main.pk, market.other.pk
    offered = market.trader.done("/rec/transfer", {"from_account": main, "to_account": market.west.main.pk, "quantity": 1})["id"]
    reserved = market.trader.done("/rec/reserve", {"account": main, "quantity": 1})["id"]
    gone = market.trader.done("/rec/export", {"account": main, "to_registry": "nar", "quantity": 1, "registry": "mrets"})["id"]
    done = market.trader.done("/rec/transfer", {"from_account": main, "to_account": other, "quantity": 1})["id"]
    retire = {"account": main, "quantity": 1, "beneficiary": "x", "reason": "y"}
    asked: list[tuple[Any, str, Any]] = [
        (market.trader, "/rec/issue", new(market)),
        (market.trader, "/rec/transfer", {"from_account": main, "to_account": other, "quantity": 1}),
        (market.trader, "/rec/bulk", {"moves": [{"kind": "transfer", "from_account": main, "to_account": other, "quantity": 1}] * 3}),
        (market.officer, "/rec/retire", retire),
        (market.trader, "/rec/reserve", {"account": main, "quantity": 1}),
        (market.trader, "/rec/export", {"account": main, "to_registry": "nar", "quantity": 1, "registry": "mrets"}),
        (market.trader, "/rec/reverse", {"id": done}),
        (market.buyer, f"/rec/transfers/{offered}/accept", {}),
        (market.officer, f"/rec/transfers/{gone}/confirm", CONFIRMED),
        (market.trader, f"/rec/reserves/{reserved}/release", {}),
    ]
    for program, path, body in asked:
        first = program.post(path, body, key=f"k{path}")
        assert first.status_code in (200, 201), first.content
        before = everything()
        if not kept:
            forget()
        again = program.post(path, body, key=f"k{path}")
        assert (again.status_code, again.json()) == (first.status_code, first.json()), path
        assert again.has_header("Idempotent-Replayed") == kept
        assert everything() == before, path


def test_the_ledger_refuses_the_same_key_for_another_command_when_the_answer_is_forgotten(market: Market) -> None:
    move = {"from_account": market.east.main.pk, "to_account": market.other.pk, "quantity": 1}
    market.trader.done("/rec/transfer", move, key="k")
    forget()
    before = everything()
    assert refused(market.trader.post("/rec/transfer", move | {"quantity": 2}, key="k")) == KEY_REUSED
    assert everything() == before


@pytest.mark.parametrize(
    "changed",
    [{"serial_base": "other"}, {"serial_end": 9}, {"vintage": "2024-06"}, {"reason": "other"}, {"registry_text": "1771330 - 1 to 10"}],
)
def test_an_issue_is_the_same_only_with_the_same_batch(market: Market, changed: dict[str, Any]) -> None:
    market.trader.done("/rec/issue", new(market), key="k")
    forget()
    before = everything()
    assert refused(market.trader.post("/rec/issue", new(market, **changed), key="k")) == KEY_REUSED
    assert everything() == before


def test_an_issue_is_the_same_with_the_base_in_the_same_words(market: Market) -> None:
    first = market.trader.done("/rec/issue", new(market, serial_base="PJM  2024"), key="k")
    forget()
    before = everything()
    assert market.trader.done("/rec/issue", new(market, serial_base="PJM  2024"), key="k")["id"] == first["id"]
    assert everything() == before


def test_an_issue_is_the_same_only_as_the_same_variance_and_of_the_same_export(market: Market) -> None:
    market.trader.done("/rec/issue", new(market), key="k")
    forget()
    main = market.east.main.pk
    gone = market.trader.done("/rec/export", {"account": main, "to_registry": "nar", "quantity": 1, "registry": "mrets"})["id"]
    for more in ({"variance_of": market.first.pk}, {"export": gone}):
        assert refused(market.trader.post("/rec/issue", new(market, **more), key="k")) == KEY_REUSED


def test_many_at_once_under_a_key_that_was_used(market: Market) -> None:
    move = {"kind": "transfer", "from_account": market.east.main.pk, "to_account": market.other.pk, "quantity": 1}
    market.trader.done("/rec/bulk", {"moves": [move]}, key="k")
    forget()
    assert refused(market.trader.post("/rec/bulk", {"moves": [move | {"quantity": 2}]}, key="k")) == KEY_REUSED


def test_a_key_is_its_users_own(market: Market) -> None:
    """Two people who choose the same key do two things."""
    move = {"from_account": market.east.main.pk, "to_account": market.other.pk, "quantity": 1}
    first, second = (program.done("/rec/transfer", move, key="k")["id"] for program in (market.trader, market.officer))
    assert first != second
