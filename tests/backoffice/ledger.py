"""Two firms of the ledger whose people may enter the back office, and what tests do there."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from energyopti.organisations.models import User
from tests.backoffice.people import office
from tests.recs.world import Firm, firm

PURPOSE = {"beneficiary": "Prairie Wind LLC", "programme": "", "programme_state": "", "compliance_year": "", "tier": ""}


def staffed(slug: str, *, four_eyes: tuple[str, ...] = (), sandbox: bool = False) -> Firm:
    made = firm(slug, four_eyes=four_eyes, sandbox=sandbox)
    User.objects.filter(pk__in=[user.pk for user in made.people.values()]).update(is_staff=True)
    return made


def client(firm: Firm, role: str = "trader") -> Client:
    return office(User.objects.get(pk=firm.people[role].pk))


def page(name: str, *args: Any) -> str:
    return reverse(f"admin:recs_{name}", args=args)


def given(client: Client, url: str, reason: str = "a good reason", **fields: Any) -> Any:
    """Look at what would happen, then confirm exactly that, with the page's own key."""
    shown = client.post(url, {**fields, "_show": "1"})
    form = shown.context["form"]
    assert not form.errors, form.errors
    return client.post(url, confirming(shown, reason, **fields))


def confirming(shown: Any, reason: str = "a good reason", **fields: Any) -> dict[str, Any]:
    """What the button of the page sends."""
    key = dict(shown.context["deed"].hidden)["_key"]
    return {**fields, "_confirm": "1", "_shown": shown.context["shown"], "_key": key, "reason": reason}


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())
