"""Small forms that give commands: issue, transfer, retire, reserve, export, receive. A link fills in what is known already."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from energyopti.organisations.models import User
from recs import ledger
from recs.admin import money, who
from recs.admin.deeds import CommandForm, Order, give
from recs.admin.forms import MonthField
from recs.errors import RangesNeeded
from recs.exact import LARGEST_SERIAL
from recs.models import Account, Batch, Registry
from recs.types import Criteria, Purpose, SerialRange

RANGE = re.compile(r"\s*(\d{1,18})\s*:\s*(\d{1,18})(?:\s*[-–]\s*(\d{1,18}))?\s*")
OUTSIDE = Q(kind__in=Account.OUTSIDE)
MOVES = ("transfer", "retire", "reserve", "export")
PLACES = {"recs_portfolio": "Portfolios", "recs_cashaccount_changelist": "Cash accounts"}
# What an address may fill in
NAMED = (
    *("account", "to_account", "quantity", "registry", "fuel_type", "state", "vintage_from", "vintage_to", "eligibility"),
    *("batch", "ranges", "kind", "to_registry", "organisation", "counterparty", "external"),
)


class AccountField(forms.TypedChoiceField):
    """Open accounts that the person may use, told apart by their organisation where there are several."""

    def __init__(self, *, label: str, required: bool = True, **options: Any) -> None:
        super().__init__(coerce=int, empty_value=None, required=required, label=label, **options)

    def offer(self, accounts: Any, *, empty: str = "") -> None:
        rows = list(accounts.select_related("organisation").order_by("organisation__name", "name"))
        several = len({row.organisation_id for row in rows} - {None}) > 1
        named = [(row.pk, f"{row.name} ({row.organisation})" if several and row.organisation else row.name) for row in rows]
        self.choices = [*([("", empty)] if empty or not self.required else []), *named]


class RangesField(forms.CharField):
    """Lines as `12: 1-100`: the number of the batch, and serials of it, both included."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=100_000, widget=forms.Textarea(attrs={"rows": 3, "cols": 40}), label="Or serial numbers", **options)

    def clean(self, value: Any) -> list[SerialRange] | None:
        lines = [line for line in (super().clean(value) or "").replace(",", "\n").replace(";", "\n").splitlines() if line.strip()]
        return [_range(line) for line in lines] or None


def _range(line: str) -> SerialRange:
    found = RANGE.fullmatch(line)
    if not found:
        raise forms.ValidationError(
            "%(line)s: write a range as 12: 1-100, the number of the batch before the colon.", params={"line": line}
        )
    batch, first, last = (int(part) if part else None for part in found.groups())
    return SerialRange(batch or 0, first or 0, first or 0 if last is None else last)


class MoveForm(CommandForm):
    """From an account of the person's: so many that suit, or these serial numbers."""

    among = who.WRITERS
    account = AccountField(label="From account")
    quantity = forms.IntegerField(min_value=1, max_value=LARGEST_SERIAL, required=False, label="How many, MWh")
    registry = forms.ModelChoiceField(Registry.objects.filter(kept_in=None), required=False, empty_label="any registry")
    fuel_type = forms.CharField(max_length=20, required=False, label="Fuel")
    state = forms.CharField(max_length=2, required=False, label="State", widget=forms.TextInput(attrs={"size": 3}))
    vintage_from = MonthField(required=False, label="Vintage from")
    vintage_to = MonthField(required=False, label="Vintage to")
    eligibility = forms.CharField(max_length=60, required=False, label="Eligible for", help_text="A programme, as generators have it.")
    batch = forms.IntegerField(min_value=1, max_value=LARGEST_SERIAL, required=False, label="Of batch", help_text="Its number.")
    ranges = RangesField(required=False, help_text="Instead of the above, one a line: 12: 1-100 means serials 1 to 100 of batch 12.")

    def __init__(self, *args: Any, request: HttpRequest, **options: Any) -> None:
        super().__init__(*args, **options)
        self.mine = Account.objects.filter(organisation__in=who.acting(request, self.among), closed_at=None)
        self.fields["account"].offer(self.mine.exclude(kind__in=[*Account.OUTSIDE, Account.Kind.RETIREMENT]))  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("quantity") and not cleaned.get("ranges") and not {"quantity", "ranges"} & self.errors.keys():
            self.add_error("quantity", "Say how many certificates, or which serial numbers.")
        elif cleaned.get("ranges") and criteria_of(cleaned):
            self.add_error("ranges", "Serial numbers say it all: leave registry, fuel, state, vintages, programme and batch empty.")
        return cleaned


class TransferForm(MoveForm):
    to_account = AccountField(label="To account", required=False, help_text="Of yours, or outside.")
    to_number = forms.IntegerField(
        min_value=1,
        required=False,
        label="Or its number",
        help_text="Of another organisation's account, which they tell you: they have to accept.",
    )
    price_usd = forms.DecimalField(
        min_value=0,
        max_digits=15,
        decimal_places=2,
        required=False,
        label="Price, USD",
        help_text="For all of it: what the receiver then owes.",
    )
    field_order = ("account", "to_account", "to_number", "price_usd")

    def __init__(self, *args: Any, request: HttpRequest, **options: Any) -> None:
        super().__init__(*args, request=request, **options)
        targets = self.mine.exclude(kind=Account.Kind.RETIREMENT) | worlds(self.mine)
        self.fields["to_account"].offer(targets, empty="another organisation's, by its number")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if bool(cleaned.get("to_account")) == bool(cleaned.get("to_number")) and "to_account" not in self.errors:
            self.add_error("to_account", "Choose an account, or enter the number of another organisation's.")
        return cleaned


class RetireForm(MoveForm):
    among = who.RETIRERS
    to_account = AccountField(label="Retirement account", required=False)
    beneficiary = forms.CharField(max_length=200, label="On behalf of")
    programme = forms.CharField(max_length=60, required=False, label="For programme", help_text="Empty: voluntary.")
    programme_state = forms.CharField(
        max_length=2, required=False, label="State of the programme", widget=forms.TextInput(attrs={"size": 3})
    )
    compliance_year = forms.IntegerField(min_value=1990, max_value=2200, required=False)
    tier = forms.CharField(max_length=40, required=False)
    field_order = ("account", "to_account")

    def __init__(self, *args: Any, request: HttpRequest, **options: Any) -> None:
        super().__init__(*args, request=request, **options)
        self.fields["to_account"].offer(self.mine.filter(kind=Account.Kind.RETIREMENT), empty="they stay where they are")  # type: ignore[attr-defined]


class ExportForm(MoveForm):
    to_registry = forms.ModelChoiceField(Registry.objects.filter(kept_in=None), label="To registry")
    field_order = ("account", "to_registry")


class ReceiveForm(CommandForm):
    """Back from outside: certificates that this book knows, by their serial numbers."""

    account = AccountField(label="From outside")
    to_account = AccountField(label="To account")
    ranges = RangesField(help_text="One a line: 12: 1-100 means serials 1 to 100 of batch 12.")
    price_usd = forms.DecimalField(min_value=0, max_digits=15, decimal_places=2, required=False, label="Price, USD")

    def __init__(self, *args: Any, request: HttpRequest, **options: Any) -> None:
        super().__init__(*args, **options)
        mine = Account.objects.filter(organisation__in=who.acting(request), closed_at=None)
        self.fields["account"].offer(mine.filter(OUTSIDE) | worlds(mine))  # type: ignore[attr-defined]
        self.fields["to_account"].offer(mine.exclude(kind__in=[*Account.OUTSIDE, Account.Kind.RETIREMENT]))  # type: ignore[attr-defined]


class IssueForm(CommandForm):
    """All of a batch, or a part of it."""

    KINDS = (("issue", "issue: to the generator's owner"), ("receive", "receive: the registry had issued them before"))
    batch = forms.TypedChoiceField(coerce=int, label="Batch")
    kind = forms.ChoiceField(choices=KINDS, label="How")
    account = AccountField(label="Into account")
    first = forms.IntegerField(
        min_value=0, max_value=LARGEST_SERIAL, required=False, label="From serial", help_text="Empty: all of the batch."
    )
    last = forms.IntegerField(min_value=0, max_value=LARGEST_SERIAL, required=False, label="To serial")

    def __init__(self, *args: Any, request: HttpRequest, **options: Any) -> None:
        super().__init__(*args, **options)
        mine = who.acting(request)
        accounts = Account.objects.filter(organisation__in=mine, closed_at=None)
        self.fields["account"].offer(accounts.exclude(kind__in=[*Account.OUTSIDE, Account.Kind.RETIREMENT]))  # type: ignore[attr-defined]
        chosen = str(self.data.get("batch") or self.initial.get("batch"))
        batches = Batch.objects.filter(organisation__in=mine, voided_at=None, pk=int(chosen) if chosen.isdecimal() else 0)
        self.fields["batch"].choices = [(batch.pk, str(batch)) for batch in batches]  # type: ignore[attr-defined]
        if any(batch.export_id for batch in batches):
            self.fields["kind"].choices = [("import", "import: they were exported from another registry")]  # type: ignore[attr-defined]


def worlds(mine: Any) -> Any:
    """The world outside, of the same world as the accounts: sandbox or real."""
    return Account.objects.filter(kind=Account.Kind.WORLD, sandbox__in=mine.values("sandbox"))


def criteria_of(told: Mapping[str, Any]) -> Criteria | None:
    named = {
        "registry": told["registry"].pk if told.get("registry") else None,
        "fuel_type": told.get("fuel_type", "").strip().lower() or None,
        "state": told.get("state", "").strip().upper() or None,
        "vintage_from": told.get("vintage_from"),
        "vintage_to": told.get("vintage_to"),
        "eligibility": told.get("eligibility") or None,
        "batch_id": told.get("batch"),
    }
    return Criteria(**named) if any(named.values()) else None


def wanted(told: Mapping[str, Any]) -> dict[str, Any]:
    return {"quantity": told["quantity"], "criteria": criteria_of(told), "ranges": told["ranges"]}


# --- what each form sends ----------------------------------------------------------------------------------


def _issue(by: User, key: UUID, told: Mapping[str, Any], reason: str) -> int:
    where = {"batch": told["batch"], "account": told["account"], "first": told["first"], "last": told["last"]}
    return ledger.issue(key=key, by=by, kind=told["kind"], reason=reason, **where)


def _transfer(by: User, key: UUID, told: Mapping[str, Any], reason: str) -> int:
    target = told["to_account"] or told["to_number"]
    price = told["price_usd"]
    return ledger.transfer(key=key, by=by, from_account=told["account"], to_account=target, price_usd=price, reason=reason, **wanted(told))


def _retire(by: User, key: UUID, told: Mapping[str, Any], reason: str) -> int:
    purpose = Purpose(
        beneficiary=told["beneficiary"],
        reason=reason,
        programme=told["programme"],
        state=told["programme_state"].upper(),
        compliance_year=told["compliance_year"],
        tier=told["tier"],
    )
    more = {"to_account": told["to_account"], "purpose": purpose, "reason": reason}
    return ledger.retire(key=key, by=by, account=told["account"], **more, **wanted(told))


def _reserve(by: User, key: UUID, told: Mapping[str, Any], reason: str) -> int:
    return ledger.reserve(key=key, by=by, account=told["account"], reason=reason, **wanted(told))


def _export(by: User, key: UUID, told: Mapping[str, Any], reason: str) -> int:
    registry = told["to_registry"].pk
    return ledger.export(key=key, by=by, account=told["account"], to_registry=registry, reason=reason, **wanted(told))


def _receive(by: User, key: UUID, told: Mapping[str, Any], reason: str) -> int:
    if not told["ranges"]:
        raise RangesNeeded("say by their serial numbers what was received", field="ranges")
    more = {"ranges": told["ranges"], "price_usd": told["price_usd"], "reason": reason}
    return ledger.receive(key=key, by=by, from_account=told["account"], to_account=told["to_account"], **more)


@dataclass(frozen=True, slots=True)
class Asked:
    title: str
    button: str
    form: type[CommandForm]
    send: Callable[[User, UUID, Mapping[str, Any], str], int]
    among: frozenset[who.Role] = who.WRITERS
    at: str = "recs_portfolio"  # the page that it belongs to


ORDERS = {
    "issue": Asked("Issue certificates of a batch", "Issue", IssueForm, _issue),
    "transfer": Asked("Transfer certificates", "Transfer", TransferForm, _transfer),
    "retire": Asked("Retire certificates", "Retire", RetireForm, _retire, who.RETIRERS),
    "reserve": Asked("Reserve certificates", "Reserve", MoveForm, _reserve),
    "export": Asked("Export certificates to another registry", "Export", ExportForm, _export),
    "receive": Asked("Receive certificates from outside", "Receive", ReceiveForm, _receive),
    "payment": Asked("A payment came in", "Enter the payment", money.PaymentForm, money.pay, at="recs_cashaccount_changelist"),
    "credit": Asked("Credit limit of a counterparty", "Grant it", money.CreditForm, money.grant, at="recs_cashaccount_changelist"),
}


def moves(request: HttpRequest, account: Account) -> list[str]:
    """What this person may do with what lies in an account."""
    if account.closed_at or account.kind in (Account.Kind.RETIREMENT, *Account.OUTSIDE):
        return []
    return [kind for kind in MOVES if account.organisation_id in who.acting(request, ORDERS[kind].among)]


def ordered(kind: str, request: HttpRequest) -> HttpResponse:
    asked = ORDERS[kind]
    if not who.acting(request, asked.among):
        raise PermissionDenied
    filled = {name: request.GET[name] for name in NAMED if request.GET.get(name)}
    order = Order(
        title=asked.title,
        button=asked.button,
        form=partial(asked.form, request=request),
        send=partial(asked.send, who.person(request)),
        back=reverse(f"admin:{asked.at}"),
        initial=filled,
    )
    return give(request, order, crumbs=((PLACES[asked.at], order.back),))
