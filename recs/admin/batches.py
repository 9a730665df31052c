"""Batches: what a registry issued. They are written down once, and stay what they are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse

from energyopti.backoffice.base import seen_row
from energyopti.backoffice.reasons import Deed, Plan, ShortReasonForm, ask
from recs import services
from recs.admin import who
from recs.admin.base import RecordAdmin, RecordForm, Tool
from recs.admin.forms import MonthField
from recs.errors import StaysWhatItIs, rules_told
from recs.exact import LARGEST_SERIAL
from recs.models import Account, Batch, Command, Entry, Holding, Registry
from recs.models.journal import Bucket
from recs.queries import serials_text


def received(organisations: list[int]) -> Q:
    """Batches of the organisations, and those of which they ever got certificates."""
    accounts = Account.objects.filter(organisation__in=organisations).values("pk")
    return Q(organisation__in=organisations) | Q(Exists(Entry.objects.filter(batch=OuterRef("pk"), to_account__in=accounts)))


class BatchForm(RecordForm):
    registry = forms.ModelChoiceField(Registry.objects.filter(kept_in=None))
    serial_start = forms.IntegerField(min_value=0, max_value=LARGEST_SERIAL, label="First serial")
    serial_end = forms.IntegerField(min_value=0, max_value=LARGEST_SERIAL, label="Last serial", help_text="Included.")
    vintage = MonthField(help_text="The month of generation.")
    registry_text = forms.CharField(
        max_length=200,
        required=False,
        label="As the registry writes it",
        help_text="Letter by letter: ranges of this batch are then shown in the same way.",
        widget=forms.TextInput(attrs={"size": 60}),
    )
    variance_of = forms.IntegerField(
        min_value=1,
        required=False,
        label="Variance of batch",
        help_text="What the registry added later names the batch that it adds to.",
    )
    export = forms.IntegerField(
        min_value=1,
        required=False,
        label="Number of the export",
        help_text="For certificates that came here from another registry: the command that exported them there.",
    )

    class Meta:
        model = Batch
        fields = ("organisation", "generator", "registry", "serial_base", "vintage")

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        first, last = self.cleaned_data.get("serial_start"), self.cleaned_data.get("serial_end")
        if first is not None and last is not None and last < first:
            self.add_error("serial_end", "The last serial is before the first.")
        return cleaned

    def clean_variance_of(self) -> Batch | None:
        number = self.cleaned_data["variance_of"]
        found = Batch.objects.filter(pk=number, organisation=self.cleaned_data.get("organisation")).first() if number else None
        if number and not found:
            raise forms.ValidationError("There is no batch of this number that is yours.")
        return found

    def clean_export(self) -> Command | None:
        number = self.cleaned_data["export"]
        exports = Command.objects.filter(pk=number, kind="export", organisation=self.cleaned_data.get("organisation"))
        found = exports.first() if number else None
        if number and not found:
            raise forms.ValidationError("There is no export of this number that you may use.")
        return found


@admin.register(Batch)
class BatchAdmin(RecordAdmin):
    """What did registries issue?"""

    organisation_path = "organisation"
    place = 50
    form = BatchForm
    fields = (
        *("organisation", "generator", "registry", "serial_base", "serial_start", "serial_end"),
        *("registry_text", "vintage", "variance_of", "export"),
    )
    shown = (
        *("whose", "generator", "registry", "written", "serial_base", "quantity", "vintage_month", "fuel", "state"),
        *("registry_text", "variance_of", "export", "sandbox", "created_at", "voided_at"),
    )
    list_display = ("written", "registry", "vintage_month", "fuel", "state", "quantity", "generator", "organisation", "created_at")
    list_filter = (
        "organisation",
        "registry",
        "fuel",
        "state",
        "sandbox",
        ("variance_of", admin.EmptyFieldListFilter),
        ("voided_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("registry", "generator", "organisation")
    search_fields = ("serial_base", "registry_text", "generator__name", "=id")
    date_hierarchy = "vintage"
    ordering = ("-vintage", "-id")

    def mine(self, organisations: list[int]) -> Q:
        return received(organisations)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Written down, it stays: a variance is a batch of its own."""
        return obj is None and super().has_change_permission(request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return list(self.shown if obj else self.fields)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.shown if obj else ()

    @admin.display(description="serials")
    def written(self, row: Batch) -> str:
        return serials_text(row, row.serials.lower, row.serials.upper - 1) + (" (void)" if row.voided_at else "")

    @admin.display(description="MWh")
    def quantity(self, row: Batch) -> str:
        return f"{row.serials.upper - row.serials.lower:,}"

    @admin.display(description="vintage", ordering="vintage")
    def vintage_month(self, row: Batch) -> str:
        return f"{row.vintage:%Y-%m}"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        told = form.cleaned_data
        made = services.record_batch(
            organisation=told["organisation"],
            generator=told["generator"],
            registry=told["registry"].pk,
            serial_base=told["serial_base"],
            serial_start=told["serial_start"],
            serial_end=told["serial_end"],
            vintage=told["vintage"],
            registry_text=told["registry_text"],
            variance_of=told["variance_of"],
            export=told["export"],
            reason=told["reason"],
        )
        obj.pk, obj.serials = made.pk, made.serials  # the page that follows names it

    def get_urls(self) -> list[Any]:
        return [path("<int:pk>/remove/", self.admin_site.admin_view(self.remove), name="recs_batch_remove"), *super().get_urls()]

    def remove(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A slip of the pen would keep the right serial numbers out for ever: what never had an entry may go, and what was
        refused, or undone, is void."""
        batch = seen_row(self, request, pk)
        if not who.edits(request, batch.organisation_id):
            raise PermissionDenied
        deed = Deed(
            title=f"{_word(batch)} the batch {batch}",
            button=_word(batch),
            form=ShortReasonForm,
            plan=partial(_remove_plan, batch),
            act=partial(_remove, batch),
            back=reverse("admin:recs_batch_changelist"),
        )
        return ask(request, deed, {**self.admin_site.each_context(request), "opts": self.opts})

    def tools(self, request: HttpRequest, row: Batch) -> list[Tool]:
        found = [("Serials' life", f"{reverse('admin:recs_life')}?batch={row.pk}&serial={row.serials.lower}")]
        if row.voided_at:
            return found
        if row.organisation_id in who.acting(request):
            found.append(("Issue", f"{reverse('admin:recs_issue')}?batch={row.pk}"))
            if _remove_plan(row, {}).possible:
                found.append((_word(row), reverse("admin:recs_batch_remove", args=[row.pk])))
        if who.acting(request):
            found += [
                (label, f"{reverse(f'admin:recs_{kind}')}?batch={row.pk}")
                for kind, label in (("transfer", "Transfer"), ("retire", "Retire"))
            ]
        return found


def _word(batch: Batch) -> str:
    return "Void" if batch.entries.exists() else "Remove"


def _remove_plan(batch: Batch, parameters: Mapping[str, Any]) -> Plan:
    if batch.voided_at:
        return Plan(("This batch is void already.",), possible=False)
    if Holding.objects.filter(batch=batch).exclude(account__kind=Account.Kind.WORLD, bucket=Bucket.ACTIVE).exists():
        return Plan(("Certificates of this batch are in the journal: it stays.",), possible=False)
    if batch.entries.exists():
        told = (
            f"The issue of {batch} was refused, or undone. The batch stays here as void; its serial numbers and its month are free again."
        )
        return Plan((told,))
    return Plan((f"{batch} is gone, as if it had never been recorded; its history keeps that it was, and why it went.",))


def _remove(batch: Batch, parameters: Mapping[str, Any], reason: str) -> str:
    if batch.entries.exists():
        services.void_batch(batch, reason=reason)
        return f"{batch} is void."
    if batch.reads.exists() or batch.variances.exists():
        raise StaysWhatItIs("metered generation or a variance names this batch: change those first")
    told = str(batch)
    batch._change_reason = reason  # type: ignore[attr-defined]  # simple-history's way in
    with rules_told(), transaction.atomic():
        batch.delete()
    return f"{told} is removed."
