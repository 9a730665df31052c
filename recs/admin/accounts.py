"""Accounts, the policy of four eyes, and the registries."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse

from energyopti.backoffice.base import seen_row
from energyopti.backoffice.reasons import Deed, Plan, ShortReasonForm, ask
from recs import services
from recs.admin import who
from recs.admin.base import RecordAdmin, RecordForm, Tool
from recs.models import Account, Bucket, Policy, Registry

KINDS = [choice for choice in Account.Kind.choices if choice[0] != Account.Kind.WORLD]
MEANT = {
    Account.Kind.ACTIVE: "an ordinary account",
    Account.Kind.RESERVE: "kept apart",
    Account.Kind.RETIREMENT: "takes retired certificates only",
    Account.Kind.EXPORT: "on their way into another registry",
    Account.Kind.EXTERNAL: "a counterparty without a login",
}


class AccountForm(RecordForm):
    kind = forms.ChoiceField(choices=[(kind, f"{label}: {MEANT[Account.Kind(kind)]}") for kind, label in KINDS])
    registry = forms.ModelChoiceField(
        Registry.objects.filter(kept_in=None),
        required=False,
        help_text="Named: the account takes certificates of this registry only.",
    )
    registry_account = forms.CharField(
        max_length=60,
        required=False,
        label="Account there",
        help_text="The account in that registry which this one mirrors: what leaves it then waits for the registry's confirmation.",
    )

    class Meta:
        model = Account
        fields = ("organisation", "name", "kind", "registry", "registry_account")

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if cleaned and cleaned.get("registry_account") and not cleaned.get("registry") and "registry" in self.fields:
            self.add_error("registry", "Say of which registry the account there is.")
        return cleaned


@admin.register(Account)
class AccountAdmin(RecordAdmin):
    """Where do certificates lie?"""

    organisation_path = "organisation"
    place = 40
    form = AccountForm
    fields = ("organisation", "name", "kind", "registry", "registry_account")
    fixed = ("number", "whose", "kind", "registry", "registry_account", "sandbox", "opened_at", "closed_at")
    list_display = ("name", "number", "organisation", "kind", "registry", "registry_account", "opened_at", "closed_at")
    list_filter = ("organisation", "kind", "registry", "sandbox", ("closed_at", admin.EmptyFieldListFilter))
    list_select_related = ("organisation", "registry")
    search_fields = ("name", "registry_account", "=id")
    ordering = ("organisation__name", "name")

    @admin.display(description="number", ordering="pk")
    def number(self, row: Account) -> int:
        """What a counterparty enters to send certificates here."""
        return row.pk

    def note(self, request: HttpRequest) -> str:
        return f"{self.get_queryset(request).filter(closed_at=None).count()} open"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["number", "whose", "name", *self.fixed[2:]] if obj else self.fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not of one that is closed, and not of the world outside, which is nobody's."""
        if obj is not None and (obj.closed_at or obj.organisation_id is None):
            return False
        return super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        told = form.cleaned_data
        if change:
            services.rename_account(account=obj, name=told["name"], reason=told["reason"])
            return
        registry = told["registry"].pk if told["registry"] else None
        made = services.open_account(
            organisation=told["organisation"],
            name=told["name"],
            kind=told["kind"],
            registry=registry,
            registry_account=told["registry_account"],
            reason=told["reason"],
        )
        obj.pk, obj.sandbox = made.pk, made.sandbox  # the page that follows links to it

    def told(self, request: HttpRequest, row: Account) -> dict[str, Any]:
        shown = (Bucket.ACTIVE, Bucket.HELD, Bucket.RETIRED)
        by_bucket = {bucket: Sum("holdings__quantity", filter=Q(holdings__bucket=bucket)) for bucket in shown}
        sums = Account.objects.filter(pk=row.pk).aggregate(
            ranges=Count("holdings"), **{bucket.label: amount for bucket, amount in by_bucket.items()}
        )
        return {"figures": [(bucket.label, sums[bucket.label] or 0) for bucket in shown] + [("ranges", sums["ranges"])]}

    def tools(self, request: HttpRequest, row: Account) -> list[Tool]:
        outside = row.kind in Account.OUTSIDE  # what lies there is somebody else's
        shown = [] if outside else [("Portfolio", f"{reverse('admin:recs_portfolio')}?account={row.pk}")]
        if self.has_change_permission(request, row):
            shown.append(("Close", reverse("admin:recs_account_close", args=[row.pk])))
        return shown

    def get_urls(self) -> list[Any]:
        return [path("<int:pk>/close/", self.admin_site.admin_view(self.close), name="recs_account_close"), *super().get_urls()]

    def close(self, request: HttpRequest, pk: int) -> HttpResponse:
        account = seen_row(self, request, pk)
        if not self.has_change_permission(request, account):
            raise PermissionDenied
        deed = Deed(
            title=f"Close {account.name}",
            button="Close",
            form=ShortReasonForm,
            plan=partial(_close_plan, account),
            act=partial(_close, account),
            back=reverse("admin:recs_account_change", args=[pk]),
        )
        return ask(request, deed, {**self.admin_site.each_context(request), "opts": self.opts})


def _close_plan(account: Account, parameters: Mapping[str, Any]) -> Plan:
    left = account.holdings.filter(bucket__in=[Bucket.ACTIVE, Bucket.HELD]).aggregate(left=Sum("quantity"))["left"]
    if left:
        return Plan((f"{account.name} still holds {left:,} certificates that are not retired: move them first.",), possible=False)
    return Plan((f"Nothing enters {account.name} any more, and nothing leaves it. It stays in the books, and is not opened again.",))


def _close(account: Account, parameters: Mapping[str, Any], reason: str) -> str:
    services.close_account(account=account, reason=reason)
    return f"{account.name} is closed."


class PolicyForm(RecordForm):
    four_eyes = forms.MultipleChoiceField(
        choices=Policy.Action.choices,
        required=False,
        label="Needs a second person",
        widget=forms.CheckboxSelectMultiple,
        help_text="Whatever one person may do alone is marked as self-approved, in reports too.",
    )
    offer_days = forms.IntegerField(
        min_value=1, max_value=366, initial=14, label="Days", help_text="After which an offer or a request that nobody answered expires."
    )

    class Meta:
        model = Policy
        fields = ("organisation", "four_eyes", "offer_days")


@admin.register(Policy)
class PolicyAdmin(RecordAdmin):
    """What needs a second person? An organisation that is not in this list: everything."""

    organisation_path = "organisation"
    place = 90
    form = PolicyForm
    fields = ("organisation", "four_eyes", "offer_days")
    fixed = ("whose",)
    writers = who.ADMINISTRATORS
    list_display = ("organisation", "needed", "alone", "offer_days")
    list_select_related = ("organisation",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["whose", *self.fields[1:]] if obj else self.fields

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """An organisation has one policy, which is changed and not added."""
        field = super().formfield_for_foreignkey(db_field, request, **options)
        field.queryset = field.queryset.exclude(pk__in=Policy.objects.values("organisation"))
        return field

    @admin.display(description="needs a second person")
    def needed(self, row: Policy) -> str:
        return _listed([action.label for action in Policy.Action if action in row.four_eyes])

    @admin.display(description="one person alone")
    def alone(self, row: Policy) -> str:
        return _listed([action.label for action in Policy.Action if action not in row.four_eyes])

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        told = form.cleaned_data
        services.set_policy(
            organisation=obj.organisation, four_eyes=told["four_eyes"], offer_days=told["offer_days"], reason=told["reason"]
        )


def _listed(labels: list[str]) -> str:
    return ", ".join(labels) or "nothing"


@admin.register(Registry)
class RegistryAdmin(RecordAdmin):
    """Where are the places of record? They come with the software, and are the same everywhere."""

    organisation_path = None
    place = 95
    list_display = ("code", "name", "operator", "serial_example", "kept_in", "source")
    list_select_related = ("kept_in",)
    search_fields = ("code", "name")

    def owner(self, row: Registry) -> None:
        return None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission
