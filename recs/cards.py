"""The overview's card of certificates: what organisations have, what waits for somebody, and until where the journal is sealed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from energyopti.organisations.models import Organisation, User
from energyopti.organisations.queries import organisations_of
from energyopti.organisations.scope import seeing_organisations
from energyopti.pages.cards import Card
from recs import queries
from recs.pages.waiting import awaited_by
from recs.queries import CommandRow
from recs.queries.glance import Glance, glance, newest_seal

MOST = 12  # organisations in the card


@dataclass(frozen=True, slots=True)
class Line:
    """An organisation's figures. `to_answer`: commands that go on once it does something; `others`: once others do."""

    told: Glance
    to_answer: int
    others: int


def _context(user: User) -> dict[str, Any]:
    """What the user's organisations have; a superuser's are all."""
    year = timezone.now().replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    seen = Organisation.objects.all() if user.is_superuser and user.is_active else organisations_of(user)
    organisations = list(seen.values_list("pk", flat=True)[: MOST + 1])
    told, rows = _seen(organisations[:MOST], year) if organisations else ([], [])
    waits = [(awaited_by(row), row) for row in rows if row.stage != "release"]
    lines = [
        Line(
            one,
            sum(whose == one.organisation_id for whose, _ in waits),
            sum(whose != one.organisation_id and one.organisation_id in (row.organisation_id, row.counterparty_id) for whose, row in waits),
        )
        for one in told
    ]
    return {"lines": lines, "year": year.year, "seal": newest_seal(), "more": len(organisations) > MOST}


def _seen(organisations: list[int], year: datetime) -> tuple[list[Glance], list[CommandRow]]:
    with seeing_organisations(organisations):
        return glance(organisations, since=year), queries.open_commands(organisations)


CARDS = (Card(title="Certificates", template="recs/card.html", context=_context, order=7),)
