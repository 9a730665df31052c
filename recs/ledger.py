"""The only writer of the journal: each function is one command, one call of the database, once per key.

`key` is chosen by the caller before the first try and sent again with each repetition: the same key and command give the same
id and do nothing twice; the same key with another command is KeyReused. `by` is who acts, and must belong to the organisation.
Quantities are whole certificates (1 MWh each); amounts are US dollars as Decimal with at most two decimals.

All raise LedgerError of recs/errors.py, and then nothing has changed. Outside of a transaction a command is tried again when
it met others in a deadlock; inside the caller's transaction Busy is raised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from energyopti.organisations.models import User
from recs.calls import answer, call, context
from recs.errors import BadQuantity
from recs.exact import cents_of, whole
from recs.types import Criteria, Purpose, SerialRange


def issue(
    *,
    key: UUID,
    by: User,
    batch: int,
    account: int,
    first: int | None = None,
    last: int | None = None,
    kind: str = "issue",
    reason: str = "",
) -> int:
    """Certificates of a batch come into being: all of it, or the serials from `first` to `last`.

    `kind` is issue (to the generator's owner), receive (the registry had them before, elsewhere) or import (of an export).
    """
    return call("recs_issue", key, by.pk, kind, batch, account, _serial(first), _serial(last), context(reason))


def transfer(
    *,
    key: UUID,
    by: User,
    from_account: int,
    to_account: int,
    quantity: int | None = None,
    criteria: Criteria | None = None,
    ranges: Sequence[SerialRange] | None = None,
    price_usd: Decimal | None = None,
    reason: str = "",
) -> int:
    """To another account. Another organisation has to accept; `price_usd` is what it then owes for all of it."""
    wanted = Wanted(quantity, criteria, ranges)
    return _move(key, by, "transfer", from_account, to_account, wanted, cents=cents_of(price_usd), reason=reason)


def receive(
    *,
    key: UUID,
    by: User,
    from_account: int,
    to_account: int,
    ranges: Sequence[SerialRange],
    price_usd: Decimal | None = None,
    reason: str = "",
) -> int:
    """Back from outside: certificates that this book knows, from the world or an external counterparty."""
    wanted = Wanted(None, None, ranges)
    return _move(key, by, "receive", from_account, to_account, wanted, cents=cents_of(price_usd), reason=reason)


def retire(
    *,
    key: UUID,
    by: User,
    account: int,
    purpose: Purpose,
    quantity: int | None = None,
    criteria: Criteria | None = None,
    ranges: Sequence[SerialRange] | None = None,
    to_account: int | None = None,
    reason: str = "",
) -> int:
    """For good: what is retired never moves again. It stays in the account, or goes to a retirement account of the owner."""
    wanted = Wanted(quantity, criteria, ranges)
    return _move(key, by, "retire", account, to_account, wanted, purpose=purpose, reason=reason)


def reserve(
    *,
    key: UUID,
    by: User,
    account: int,
    quantity: int | None = None,
    criteria: Criteria | None = None,
    ranges: Sequence[SerialRange] | None = None,
    reason: str = "",
) -> int:
    """Held until `release`: nothing else can take them."""
    return _move(key, by, "reserve", account, None, Wanted(quantity, criteria, ranges), reason=reason)


def export(
    *,
    key: UUID,
    by: User,
    account: int,
    to_registry: str,
    quantity: int | None = None,
    criteria: Criteria | None = None,
    ranges: Sequence[SerialRange] | None = None,
    reason: str = "",
) -> int:
    """Into another registry: instructed, and gone once the registry confirms. An import there names this command."""
    wanted = Wanted(quantity, criteria, ranges)
    return _move(key, by, "export", account, None, wanted, to_registry=to_registry, reason=reason)


def reverse(*, key: UUID, by: User, command: int, reason: str = "") -> int:
    """A completed transfer, receipt or issue goes back, by its receiver, as long as the receiver has all of those serials."""
    return call("recs_reverse", key, by.pk, command, context(reason))


def approve(*, key: UUID, by: User, command: int, reason: str = "") -> int:
    """By a second person of the organisation that asked."""
    return _resolve(key, by, "approve", command, reason)


def accept(*, key: UUID, by: User, command: int, reason: str = "") -> int:
    """By the receiver of an offer."""
    return _resolve(key, by, "accept", command, reason)


def reject(*, key: UUID, by: User, command: int, reason: str = "") -> int:
    """By the second person, or by the receiver: the certificates go back."""
    return _resolve(key, by, "reject", command, reason)


def cancel(*, key: UUID, by: User, command: int, reason: str = "") -> int:
    """By whoever asked, before it is done or instructed."""
    return _resolve(key, by, "cancel", command, reason)


def release(*, key: UUID, by: User, command: int, reason: str = "") -> int:
    """What was reserved is free again."""
    return _resolve(key, by, "release", command, reason)


def confirm(*, key: UUID, by: User, command: int, reference: str, reference_date: date, reason: str = "") -> int:
    """The registry did what it was instructed to do: its confirmation number, and the day it did it."""
    return _resolve(key, by, "confirm", command, reason, reference=reference, reference_date=reference_date)


def refuse(*, key: UUID, by: User, command: int, reference: str = "", reason: str = "") -> int:
    """The registry did not do it: the certificates go back."""
    return _resolve(key, by, "refuse", command, reason, reference=reference)


def pay(
    *, key: UUID, by: User, creditor: int, amount_usd: Decimal, debtor: int | None = None, external: int | None = None, reason: str = ""
) -> int:
    """The creditor (an organisation) got money from an organisation, or from an external account's owner."""
    return call("recs_cash", key, by.pk, "pay", creditor, debtor, external, cents_of(amount_usd), context(reason))


def grant_credit(*, key: UUID, by: User, creditor: int, debtor: int, limit_usd: Decimal, reason: str = "") -> int:
    """How much an organisation may owe the creditor."""
    return call("recs_cash", key, by.pk, "credit", creditor, debtor, None, cents_of(limit_usd), context(reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One of several commands of `bulk`; the fields are those of the functions above."""

    key: UUID
    kind: str  # transfer, retire, reserve, export
    from_account: int
    to_account: int | None = None
    quantity: int | None = None
    criteria: Criteria | None = None
    ranges: Sequence[SerialRange] | None = None
    price_usd: Decimal | None = None
    purpose: Purpose | None = None
    to_registry: str | None = None
    reason: str = ""

    def told(self) -> dict[str, Any]:
        wanted = Wanted(self.quantity, self.criteria, self.ranges)
        return {
            "key": str(self.key),
            "kind": self.kind,
            "from": self.from_account,
            "to": self.to_account,
            "quantity": wanted.number(),
            "ranges": wanted.told_ranges(),
            "criteria": wanted.told_criteria(),
            "cents": cents_of(self.price_usd),
            "purpose": None if self.purpose is None else asdict(self.purpose),
            "to_registry": self.to_registry,
            "context": context(self.reason),
        }


def bulk(*, by: User, moves: Sequence[Move]) -> list[int]:
    """All or nothing, in one transaction; their ids in order."""
    done: list[int] = answer("recs_bulk", by.pk, [move.told() for move in moves])
    return done


def expire(*, most: int = 100) -> int:
    """End what nobody answered in time; how many."""
    return call("recs_expire", most)


# --- what is told to the database ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which certificates: a quantity with criteria, or serial ranges."""

    quantity: int | None
    criteria: Criteria | None
    ranges: Sequence[SerialRange] | None

    def number(self) -> int | None:
        if self.quantity is None and not self.ranges:
            raise BadQuantity("say how many certificates, or which serial numbers", field="quantity")
        return None if self.quantity is None else whole(self.quantity, field="quantity")

    def told_ranges(self) -> list[dict[str, int]] | None:
        if not self.ranges:
            return None
        if self.criteria is not None:
            raise BadQuantity("ranges name the certificates already: leave the criteria out", field="ranges")
        for one in self.ranges:
            whole(one.batch_id, field="ranges")
            if whole(one.serial_start, field="ranges", least=0) > whole(one.serial_end, field="ranges", least=0):
                raise BadQuantity(f"the range from {one.serial_start} to {one.serial_end} is empty", field="ranges")
        return [asdict(one) for one in sorted(self.ranges)]

    def told_criteria(self) -> dict[str, Any] | None:
        return None if self.criteria is None else self.criteria.told()


def _serial(number: int | None) -> int | None:
    return None if number is None else whole(number, field="ranges", least=0)


def _move(
    key: UUID,
    by: User,
    kind: str,
    source: int,
    target: int | None,
    wanted: Wanted,
    *,
    cents: int | None = None,
    purpose: Purpose | None = None,
    to_registry: str | None = None,
    reason: str,
) -> int:
    told_purpose = None if purpose is None else asdict(purpose)
    which = (wanted.number(), wanted.told_ranges(), wanted.told_criteria())
    return call("recs_move", key, by.pk, kind, source, target, *which, cents, told_purpose, to_registry, context(reason))


def _resolve(key: UUID, by: User, how: str, command: int, reason: str, *, reference: str = "", reference_date: date | None = None) -> int:
    return call("recs_resolve", key, by.pk, how, command, reference, reference_date, context(reason))
