"""What a command that waits for a registry means there, with the names and numbers that recs.instructions needs."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from django.utils import timezone

from recs import instructions, queries
from recs.models import Account, Registry
from recs.queries import CommandRow

CENTRAL = ZoneInfo("America/Chicago")  # ERCOT's and M-RETS's own days


def order_of(row: CommandRow, effective: date | None = None) -> instructions.Order:
    """`effective`: the day that ERCOT's text names; None: today."""
    registry = row.ranges[0].registry
    names = {one.code: one.name for one in Registry.objects.all()}
    accounts = {one.pk: one.registry_account for one in Account.objects.filter(pk__in=[row.from_account_id, row.to_account_id])}
    units = queries.units([piece.batch_id for piece in row.ranges])
    return instructions.Order(
        command=row.id,
        kind=row.kind,
        registry=registry,
        registry_name=names[registry],
        account=accounts.get(row.from_account_id or 0, ""),
        receiver=row.to_account if row.to_account else row.counterparty,
        receiver_account=accounts.get(row.to_account_id or 0, ""),
        to_registry=row.to_registry or "",
        to_registry_name=names.get(row.to_registry or "", ""),
        purpose=row.purpose,
        price_usd=row.price_usd,
        reason=row.reason,
        effective=effective or timezone.now().astimezone(CENTRAL).date(),
        lines=[
            instructions.Line(
                serials=piece.serials,
                quantity=piece.quantity_mwh,
                vintage=piece.vintage,
                generator=piece.generator,
                unit=units.get(piece.batch_id, ""),
            )
            for piece in row.ranges
        ],
    )
