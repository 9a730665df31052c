"""How the journal's names and figures are written in the back office."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import CharField, OuterRef, Q, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from recs.admin import who
from recs.models import Account, CashAccount


def account_name(column: str, request: HttpRequest) -> Subquery:
    """The account's name where it is the person's or nobody's: whose the others are is not for them to know."""
    named = Account.objects.filter(pk=OuterRef(column))
    if not request.user.is_superuser:
        named = named.filter(Q(organisation=None) | Q(organisation__in=list(who.roles(request))))
    return Subquery(named.values("name")[:1], output_field=CharField())


def shown_account(number: int | None, name: str | None) -> str:
    return "" if number is None else f"{name} ({number})" if name else f"account {number}"


def usd(cents: int | None) -> str:
    return "" if cents is None else f"{Decimal(cents) / 100:,.2f}"


def line_name(line: CashAccount) -> str:
    party = line.counterparty or line.external
    return f"{line.get_kind_display()}: {party}" if party else line.get_kind_display()


def link(model: str, number: int | None) -> SafeString:
    if number is None:
        return SafeString("")
    return format_html('<a href="{}">{}</a>', reverse(f"admin:recs_{model}_change", args=[number]), number)
