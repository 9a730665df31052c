"""Generators: what registries call them, what they are certified for, and what was metered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.core.validators import RegexValidator
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest

from recs.admin import who
from recs.admin.base import RecordAdmin, RecordForm, RecordInline
from recs.admin.batches import received
from recs.admin.forms import DayInput, RowForm, SpanForm
from recs.models import Batch, Eligibility, GenerationRead, Generator, Registration, Registry


class GeneratorForm(RecordForm):
    fuel = forms.CharField(
        max_length=20,
        validators=[RegexValidator(r"^[a-z][a-z_]*$", "Write a fuel in small letters: wind, solar, landfill_gas.")],
        help_text="In small letters: wind, solar, hydro, landfill_gas.",
    )
    state = forms.CharField(
        max_length=2, validators=[RegexValidator(r"^[A-Za-z]{2}$", "Write a state with its two letters: IA.")], help_text="Two letters: IA."
    )
    capacity_mw = forms.DecimalField(min_value=Decimal("0.001"), max_digits=10, decimal_places=3, label="Capacity, MW")
    commissioned_on = forms.DateField(required=False, widget=DayInput)

    class Meta:
        model = Generator
        fields = ("organisation", "name", "fuel", "technology", "state", "capacity_mw", "commissioned_on")

    def clean_state(self) -> str:
        return str(self.cleaned_data["state"]).upper()


class RegistrationForm(RowForm):
    registry = forms.ModelChoiceField(Registry.objects.filter(kept_in=None))

    class Meta:
        model = Registration
        fields = ("registry", "unit_id")


class Registrations(RecordInline):
    model = Registration
    form = RegistrationForm
    verbose_name_plural = "names in registries"


class EligibilityForm(SpanForm):
    span = "valid"
    last_day = forms.DateField(required=False, widget=DayInput)

    class Meta:
        model = Eligibility
        fields = ("programme", "certification")


class Eligibilities(RecordInline):
    """Without a last day: for good."""

    model = Eligibility
    form = EligibilityForm
    fields = ("programme", "first_day", "last_day", "certification")


class ReadForm(SpanForm):
    span = "days"
    generation_mwh = forms.DecimalField(min_value=0, max_digits=15, decimal_places=3)

    class Meta:
        model = GenerationRead
        fields = ("generation_mwh", "batch")


class Reads(RecordInline):
    """Accepted metered generation stays in the books; a wrong figure is corrected, with a reason, until a batch is issued for it."""

    model = GenerationRead
    form = ReadForm
    fields = ("first_day", "last_day", "generation_mwh", "batch")
    verbose_name_plural = "metered generation"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        """Its owner's alone, though others may look at the generator."""
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(generator__organisation__in=list(who.roles(request)))

    def get_formset(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        """The batch that was issued for it is one of this generator."""
        formset: Any = super().get_formset(request, obj, **options)
        if "batch" in formset.form.base_fields:
            mine = Batch.objects.filter(generator=obj, organisation=obj.organisation, voided_at=None) if obj else Batch.objects.none()
            formset.form.base_fields["batch"].queryset = mine
        return formset


@admin.register(Generator)
class GeneratorAdmin(RecordAdmin):
    """What makes the energy?"""

    organisation_path = "organisation"
    place = 60
    form = GeneratorForm
    fields = ("organisation", "name", "fuel", "technology", "state", "capacity_mw", "commissioned_on")
    fixed = ("whose", "sandbox")
    inlines = (Registrations, Eligibilities, Reads)
    list_display = ("name", "organisation", "fuel", "state", "technology", "capacity_mw", "commissioned_on", "sandbox")
    list_filter = ("organisation", "fuel", "state", "eligibilities__programme", "sandbox")
    list_select_related = ("organisation",)
    search_fields = ("name", "registrations__unit_id")
    ordering = ("name", "id")

    def mine(self, organisations: list[int]) -> Q:
        """And those whose certificates one has got."""
        theirs = Batch.objects.filter(received(organisations), generator=OuterRef("pk"))
        return Q(organisation__in=organisations) | Q(Exists(theirs))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["whose", *self.fields[1:], "sandbox"] if obj else self.fields

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.sandbox = obj.organisation.sandbox
        super().save_model(request, obj, form, change)

    def complete(self, row: Any) -> None:
        if isinstance(row, Registration):
            row.sandbox = row.generator.sandbox

    def below(self, row: Generator) -> list[Any]:
        return [*row.registrations.all(), *row.eligibilities.all(), *row.reads.all()]
