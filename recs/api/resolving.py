"""What waits: a stage of a command is passed, or ends it."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from recs import ledger
from recs.api import bodies
from recs.api.base import Commanding
from recs.api.moves import told


class Resolving(Commanding):
    """A stage of a command that waits is passed, or ends it. Answers the command itself, as it stands now."""

    body = bodies.ReasonBody
    status = 200
    instead = "id"
    how: ClassVar[Any]  # of recs.ledger

    def act(self, given: dict[str, Any], key: UUID, address: dict[str, int]) -> int:
        type(self).how(key=key, by=self.user, command=address["id"], **given)
        return address["id"]


_resolving = told({"reason": "checked against contract 2026-117"}, status=200, answer={"status": "completed", "awaiting": []})


@_resolving
class Accept(Resolving):
    """An offer of another organisation is accepted, by somebody of the organisation it was made to."""

    how = ledger.accept


@told({"reason": "not what was agreed"}, status=200, answer={"status": "rejected", "awaiting": []})
class Reject(Resolving):
    """An offer, or a request for a second person's approval, is declined: the certificates go back."""

    how = ledger.reject


@told({"reason": "made twice"}, status=200, answer={"status": "cancelled", "awaiting": []})
class Cancel(Resolving):
    """Whoever asked takes it back, as long as it is neither done nor instructed."""

    how = ledger.cancel


@_resolving
class Approve(Resolving):
    """A second person of the same organisation approves."""

    how = ledger.approve


@told(
    {"reference": "TR-2026-88123", "reference_date": "2026-11-24"},
    status=200,
    answer={"status": "completed", "awaiting": [], "reference": "TR-2026-88123", "reference_date": "2026-11-24"},
)
class Confirm(Resolving):
    """The registry did what it was instructed to do: its confirmation number, and the day it did it."""

    body = bodies.ConfirmBody
    how = ledger.confirm


@told({"reference": "", "reason": "the buyer's account is closed"}, status=200, answer={"status": "rejected", "awaiting": []})
class Refuse(Resolving):
    """The registry did not do it: the certificates go back."""

    body = bodies.RefuseBody
    how = ledger.refuse


@told(
    {"reason": "the auction is over"}, status=200, answer={"kind": "reserve", "status": "completed", "awaiting": [], "counterparty": None}
)
class Release(Resolving):
    """What was reserved is free again."""

    how = ledger.release
