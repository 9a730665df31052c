"""What waits for somebody: approvals by a second person, offers, registries' confirmations; and what one waits for oneself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from energyopti.backoffice.site import Page, office
from recs.admin import deeds, resolving, who
from recs.admin.base import SHELF
from recs.queries import CommandRow, open_commands

MINE = ("approve", "accept", "confirm")  # who may do one of these is waited for


@dataclass(frozen=True, slots=True)
class Waiting:
    row: CommandRow
    what: str
    stages: str
    deeds: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Section:
    slug: str
    title: str
    empty: str
    rows: list[Waiting]


def answers(request: HttpRequest, row: CommandRow) -> str:
    """Which section it belongs to: what this person can do about it, or nothing but wait."""
    offered = resolving.offered(request, row)
    return next((deed for deed in MINE if deed in offered), "")


def note(request: HttpRequest) -> str:
    """What one asked for oneself does not wait for oneself."""
    name = request.user.get_username()
    mine = [
        row for row in open_commands(who.acting(request)) if (deed := answers(request, row)) and (deed != "confirm" or row.made_by != name)
    ]
    return f"{len(mine)} {'waits' if len(mine) == 1 else 'wait'} for you" if mine else "nothing waits for you"


@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    if not who.looks(request):
        raise PermissionDenied
    told: dict[str, list[Waiting]] = {}
    for row in reversed(open_commands(who.seen(request))):  # the oldest first
        told.setdefault(answers(request, row), []).append(_waiting(request, row))
    sections = [
        Section("approve", "To approve", "Nobody's command waits for your approval.", told.get("approve", [])),
        Section("accept", "Offered to us", "Nobody offers certificates.", told.get("accept", [])),
        Section("confirm", "Instructed: what did the registry do?", "No registry was told to do anything.", told.get("confirm", [])),
        Section("others", "Waits for others, or until it is released", "Nothing waits for others.", told.get("", [])),
    ]
    context = {**admin.site.each_context(request), "title": "What waits", "sections": sections}
    return TemplateResponse(request, "admin/recs/waiting.html", context)


def _waiting(request: HttpRequest, row: CommandRow) -> Waiting:
    stages = ", then ".join(deeds.stage_words(row, stage) for stage in row.awaiting)
    return Waiting(row, deeds.what(row), stages, resolving.links(request, row))


office().add_page(
    Page(
        title="What waits",
        shelf=SHELF,
        place=10,
        permission=who.looks,
        note=note,
        views=(("recs/waiting/", "recs_waiting", listed),),
    )
)
