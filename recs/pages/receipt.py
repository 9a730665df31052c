"""One command as a receipt: what was asked, by whom, through which stages, and which certificates."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.http import Http404

from energyopti.organisations.models import Organisation
from recs import queries
from recs.instructing import order_of
from recs.instructions import Instruction, instruction
from recs.models import Command
from recs.pages.deeds import deeds
from recs.queries import CommandRow

MOST_RANGES = 500  # in the page; the API tells them all


def context(number: int) -> dict[str, Any]:
    """Raises Http404 for a command that the person's organisations took no part in."""
    row = queries.command(number)
    if row is None:
        raise Http404(f"command {number}")
    return {
        "row": row,
        "deed": deeds([row])[row.id],
        "each": _each(row),
        "sandbox": Organisation.objects.get(pk=row.organisation_id).sandbox,
        "fingerprint": bytes(Command.objects.values_list("hash", flat=True).get(pk=number)).hex(),
        "instruction": _instruction(row),
        "ranges": row.ranges[:MOST_RANGES],
        "more_ranges": max(0, len(row.ranges) - MOST_RANGES),
    }


def _instruction(row: CommandRow) -> Instruction | None:
    """What somebody of the organisation does at the registry now."""
    return instruction(order_of(row)) if row.mine and row.stage == "registry" else None


def _each(row: CommandRow) -> Decimal | None:
    """The price of one certificate, where it comes out in whole cents."""
    if row.price_usd is None or not row.quantity or int(row.price_usd * 100) % row.quantity:
        return None
    return row.price_usd / row.quantity
