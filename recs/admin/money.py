"""Money between counterparties: a payment that came in, and how far somebody may owe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest

from energyopti.organisations.models import Organisation, User
from recs import ledger
from recs.admin import who
from recs.admin.deeds import CommandForm
from recs.errors import Unknown
from recs.models import Account


class MoneyForm(CommandForm):
    """`organisation`: whose books these are. The other side is named by the short name that it tells its counterparties."""

    organisation = forms.TypedChoiceField(coerce=int, label="In the books of")
    counterparty = forms.SlugField(max_length=60, label="Counterparty", help_text="Its short name here.")

    def __init__(self, *args: Any, request: HttpRequest, **options: Any) -> None:
        super().__init__(*args, **options)
        mine = Organisation.objects.filter(pk__in=who.acting(request)).values_list("pk", "name")
        self.fields["organisation"].choices = list(mine)  # type: ignore[attr-defined]


class CreditForm(MoneyForm):
    limit_usd = forms.DecimalField(min_value=0, max_digits=15, decimal_places=2, label="May owe, USD", help_text="In all, at any time.")


class PaymentForm(MoneyForm):
    counterparty = forms.SlugField(max_length=60, required=False, label="From counterparty", help_text="Its short name here.")
    external = forms.TypedChoiceField(coerce=int, empty_value=None, required=False, label="Or from outside")
    amount_usd = forms.DecimalField(min_value=0, max_digits=15, decimal_places=2, label="Amount, USD")

    def __init__(self, *args: Any, request: HttpRequest, **options: Any) -> None:
        super().__init__(*args, request=request, **options)
        outside = Account.objects.filter(organisation__in=who.acting(request), kind=Account.Kind.EXTERNAL).values_list("pk", "name")
        self.fields["external"].choices = [("", "nobody"), *outside]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if bool(cleaned.get("counterparty")) == bool(cleaned.get("external")) and "counterparty" not in self.errors:
            self.add_error("counterparty", "Say who paid: a counterparty, or one of your accounts outside.")
        return cleaned


def grant(by: User, key: UUID, told: Mapping[str, Any], reason: str) -> int:
    debtor = _named(told["counterparty"])
    return ledger.grant_credit(key=key, by=by, creditor=told["organisation"], debtor=debtor, limit_usd=told["limit_usd"], reason=reason)


def pay(by: User, key: UUID, told: Mapping[str, Any], reason: str) -> int:
    who_paid = {"debtor": _named(told["counterparty"])} if told["counterparty"] else {"external": told["external"]}
    return ledger.pay(key=key, by=by, creditor=told["organisation"], amount_usd=told["amount_usd"], reason=reason, **who_paid)


def _named(slug: str) -> int:
    found = Organisation.objects.filter(slug=slug).values_list("pk", flat=True).first()
    if found is None:
        raise Unknown("there is no organisation of this name", field="counterparty")
    return found
