"""What people and programs send: each a call with what is usual filled in."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from recs import ledger
from recs.errors import rules_told
from recs.models import Batch
from recs.types import Purpose, SerialRange
from tests.recs.attacks.stage import Stage, sql
from tests.recs.world import batch, key


def send(w: Stage, **more: Any) -> int:
    asked = {"key": key(), "by": w.east.trader, "from_account": w.main.pk, "to_account": w.other.pk} | more
    return ledger.transfer(**(asked if {"quantity", "ranges"} & set(more) else asked | {"quantity": 1}))


def serials(w: Stage, *pairs: tuple[int, int]) -> list[SerialRange]:
    return [SerialRange(w.b.pk, first, last) for first, last in pairs]


def moves(w: Stage, **more: Any) -> int:
    """recs_move by hand: what no typed caller sends."""
    row: dict[str, Any] = {
        "key": uuid.uuid4(),
        "actor": w.east.officer.pk,
        "kind": "transfer",
        "from": w.main.pk,
        "to": w.other.pk,
        "wanted": None,
        "ranges": None,
        "criteria": None,
        "cents": None,
        "purpose": None,
        "to_registry": None,
        "context": "{}",
        **more,
    }
    encoded = [json.dumps(value) if isinstance(value, dict | list) else value for value in row.values()]
    return int(sql("SELECT recs_move(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", *encoded))


def issue(w: Stage, first: int = 1500, last: int = 1600, **more: Any) -> int:
    return ledger.issue(**{"key": key(), "by": w.east.trader, "batch": w.b.pk, "account": w.main.pk, "first": first, "last": last} | more)


def exporting(w: Stage, **more: Any) -> int:
    told_more = {"account": w.main.pk, "to_registry": "nar", "ranges": serials(w, (500, 510))} | more
    return ledger.export(key=key(), by=w.east.trader, **told_more)


def retire(w: Stage, by: Any = None, **purpose: Any) -> int:
    about = Purpose(**{"beneficiary": "Somebody", "reason": "Because"} | purpose)
    return ledger.retire(key=key(), by=by or w.east.officer, account=w.main.pk, quantity=1, purpose=about)


def sold(w: Stage, price: Any) -> int:
    return send(w, to_account=w.west.main.pk, price_usd=price)


def step(w: Stage, how: Callable[..., int], command: str | int, by: Any = None) -> int:
    return how(key=key(), by=by or w.east.trader, command=w.done[command] if isinstance(command, str) else command)


def confirmed(w: Stage, number: str) -> int:
    return ledger.confirm(key=key(), by=w.east.trader, command=exporting(w), reference=number, reference_date=date(2024, 5, 1))


def resolve(w: Stage, actor: int | None, how: str) -> int:
    """recs_resolve by hand."""
    return int(sql("SELECT recs_resolve(%s, %s, %s, %s, NULL, NULL, '{}')", uuid.uuid4(), actor, how, w.done["offered"]))


def pay(w: Stage, **more: Any) -> int:
    return ledger.pay(**{"key": key(), "by": w.east.trader, "creditor": w.east.organisation.pk, "amount_usd": Decimal(1)} | more)


def one_of(w: Stage, quantity: int, **more: Any) -> ledger.Move:
    told_more = {"kind": "transfer", "from_account": w.main.pk, "to_account": w.other.pk} | more
    return ledger.Move(key=key(), quantity=quantity, **told_more)


def bulk(w: Stage, *moves: ledger.Move, by: Any = None) -> list[int]:
    return ledger.bulk(by=by or w.east.trader, moves=moves)


def place(w: Stage, name: str) -> int:
    return int(w.east.accounts[name].pk)


def theirs(w: Stage) -> int:
    """A counterparty in the address book of `west`."""
    return int(w.west.account("theirs", kind="external").pk)


def accepting() -> int:
    return int(sql("SELECT max(id) FROM recs_command WHERE kind = 'accept'"))


def person(w: Stage, role: str) -> Any:
    return w.east.people[role]


def used(w: Stage) -> uuid.UUID:
    return uuid.UUID(str(sql("SELECT key FROM recs_command WHERE id = %s", w.done["away"])))


def world(registry: str, *, sandbox: bool) -> int:
    return int(sql("SELECT id FROM recs_account WHERE kind = 'world' AND registry_id = %s AND sandbox = %s", registry, sandbox))


def record(w: Stage, **more: Any) -> Batch:
    with rules_told():
        return batch(w.east, of=w.b.generator, **{"base": "new", "vintage": date(2022, 1, 1)} | more)


def credit(w: Stage, **more: Any) -> int:
    told_more = {"creditor": w.east.organisation.pk, "debtor": w.west.organisation.pk, "limit_usd": Decimal(5)} | more
    return ledger.grant_credit(key=key(), by=w.east.trader, **told_more)


def received(w: Stage, source: int, first: int = 500, last: int = 501, **more: Any) -> int:
    asked = {"from_account": source, "to_account": w.main.pk, "ranges": serials(w, (first, last))} | more
    return ledger.receive(key=key(), by=w.east.trader, **asked)


def shut(account: Any) -> int:
    sql("UPDATE recs_account SET closed_at = now() + interval '1 day' WHERE id = %s", account.pk)
    return int(account.pk)


def left(w: Stage) -> Any:
    gone = w.east.administrator
    gone.is_active = False
    gone.save()
    return gone


def reserved(w: Stage) -> int:
    return ledger.reserve(key=key(), by=w.east.trader, account=w.main.pk, quantity=5)
