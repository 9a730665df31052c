"""Random commands. An intent is plain JSON with its key: it is written down before it is sent, and can be sent again."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from energyopti.organisations.models import User
from recs import ledger
from recs.errors import LedgerError, rules_told
from recs.models import Batch
from recs.types import Criteria, Purpose, SerialRange
from tests.recs.stress.stage import SERIALS, STEP, Stage

Intent = dict[str, Any]
PRICES = (None, "12.50", "0.01", "310")


def send(intent: Intent) -> list[int]:
    """Numbers of the commands it made, or made before."""
    by = User(pk=intent["by"])
    if intent["call"] == "bulk":
        moves = [ledger.Move(key=uuid.UUID(move["key"]), **_arguments(move["args"])) for move in intent["moves"]]
        return ledger.bulk(by=by, moves=moves)
    function: Callable[..., int] = getattr(ledger, intent["call"])
    return [function(key=uuid.UUID(intent["key"]), by=by, **_arguments(intent["args"]))]


def keys(intent: Intent) -> list[str]:
    return [move["key"] for move in intent["moves"]] if intent["call"] == "bulk" else [intent["key"]]


def _arguments(told: dict[str, Any]) -> dict[str, Any]:
    readers: dict[str, Callable[[Any], Any]] = {
        "ranges": lambda ranges: [SerialRange(*one) for one in ranges],
        "criteria": lambda criteria: Criteria(**criteria),
        "purpose": lambda purpose: Purpose(**purpose),
        "price_usd": Decimal,
        "amount_usd": Decimal,
        "limit_usd": Decimal,
        "reference_date": date.fromisoformat,
    }
    return {name: readers[name](value) if name in readers and value is not None else value for name, value in told.items()}


class Chooser:
    def __init__(self, stage: Stage, seed: object) -> None:
        self.stage, self.dice = stage, random.Random(str(seed))
        self.kinds: dict[Callable[[], Intent | None], int] = {
            self._transfer: 30,
            self._resolve: 28,
            self._reserve: 8,
            self._retire: 5,
            self._reverse: 6,
            self._export: 4,
            self._issue: 3,
            self._import: 2,
            self._receive: 4,
            self._pay: 3,
            self._credit: 1,
            self._bulk: 4,
        }

    def next(self) -> Intent:
        while True:
            (kind,) = self.dice.choices(list(self.kinds), weights=list(self.kinds.values()))
            if intent := kind():
                return intent

    def _intent(self, call: str, owner: str, role: str = "trader", **args: Any) -> Intent:
        return {"key": str(uuid.uuid4()), "call": call, "by": self.stage.people[owner][role], "args": args}

    def _account(self) -> tuple[int, str]:
        account = self.dice.choice(self.stage.accounts)
        return account, self.stage.owners[account]

    def _row(self, query: str, *parameters: object) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchone()

    def _which(self, account: int) -> dict[str, Any]:
        """By quantity alone, by criteria, or by serial numbers."""
        quantity = self.dice.randint(1, 60)
        how = self.dice.random()
        if how < 0.7:
            return {"quantity": quantity, "criteria": {"batch_id": self.dice.choice(list(self.stage.batches))} if how < 0.3 else None}
        if how < 0.85:
            return {"quantity": quantity, "criteria": {"fuel_type": self.dice.choice(("wind", "solar")), "registry": "mrets"}}
        held = self._row(
            "SELECT batch_id, lower(serials), upper(serials) FROM recs_holding WHERE account_id = %s AND bucket = 1 OFFSET %s LIMIT 1",
            account,
            self.dice.randint(0, 20),
        )
        if held is None:
            return {"quantity": quantity}
        first = self.dice.randrange(held[1], held[2])
        return {"ranges": [[held[0], first, min(first + quantity, held[2]) - 1]]}

    def _transfer(self) -> Intent | None:
        (source, owner), (target, other) = self._account(), self._account()
        if self.dice.random() < 0.1:
            target, other = self.stage.special[f"{owner} outside"], ""
        if source == target:
            return None
        price = self.dice.choice(PRICES) if owner != other else None
        return self._intent("transfer", owner, from_account=source, to_account=target, price_usd=price, **self._which(source))

    def _reserve(self) -> Intent:
        account, owner = self._account()
        return self._intent("reserve", owner, account=account, **self._which(account))

    def _retire(self) -> Intent:
        account, owner = self._account()
        purpose = {"beneficiary": "Bakery", "reason": "Green tariff"}
        if self.dice.random() < 0.5:
            purpose |= {"programme": "NJ Class I", "compliance_year": 2025}
        to = self.stage.special[f"{owner} graveyard"] if self.dice.random() < 0.3 else None
        return self._intent("retire", owner, "compliance_officer", account=account, to_account=to, purpose=purpose, **self._which(account))

    def _export(self) -> Intent:
        owner = self.dice.choice(["east", "west"])
        account = self.stage.special[f"{owner} mirror"]
        return self._intent("export", owner, account=account, to_registry="nar", quantity=self.dice.randint(1, 30))

    def _issue(self) -> Intent:
        batch, owner = self.dice.choice(list(self.stage.batches.items()))
        first = SERIALS // 2 + 1 + STEP * self.dice.randrange(SERIALS // 2 // STEP)
        account = self.dice.choice([account for account in self.stage.accounts if self.stage.owners[account] == owner])
        return self._intent("issue", owner, batch=batch, account=account, first=first, last=first + STEP - 1)

    def _import(self) -> Intent | None:
        """The batch is written down first, by itself: another command may be refused for what is left of the export."""
        found = self._row(
            "SELECT x.id, x.organisation_id, b.generator_id, b.vintage, x.quantity FROM recs_command x"
            " JOIN recs_command s ON s.root_id = x.id AND s.kind = 'confirm' JOIN recs_entry e ON e.command_id = s.id"
            " JOIN recs_batch b ON b.id = e.batch_id WHERE x.kind = 'export' ORDER BY random() LIMIT 1"
        )
        if found is None:
            return None
        export, organisation, generator, vintage, quantity = found
        owner = next(slug for slug, pk in self.stage.organisations.items() if pk == organisation)
        base, many = f"I-{uuid.uuid4().hex[:12]}", self.dice.randint(1, max(1, quantity // 2))
        batch = Batch(registry_id="nar", serial_base=base, serials=(1, many + 1), vintage=vintage, sandbox=False, export_id=export)
        batch.organisation_id, batch.generator_id = organisation, generator
        try:
            with rules_told(), transaction.atomic():
                batch.save()
        except LedgerError:
            return None
        account = self.dice.choice(
            [a for a in self.stage.accounts if self.stage.owners[a] == owner and a not in self.stage.special.values()]
        )
        return self._intent("issue", owner, batch=batch.pk, account=account, kind="import")

    def _receive(self) -> Intent | None:
        outside = self.stage.special[f"{(owner := self.dice.choice(list(self.stage.organisations)))} outside"]
        held = self._row(
            "SELECT batch_id, lower(serials), upper(serials) - 1 FROM recs_holding WHERE account_id = %s AND bucket = 1 LIMIT 1", outside
        )
        target = self.dice.choice([account for account in self.stage.accounts if self.stage.owners[account] == owner])
        price = self.dice.choice(PRICES)
        return held and self._intent("receive", owner, from_account=outside, to_account=target, ranges=[list(held)], price_usd=price)

    def _reverse(self) -> Intent | None:
        found = self._row(
            "SELECT c.id, o.slug FROM recs_command c JOIN recs_account a ON a.id = c.to_account_id"
            " JOIN organisations_organisation o ON o.id = a.organisation_id"
            " WHERE c.kind IN ('transfer', 'issue', 'receive') AND c.id > (SELECT max(id) FROM recs_command) - 200"
            " ORDER BY random() LIMIT 1"
        )
        return found and self._intent("reverse", found[1], command=found[0])

    def _resolve(self) -> Intent | None:
        found = self._row(
            "SELECT c.id, s.awaiting[1], o.slug, p.slug, c.made_by_id FROM recs_my_open_roots() r JOIN recs_command c ON c.id = r.root"
            " CROSS JOIN LATERAL (SELECT awaiting FROM recs_command x WHERE x.id = c.id OR x.root_id = c.id ORDER BY x.id DESC LIMIT 1) s"
            " JOIN organisations_organisation o ON o.id = c.organisation_id"
            " LEFT JOIN organisations_organisation p ON p.id = c.counterparty_id ORDER BY random() LIMIT 1"
        )
        if found is None:
            return None
        root, stage, owner, other, asker = found
        second = next((role for role, pk in self.stage.people[owner].items() if role != "viewer" and pk != asker), "administrator")
        choices = {
            "approval": [("approve", owner, "administrator"), ("reject", owner, second), ("cancel", owner, "administrator")],
            "acceptance": [("accept", other, "trader"), ("reject", other, "trader"), ("cancel", owner, "administrator")],
            "registry": [("confirm", owner, "administrator"), ("refuse", owner, "administrator")],
            "release": [("release", owner, "administrator")],
        }.get(stage)
        if not choices:
            return None
        call, who, role = choices[0] if self.dice.random() < 0.7 else self.dice.choice(choices)
        more = {"reference": f"N-{root}", "reference_date": "2024-06-01"} if call == "confirm" else {}
        return self._intent(call, who, role, command=root, **more)

    def _pay(self) -> Intent:
        creditor, debtor = self.dice.sample(list(self.stage.organisations), 2)
        args: dict[str, Any] = {"creditor": self.stage.organisations[creditor], "amount_usd": self.dice.choice(("1", "99.99"))}
        if self.dice.random() < 0.5:
            return self._intent("pay", creditor, debtor=self.stage.organisations[debtor], **args)
        return self._intent("pay", creditor, external=self.stage.special[f"{creditor} outside"], **args)

    def _credit(self) -> Intent:
        creditor, debtor = self.dice.sample(list(self.stage.organisations), 2)
        limit = str(self.dice.randint(1_000_000, 2_000_000))
        pair = {"creditor": self.stage.organisations[creditor], "debtor": self.stage.organisations[debtor]}
        return self._intent("grant_credit", creditor, limit_usd=limit, **pair)

    def _bulk(self) -> Intent:
        _, owner = self._account()
        own = [account for account in self.stage.accounts if self.stage.owners[account] == owner]
        moves = []
        for _ in range(self.dice.randint(2, 6)):
            source, target = self.dice.sample(own, 2)
            quantity = self.dice.randint(1, 10)
            args = {"kind": "transfer", "from_account": source, "to_account": target, "quantity": quantity}
            moves.append({"key": str(uuid.uuid4()), "args": args})
        return {"key": moves[0]["key"], "call": "bulk", "by": self.stage.people[owner]["trader"], "moves": moves}
