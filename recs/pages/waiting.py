"""What waits for somebody, whose turn it is, and how they take it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse

from energyopti.organisations.models import User
from recs.pages.belonging import Belonging
from recs.pages.deeds import Deed
from recs.queries import CommandRow

# What ends each stage, as the API calls it
ANSWERS = {
    "approval": ("approve", "reject"),
    "acceptance": ("accept", "reject"),
    "registry": ("confirm", "refuse"),
    "release": ("release",),
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """`turn`: who is waited for. `calls`: the API's addresses that answer it, for the person who looks; none: not theirs to answer.

    `yours`: nothing goes on before somebody of the organisation shown does something. `why_not`: why it is not the person's.
    """

    deed: Deed
    turn: str
    yours: bool
    calls: tuple[str, ...]
    why_not: str


def awaited_by(row: CommandRow) -> int | None:
    """The organisation that has to do something next."""
    return row.counterparty_id if row.stage == "acceptance" else row.organisation_id


def waiting(deeds: Iterable[Deed], *, here: Belonging, user: User) -> list[Waiting]:
    """What the organisation shown has to answer comes first, then the oldest."""
    found = [_waiting(deed, here, user) for deed in deeds]
    return sorted(found, key=lambda one: (not one.yours, one.deed.row.stage == "release", one.deed.row.id))


def _waiting(deed: Deed, here: Belonging, user: User) -> Waiting:
    row = deed.row
    ours = row.organisation_id == here.chosen.pk
    reserved = row.stage == "release"
    answers = awaited_by(row) == here.chosen.pk
    why_not = _why_not(row, here, user) if answers else ""
    calls = ANSWERS[row.stage] if answers else ("cancel",) if ours else ()
    may = () if why_not or not here.acts else tuple(reverse(f"api-rec-{call}", args=[row.id]) for call in calls)
    return Waiting(deed, _turn(deed), answers and not reserved, may, why_not)


def _turn(deed: Deed) -> str:
    return {
        "approval": f"a second person of {deed.row.owner}",
        "acceptance": deed.other,
        "registry": "the registry's confirmation",
        "release": "its release: reserved",
    }[deed.row.stage]


def _why_not(row: CommandRow, here: Belonging, user: User) -> str:
    if here.role is None:
        return "for members of the organisation"
    if not here.acts or (row.kind == "retire" and not here.retires):
        return f"not for a {here.role.label.lower()}"
    if row.stage == "approval" and row.made_by == user.get_username():
        return "you asked for it: a second person answers"
    return ""
