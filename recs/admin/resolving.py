"""What becomes of a command that waits: approved, accepted, confirmed, released, or not; and reversed when it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID, uuid5

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from energyopti.organisations.models import User
from recs import ledger
from recs.admin import who
from recs.admin.deeds import CommandForm, Order, give
from recs.admin.forms import DayInput
from recs.models.journal import Stage
from recs.queries import CommandRow, outcome


class ConfirmForm(CommandForm):
    reference = forms.CharField(max_length=100, label="The registry's confirmation number")
    reference_date = forms.DateField(label="Confirmed on", widget=DayInput, help_text="The day on which the registry did it.")


class RefuseForm(CommandForm):
    reference = forms.CharField(max_length=100, required=False, label="The registry's number, if it gave one")


TITLES = {
    "approve": "Approve",
    "accept": "Accept",
    "confirm": "Enter the registry's confirmation",
    "release": "Release",
    "reject": "Reject",
    "cancel": "Cancel",
    "refuse": "Enter the registry's refusal",
    "reverse": "Reverse",
}
FORMS: dict[str, type[CommandForm]] = {"confirm": ConfirmForm, "refuse": RefuseForm}
FUNCTIONS: dict[str, Callable[..., int]] = {
    "approve": ledger.approve,
    "accept": ledger.accept,
    "confirm": ledger.confirm,
    "release": ledger.release,
    "reject": ledger.reject,
    "cancel": ledger.cancel,
    "refuse": ledger.refuse,
}
STAGES = {
    Stage.APPROVAL: ("approve", "reject", "cancel"),
    Stage.ACCEPTANCE: ("cancel",),
    Stage.REGISTRY: ("confirm", "refuse"),
    Stage.RELEASE: ("release",),
}
REVERSIBLE = ("transfer", "issue", "receive")


def offered(request: HttpRequest, row: CommandRow) -> list[str]:
    """What this person may do with a command now, as far as it can be told from outside: the ledger has the last word."""
    may = who.acting(request, who.RETIRERS if row.kind == "retire" else who.WRITERS)
    if row.incoming and row.counterparty_id in who.acting(request):
        return ["accept", "reject"]
    if row.status == "completed" and row.kind in REVERSIBLE:
        receiver = row.counterparty_id or row.organisation_id
        return ["reverse"] if receiver in who.acting(request) else []
    if row.organisation_id not in may or not row.stage:
        return []
    maker = row.made_by == request.user.get_username()
    return [deed for deed in STAGES[Stage(row.stage)] if not (maker and deed == "approve")]


def links(request: HttpRequest, row: CommandRow) -> list[tuple[str, str]]:
    """Buttons: what they say, and where they lead."""
    return [(TITLES[deed], reverse(f"admin:recs_command_{deed}", args=[row.id])) for deed in offered(request, row)]


def resolve(request: HttpRequest, pk: int, deed: str) -> HttpResponse:
    """The page of one deed on one command."""
    row = outcome(pk)
    if row is None:
        raise Http404(f"command {pk}")
    page = reverse("admin:recs_command_change", args=[pk])
    order = Order(
        title=f"{TITLES[deed]}: {row.kind} {pk}",
        button=TITLES[deed],
        form=FORMS.get(deed, CommandForm),
        send=partial(send, deed, who.person(request), pk),
        back=page,
        initial={} if deed in FORMS else None,
    )
    return give(request, order, crumbs=(("Commands", reverse("admin:recs_command_changelist")), (f"Command {pk}", page)))


def send(deed: str, by: User, number: int, key: UUID, parameters: Mapping[str, Any], reason: str) -> int:
    """A reversal is a command of its own; the others belong to the one that they resolve."""
    if deed == "reverse":
        return ledger.reverse(key=key, by=by, command=number, reason=reason)
    FUNCTIONS[deed](key=key, by=by, command=number, reason=reason, **parameters)
    return number


def key_of(page: UUID, number: int) -> UUID:
    """Each of several commands of one page has a key of its own."""
    return uuid5(page, str(number))
