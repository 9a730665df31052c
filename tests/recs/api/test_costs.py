"""How many statements each endpoint sends. In a transaction of its own three are for the scope, and two where a transaction begins
and ends; so many it takes for one row, and so many for a hundred."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from recs import ledger
from recs.types import SerialRange
from tests.markets.api.asking import queries_sent
from tests.recs.api.asking import as_owner
from tests.recs.api.conftest import Market
from tests.recs.api.test_moves import new
from tests.recs.world import key


def move(market: Market) -> dict[str, Any]:
    return {"from_account": market.east.main.pk, "to_account": market.other.pk, "quantity": 1}


def offered(market: Market) -> int:
    return int(market.trader.done("/rec/transfer", move(market) | {"to_account": market.west.main.pk})["id"])


def accept(market: Market) -> Any:
    path = f"/rec/transfers/{offered(market)}/accept"
    market.buyer.get("/me")  # the key's first use is remembered once a minute
    return lambda: market.buyer.post(path)


def command(market: Market) -> Any:
    path = f"/rec/commands/{offered(market)}"
    return lambda: market.trader.get(path)


ASKED: dict[str, tuple[int, Callable[[Market], Callable[[], Any]]]] = {
    "query": (7, lambda market: market.trader.query),
    "holdings": (8, lambda market: lambda: market.trader.get("/rec/holdings")),
    "commands": (8, lambda market: lambda: market.trader.get("/rec/commands")),
    "open commands": (8, lambda market: lambda: market.trader.get("/rec/commands", open="true")),
    "a command": (10, command),
    "a batch's history": (15, lambda market: lambda: market.trader.get(f"/rec/batches/{market.first.pk}/history")),
    "accounts": (8, lambda market: lambda: market.trader.get("/rec/accounts")),
    "generators": (8, lambda market: lambda: market.trader.get("/rec/generators")),
    "registries": (9, lambda market: lambda: market.trader.get("/rec/registries")),
    "transfer": (16, lambda market: lambda: market.trader.post("/rec/transfer", move(market))),
    "bulk": (16, lambda market: lambda: market.trader.post("/rec/bulk", {"moves": [{"kind": "transfer", **move(market)}] * 5})),
    "accept": (16, accept),
    "issue": (30, lambda market: lambda: market.trader.post("/rec/issue", new(market))),
    "an account": (17, lambda market: lambda: market.trader.post("/rec/accounts", {"name": "new"})),
}


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("what", ASKED)
def test_statements(market: Market, what: str, many: bool) -> None:
    most, prepare = ASKED[what]
    if many:
        with as_owner():
            for start in range(1, 200, 2):
                one = SerialRange(market.first.pk, start, start)
                ledger.reserve(key=key(), by=market.east.trader, account=market.east.main.pk, ranges=[one])
    ask = prepare(market)
    market.trader.get("/me")
    with queries_sent() as sent:
        answer = ask()
    assert answer.status_code in (200, 201), answer.content
    assert len(sent) == most, sent
