"""Commands: what the ledger was told, where each stands, how it went on; and actions on several at once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.contrib import admin
from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from energyopti.backoffice.reasons import Deed, Plan, ask_for_rows
from recs.admin import deeds, instructing, resolving, who
from recs.admin.base import JournalAdmin
from recs.admin.showing import account_name, line_name, shown_account, usd
from recs.models import CashAccount, CashEntry, Command, Kind
from recs.queries import command, outcomes

OPEN = "SELECT root FROM recs_my_open_roots()"
RESOLVING = ("approve", "accept", "confirm", "release", "reject", "cancel", "expire", "refuse")
STATUS = 'recs_status("recs_command")'


class Standing(admin.SimpleListFilter):
    """Those that wait are found by what they hold, however many are over."""

    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Waits for something"), ("pending", "Pending"), ("instructed", "Instructed"), ("alone", "Self-approved")]

    def queryset(self, request: HttpRequest, rows: QuerySet[Command]) -> QuerySet[Command]:
        if self.value() == "alone":
            return rows.filter(Q(self_approved=True) | Exists(Command.objects.filter(root=OuterRef("pk"), self_approved=True)))
        if self.value():
            rows = rows.filter(pk__in=RawSQL(OPEN, ()))  # noqa: S611 -- a constant
        found: Any = rows
        return rows if self.value() in (None, "open") else found.filter(status=self.value())  # an annotation of the list's


class Asked(admin.SimpleListFilter):
    """By kind; what resolves a command is not listed by itself."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, label) for kind, label in Kind.choices if kind not in RESOLVING]

    def queryset(self, request: HttpRequest, rows: QuerySet[Command]) -> QuerySet[Command]:
        return rows.filter(kind=self.value()) if self.value() else rows


@admin.register(Command)
class CommandAdmin(JournalAdmin):
    """What was the ledger told to do, and where does it stand? Steps are shown with the command that they belong to."""

    organisation_path = "organisation"
    place = 30
    list_display = (
        *("id", "kind", "standing", "waits_for", "organisation", "counterparty", "mwh", "source", "target", "price"),
        *("created_at", "expires_at"),
    )
    list_filter = (Standing, Asked, "organisation")
    list_select_related = ("organisation", "counterparty")
    search_fields = ("=id", "reference", "reason")
    ordering = ("-id",)
    actions = ("approve", "accept", "reject", "cancel")

    def note(self, request: HttpRequest) -> str:
        rows = self.get_queryset(request).filter(pk__in=RawSQL(OPEN, ()))  # noqa: S611 -- a constant
        return f"{rows.count()} under way"

    def mine(self, organisations: list[int]) -> Q:
        return Q(organisation__in=organisations) | Q(counterparty__in=organisations)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).filter(root=None)
        names = {"from_name": account_name("from_account_id", request), "to_name": account_name("to_account_id", request)}
        told: QuerySet[Any] = rows.annotate(status=RawSQL(STATUS, (), output_field=CharField()), **names)  # noqa: S611 -- a constant
        return told

    @admin.display(description="status")
    def standing(self, row: Any) -> SafeString:
        return format_html('<span class="status {}">{}</span>', row.status, row.status)

    @admin.display(description="waits for")
    def waits_for(self, row: Any) -> str:
        return ", ".join(row.awaiting) if row.status in ("pending", "instructed") else ""

    @admin.display(description="from")
    def source(self, row: Any) -> str:
        return shown_account(row.from_account_id, row.from_name)

    @admin.display(description="to")
    def target(self, row: Any) -> str:
        return shown_account(row.to_account_id, row.to_name)

    @admin.display(description="MWh", ordering="quantity")
    def mwh(self, row: Command) -> str:
        return f"{row.quantity:,}" if row.quantity else ""

    @admin.display(description="USD")
    def price(self, row: Command) -> str:
        return usd(row.price_cents)

    def get_urls(self) -> list[Any]:
        own = self.admin_site.admin_view
        return [
            path("<int:pk>/instruction/", own(instructing.page), name="recs_command_instruction"),
            path("<int:pk>/instruction.csv", own(instructing.rows), name="recs_command_rows"),
            *(path(f"<int:pk>/{deed}/", own(resolving.resolve), {"deed": deed}, f"recs_command_{deed}") for deed in resolving.TITLES),
            *super().get_urls(),
        ]

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> HttpResponse:
        """A step leads to the command that it belongs to."""
        number = int(object_id) if object_id.isdecimal() and len(object_id) < 19 else 0
        row = command(number)
        if row is None:
            root = Command.objects.filter(self._of(request), pk=number).values_list("root", flat=True).first()
            if root is None:
                raise Http404(f"command {object_id}")
            return HttpResponseRedirect(reverse("admin:recs_command_change", args=[root]))
        told = self._page(request, row) | {"row": row, "title": f"{row.kind.capitalize()} {row.id}", "opts": self.opts}
        return TemplateResponse(request, "admin/recs/command.html", {**self.admin_site.each_context(request), **told})

    def _of(self, request: HttpRequest) -> Q:
        return Q() if request.user.is_superuser else self.mine(list(who.roles(request)))

    def _page(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        kept = Command.objects.get(pk=row.id)
        others = self.get_queryset(request).order_by("id")
        return {
            "told": deeds.what(row),
            "quantity": f"{row.quantity:,}",
            "key": kept.key if row.mine else "",
            "hash": bytes(kept.hash).hex(),
            "stages": [deeds.stage_words(row, stage) for stage in row.awaiting],
            "deeds": resolving.links(request, row),
            "legs": self._legs(request, row.id),
            "ranges": row.ranges[: deeds.LISTED],
            "reversals": list(others.filter(reverses=row.id)),
            "imports": list(others.filter(export=row.id)),
            "instructed": row.mine and "registry" in row.awaiting,
            "exported": row.kind == "export" and row.status == "completed" and row.organisation_id in who.acting(request),
        }

    def _legs(self, request: HttpRequest, number: int) -> list[tuple[CashAccount, str, str]]:
        legs = CashEntry.objects.filter(Q(command=number) | Q(command__root=number)).order_by("id")
        if not request.user.is_superuser:
            legs = legs.filter(account__organisation__in=list(who.roles(request)))
        seen = legs.select_related("account__organisation", "account__counterparty", "account__external")
        return [(leg.account, line_name(leg.account), usd(leg.amount_cents)) for leg in seen]

    # --- several at once ---------------------------------------------------------------------------

    def has_act_permission(self, request: HttpRequest) -> bool:
        return bool(who.acting(request))

    @admin.action(description="Approve the selected commands", permissions=["act"])
    def approve(self, request: HttpRequest, rows: QuerySet[Command]) -> HttpResponse:
        return self._several(request, rows, "approve")

    @admin.action(description="Accept the selected offers", permissions=["act"])
    def accept(self, request: HttpRequest, rows: QuerySet[Command]) -> HttpResponse:
        return self._several(request, rows, "accept")

    @admin.action(description="Reject the selected commands", permissions=["act"])
    def reject(self, request: HttpRequest, rows: QuerySet[Command]) -> HttpResponse:
        return self._several(request, rows, "reject")

    @admin.action(description="Cancel the selected commands", permissions=["act"])
    def cancel(self, request: HttpRequest, rows: QuerySet[Command]) -> HttpResponse:
        return self._several(request, rows, "cancel")

    def _several(self, request: HttpRequest, rows: QuerySet[Command], deed: str) -> HttpResponse:
        numbers = sorted(rows.values_list("pk", flat=True))
        key = deeds.key_of(request)
        done = partial(_resolved, deed, who.person(request), numbers)
        order = Deed(
            title=f"{resolving.TITLES[deed]} {len(numbers)} commands",
            button=resolving.TITLES[deed],
            form=deeds.CommandForm,
            plan=partial(_planned, done, numbers, key),
            act=lambda parameters, reason: f"{len(done(key, reason))} commands: {deed} is done.",
            back=f"{reverse('admin:recs_command_changelist')}?standing=open",
            hidden=[("_key", str(key))],
        )
        return ask_for_rows(self, request, order, action=deed)


def _resolved(deed: str, by: Any, numbers: list[int], page: UUID, reason: str) -> list[int]:
    """All or nothing."""
    with transaction.atomic():
        return [resolving.send(deed, by, number, resolving.key_of(page, number), {}, reason) for number in numbers]


def _planned(done: Any, numbers: list[int], key: UUID, parameters: Mapping[str, Any]) -> Plan:
    if numbers and Command.objects.filter(key=resolving.key_of(key, numbers[0])).exists():
        return Plan(("This was done already.",))
    with deeds.rehearsed():
        done(uuid4(), "to see what would happen")
        found = outcomes(numbers)
    rows = tuple((row.id, deeds.what(row), " ".join(deeds.then(row))) for row in found[: deeds.LISTED])
    return Plan((f"All {len(numbers)} of them, or none.",), ("command", "what", "then"), rows)
