"""The journal to look at: entries, holdings, money, seals."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from recs.admin import deeds, who
from recs.admin.base import JournalAdmin
from recs.admin.orders import moves
from recs.admin.showing import account_name, link, shown_account, usd
from recs.models import Account, Bucket, CashAccount, Entry, Holding, Seal
from recs.queries import serials_text


class Ranged(JournalAdmin):
    """Rows with a range of serials of a batch."""

    @admin.display(description="serials")
    def written(self, row: Any) -> str:
        return serials_text(row.batch, row.serials.lower, row.serials.upper - 1)

    @admin.display(description="MWh")
    def mwh(self, row: Any) -> str:
        return f"{row.serials.upper - row.serials.lower:,}"

    @admin.display(description="vintage")
    def vintage(self, row: Any) -> str:
        return f"{row.batch.vintage:%Y-%m}"

    @admin.display(description="batch", ordering="batch")
    def of_batch(self, row: Any) -> SafeString:
        return link("batch", row.batch_id)


@admin.register(Entry)
class EntryAdmin(Ranged):
    """What moved, from where to where?"""

    organisation_path = "to_account__organisation"
    place = 65
    list_display = ("id", "of_command", "of_batch", "written", "mwh", "source", "target", "continues")
    list_filter = ("to_bucket", "batch__registry", "batch__fuel", "batch__state")
    list_select_related = ("batch",)
    search_fields = ("=id", "=batch__id", "batch__serial_base")
    ordering = ("-id",)
    fields = ("id", "of_command", "of_batch", "written", "mwh", "vintage", "source", "target", "continues", "digest")
    readonly_fields = fields

    def mine(self, organisations: list[int]) -> Q:
        accounts = Account.objects.filter(organisation__in=organisations).values("pk")
        return Q(to_account__in=accounts) | Q(from_account__in=accounts)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Never joined with accounts: a policy hides the other side's, and with it the entry."""
        names = {"from_name": account_name("from_account_id", request), "to_name": account_name("to_account_id", request)}
        rows: QuerySet[Any] = super().get_queryset(request)
        told: QuerySet[Any] = rows.annotate(**names)
        return told

    @admin.display(description="command", ordering="command")
    def of_command(self, row: Entry) -> SafeString:
        return link("command", row.command_id)

    @admin.display(description="from")
    def source(self, row: Any) -> str:
        return f"{shown_account(row.from_account_id, row.from_name)}, {row.get_from_bucket_display()}" if row.from_account_id else "issued"

    @admin.display(description="to")
    def target(self, row: Any) -> str:
        return f"{shown_account(row.to_account_id, row.to_name)}, {row.get_to_bucket_display()}"

    @admin.display(description="continues")
    def continues(self, row: Entry) -> str:
        return f"entry {row.prev_id}" if row.prev_id else ""

    @admin.display(description="hash")
    def digest(self, row: Entry) -> str:
        return bytes(row.hash).hex()


@admin.register(Holding)
class HoldingAdmin(Ranged):
    """Who has which serials now?"""

    organisation_path = "account__organisation"
    place = 62
    list_display = ("written", "mwh", "bucket", "account", "vintage", "registry", "fuel", "state", "generator", "of_batch")
    list_filter = ("bucket", "account__organisation", "batch__registry", "batch__fuel", "batch__state", "batch__vintage")
    list_select_related = ("batch__generator", "account")
    search_fields = ("=batch__id", "batch__serial_base", "account__name")
    fields = ("written", "mwh", "bucket", "account", "of_batch", "vintage", "registry", "fuel", "state", "generator", "by_entry")
    readonly_fields = fields
    ordering = ("batch", "id")

    @admin.display(description="registry")
    def registry(self, row: Holding) -> str:
        return row.batch.registry_id

    @admin.display(description="fuel")
    def fuel(self, row: Holding) -> str:
        return row.batch.fuel

    @admin.display(description="state")
    def state(self, row: Holding) -> str:
        return row.batch.state

    @admin.display(description="generator")
    def generator(self, row: Holding) -> str:
        return row.batch.generator.name

    @admin.display(description="by entry")
    def by_entry(self, row: Holding) -> SafeString:
        return link("entry", row.entry_id)

    def tools(self, request: HttpRequest, row: Holding) -> list[tuple[str, str]]:
        life = f"{reverse('admin:recs_life')}?batch={row.batch_id}&serial={row.serials.lower}"
        some = f"?account={row.account_id}&ranges={row.batch_id}:{row.serials.lower}-{row.serials.upper - 1}"
        may = moves(request, row.account) if row.bucket == Bucket.ACTIVE else []
        return [("Its life", life), *((kind.capitalize(), reverse(f"admin:recs_{kind}") + some) for kind in may)]


@admin.register(CashAccount)
class CashAccountAdmin(JournalAdmin):
    """Who owes whom? Above zero: a counterparty owes the organisation; below: the organisation owes it."""

    organisation_path = "organisation"
    place = 70
    change_form_template = "admin/recs/cash.html"
    list_display = ("organisation", "kind", "party", "balance", "limit")
    list_filter = ("kind", "organisation")
    list_select_related = ("organisation", "counterparty", "external")
    search_fields = ("counterparty__name", "external__name")
    fields = ("whose", "kind", "party", "balance", "limit")
    readonly_fields = fields
    ordering = ("organisation", "kind", "id")

    @admin.display(description="counterparty")
    def party(self, row: CashAccount) -> str:
        return str(row.counterparty or row.external or "")

    @admin.display(description="balance, USD", ordering="balance_cents")
    def balance(self, row: CashAccount) -> str:
        return usd(row.balance_cents)

    @admin.display(description="may owe, USD", ordering="credit_limit_cents")
    def limit(self, row: CashAccount) -> str:
        return usd(row.credit_limit_cents) if row.kind == CashAccount.Kind.PARTY and row.counterparty_id else ""

    def list_tools(self, request: HttpRequest) -> list[tuple[str, str]]:
        may = who.acting(request)
        return [("Payment received", reverse("admin:recs_payment")), ("Credit limit", reverse("admin:recs_credit"))] if may else []

    def tools(self, request: HttpRequest, row: CashAccount) -> list[tuple[str, str]]:
        if row.kind != CashAccount.Kind.PARTY or row.organisation_id not in who.acting(request):
            return []
        party = f"counterparty={row.counterparty.slug}" if row.counterparty else f"external={row.external_id}"
        some = f"?organisation={row.organisation_id}&{party}"
        limit = [("Credit limit", reverse("admin:recs_credit") + some)] if row.counterparty else []
        return [("Payment received", reverse("admin:recs_payment") + some), *limit]

    def told(self, request: HttpRequest, row: CashAccount) -> dict[str, Any]:
        entries = row.entries.select_related("command").order_by("-id")[: deeds.LISTED]
        return {"entries": [(entry, usd(entry.amount_cents)) for entry in entries]}


@admin.register(Seal)
class SealAdmin(JournalAdmin):
    """Up to where is the journal sealed? A digest that is kept elsewhere tells whether anything before it was changed."""

    organisation_path = None
    place = 98
    list_display = ("id", "created_at", "upto_command", "upto_entry", "upto_cash_entry", "commands", "entries", "digest_text")
    date_hierarchy = "created_at"
    fields = list_display
    readonly_fields = fields
    ordering = ("-id",)

    @admin.display(description="digest")
    def digest_text(self, row: Seal) -> str:
        return bytes(row.digest).hex()
