"""Portfolios: how much lies in an account, by vintage, registry, fuel and state; and what one may do with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from energyopti.backoffice.site import Page, office
from energyopti.organisations.models import Organisation
from recs.admin import who
from recs.admin.base import SHELF
from recs.admin.forms import MonthField
from recs.admin.orders import MOVES, ORDERS, moves, ordered
from recs.models import Account, Registry
from recs.queries import STATUSES, PortfolioLine, accounts, portfolio
from recs.types import Criteria

MOST = 500  # lines of a page


class AskedForm(forms.Form):
    """The address says it all, so that a link shows the same."""

    organisation = forms.ModelChoiceField(Organisation.objects.none(), required=False, empty_label="all")
    account = forms.ModelChoiceField(Account.objects.none(), required=False, empty_label="all")
    registry = forms.ModelChoiceField(Registry.objects.filter(kept_in=None), required=False, empty_label="any")
    fuel_type = forms.CharField(max_length=20, required=False, label="Fuel", widget=forms.TextInput(attrs={"size": 8}))
    state = forms.CharField(max_length=2, required=False, widget=forms.TextInput(attrs={"size": 3}))
    vintage_from = MonthField(required=False, label="Vintage from")
    vintage_to = MonthField(required=False, label="to")

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.GET or {})
        seen = who.seen(request)
        self.fields["organisation"].queryset = Organisation.objects.filter(pk__in=seen)  # type: ignore[attr-defined]
        self.fields["account"].queryset = Account.objects.filter(organisation__in=seen).exclude(kind__in=Account.OUTSIDE)  # type: ignore[attr-defined]

    def criteria(self) -> Criteria:
        told = self.cleaned_data
        return Criteria(
            registry=told["registry"].pk if told.get("registry") else None,
            fuel_type=(told.get("fuel_type") or "").lower() or None,
            state=(told.get("state") or "").upper() or None,
            vintage_from=told.get("vintage_from"),
            vintage_to=told.get("vintage_to"),
        )


@dataclass(slots=True)
class Line:
    """One month, registry, fuel and state, with what there is in each status."""

    vintage: date
    registry: str
    fuel_type: str
    state: str
    sums: dict[str, int] = field(default_factory=dict)
    deeds: list[tuple[str, str]] = field(default_factory=list)

    @property
    def figures(self) -> list[int]:
        return [self.sums.get(status, 0) for status in STATUSES]

    @property
    def criteria(self) -> dict[str, str]:
        month = f"{self.vintage:%Y-%m}"
        return {"registry": self.registry, "fuel_type": self.fuel_type, "state": self.state, "vintage_from": month, "vintage_to": month}


def lines(found: Iterable[PortfolioLine]) -> list[Line]:
    told: dict[tuple[Any, ...], Line] = {}
    for one in found:
        key = (one.vintage, one.registry, one.fuel_type, one.state)
        told.setdefault(key, Line(*key)).sums[one.status] = one.quantity_mwh
    return list(told.values())


@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    if not who.looks(request):
        raise PermissionDenied
    form = AskedForm(request)
    form.is_valid()
    told: dict[str, Any] = form.cleaned_data
    whose = [told["organisation"].pk] if told.get("organisation") else who.seen(request)
    account = told.get("account")
    found = lines(portfolio(whose, criteria=form.criteria(), account=account.pk if account else None)) if not form.errors else []
    for line in found[:MOST]:
        if account and line.sums.get("active"):
            filled = {"account": account.pk} | line.criteria
            line.deeds = [(kind.capitalize(), _address(kind, filled)) for kind in moves(request, account)]
    context = {
        **admin.site.each_context(request),
        "title": f"Portfolio of {account}" if account else "Portfolios",
        "form": form,
        "statuses": STATUSES,
        "lines": found[:MOST],
        "all": len(found),
        "totals": [sum(line.sums.get(status, 0) for line in found) for status in STATUSES],
        "account": account,
        "accounts": [] if account or form.errors else accounts(whose, limit=MOST),
        "deeds": [(ORDERS[kind].title, _address(kind, {"account": account.pk} if account else {})) for kind in _offered(request, account)],
    }
    return TemplateResponse(request, "admin/recs/portfolio.html", context)


def _offered(request: HttpRequest, account: Account | None) -> list[str]:
    """Above the table: what can be done with the account shown, or with any."""
    if account:
        return moves(request, account)
    return [kind for kind in (*MOVES, "receive") if who.acting(request, ORDERS[kind].among)]


def _address(kind: str, filled: dict[str, Any]) -> str:
    return reverse(f"admin:recs_{kind}") + (f"?{urlencode(filled)}" if filled else "")


def _view(kind: str) -> Any:
    return lambda request: ordered(kind, request)


office().add_page(
    Page(
        title="Portfolios",
        shelf=SHELF,
        place=20,
        permission=who.looks,
        views=(
            ("recs/portfolio/", "recs_portfolio", listed),
            *((f"recs/{kind}/", f"recs_{kind}", _view(kind)) for kind in ORDERS),
        ),
    )
)
