"""A command in words: what goes from where to where, and who the other side is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from energyopti.organisations.models import Organisation
from recs.pages.registries import NAMES
from recs.queries import CommandRow


@dataclass(frozen=True, slots=True)
class Deed:
    """`other`: the other side's name. `target` empty: it stays where it is."""

    row: CommandRow
    source: str
    target: str
    other: str


def deeds(rows: Iterable[CommandRow]) -> dict[int, Deed]:
    """By the command's number."""
    told = {row.id: row for row in rows}
    others = {row.counterparty_id for row in told.values() if row.counterparty_id}
    names = dict(Organisation.objects.filter(pk__in=others).values_list("pk", "name")) if others else {}
    return {number: _deed(row, names) for number, row in told.items()}


def _deed(row: CommandRow, names: Mapping[int, str]) -> Deed:
    other = names.get(row.counterparty_id, "") if row.counterparty_id else ""
    return Deed(row, *_way(row, other), other)


def _way(row: CommandRow, other: str) -> tuple[str, str]:
    """Accounts are named where the asker may see them, else their owner is. Who sees both sides is told whose they are."""
    match row.kind:
        case "pay":
            return other or "outside", row.owner
        case "credit":
            return row.owner, other
        case "issue" | "import":
            return "the registry", row.to_account
        case "export":
            return row.from_account, NAMES.get(row.to_registry or "", "")
    if row.from_account_id == row.to_account_id:
        return row.from_account or row.owner, ""
    if other and row.from_account and row.to_account:
        return f"{row.owner}: {row.from_account}", f"{other}: {row.to_account}"
    return row.from_account or row.owner, row.to_account or other or row.owner
