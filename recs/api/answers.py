"""Rows of the queries as the API tells them. No serializer stands between: a bulk command answers a thousand of them."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from recs.queries import AccountRow, CommandRow, GeneratorRow, HoldingRow, Piece, Step


def told_command(row: CommandRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "status": row.status,
        "ranges": [_piece(piece) for piece in row.ranges],
        "created_at": row.created_at,
        "changed_at": row.changed_at,
        "awaiting": list(row.awaiting),
        "self_approved": row.self_approved,
        "quantity": row.quantity,
        "owner_id": row.owner_id,
        "counterparty": row.counterparty or None,
        "from_account": row.from_account_id,
        "to_account": row.to_account_id,
        "price_usd": _amount(row.price_usd),
        "reason": row.reason,
        "reference": row.reference,
        "reference_date": row.reference_date,
        "expires_at": row.expires_at,
        "made_by": row.made_by,
        "incoming": row.incoming,
        "reverses": row.reverses,
        "reversed_by": row.reversed_by,
        "export": row.export,
        "to_registry": row.to_registry,
    }


def told_whole_command(row: CommandRow) -> dict[str, Any]:
    steps = [{name: getattr(step, name) for name in step.__slots__} | {"awaiting": list(step.awaiting)} for step in row.steps]
    purpose = row.purpose and {name: getattr(row.purpose, name) for name in row.purpose.__slots__}
    return told_command(row) | {"steps": steps, "purpose": purpose}


def _piece(piece: Piece) -> dict[str, Any]:
    return {name: getattr(piece, name) for name in piece.__slots__} | {"vintage": f"{piece.vintage:%Y-%m}"}


def _amount(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def command_row(row: CommandRow) -> SimpleNamespace:
    told = told_command(row) | {"stage": row.stage}
    return SimpleNamespace(**told)


def holding_row(row: HoldingRow) -> SimpleNamespace:
    told = {name: getattr(row, name) for name in row.__slots__} | {"vintage": f"{row.vintage:%Y-%m}"}
    return SimpleNamespace(**told)


def history_row(step: Step) -> SimpleNamespace:
    told = {name: getattr(step, name) for name in step.__slots__}
    told |= {
        "entry_id": step.entry_id or 0,
        "command_id": step.root_id,
        "from_account": step.from_account_id,
        "to_account": step.to_account_id,
    }
    return SimpleNamespace(**told)


def told_account(row: AccountRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__}


def told_generator(row: GeneratorRow) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in row.__slots__} | {"capacity_mw": float(row.capacity_mw)}
    units = [{"registry": unit.registry, "unit_id": unit.unit_id} for unit in row.registrations]
    eligible = [{name: getattr(one, name) for name in one.__slots__} for one in row.eligibilities]
    return told | {"registrations": units, "eligibilities": eligible}


def generator_row(row: GeneratorRow) -> SimpleNamespace:
    units = ", ".join(f"{unit.registry}:{unit.unit_id}" for unit in row.registrations)
    programmes = ", ".join(f"{one.programme} {one.first_day or ''}/{one.last_day or ''}" for one in row.eligibilities)
    return SimpleNamespace(**told_generator(row), units=units, programmes=programmes)
