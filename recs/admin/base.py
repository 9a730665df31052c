"""The two kinds of pages of the ledger: the journal, to look at, and business records, which are edited with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.options import csrf_protect_m
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import cached_property

from energyopti.backoffice.base import LookOnly, OfficeAdmin, OfficeInline
from energyopti.errors import EnergyOptiError
from energyopti.organisations.models import Organisation
from recs.admin import history, who
from recs.admin.forms import RowFormSet, TrustingForm
from recs.errors import rules_told

SHELF = "Certificates"
COUNTED = 10_000  # rows that a list of the journal counts; what comes after them is reached by its filters

OUTSIDE = {"owner_id": "organisation", "fuel_type": "fuel", "account_id": "registry_account"}  # what services call otherwise

Tool = tuple[str, str]  # a button above a page: what it says, and where it leads


class UpTo(Paginator):  # type: ignore[type-arg]  # not subscriptable at run time
    """Counts no further than COUNTED: millions of entries are not gone through to say how many pages there are."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:COUNTED].count())

    @property
    def cut(self) -> bool:
        return self.count == COUNTED


class LedgerPage(OfficeAdmin):
    """`mine` says which rows belong to organisations; `organisation_path` serves where they all hang on one."""

    shelf = SHELF
    change_form_template = "admin/recs/change_form.html"
    change_list_template = "admin/recs/change_list.html"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return who.looks(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return who.looks(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super(OfficeAdmin, self).get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(self.mine(list(who.roles(request))))

    @admin.display(description="organisation", ordering="organisation")
    def whose(self, row: Any) -> str:
        """Its name alone: not everybody may open the page of an organisation."""
        return str(row.organisation)

    def mine(self, organisations: list[int]) -> Q:
        return Q() if self.organisation_path is None else Q(**{f"{self.organisation_path}__in": organisations})

    def list_tools(self, request: HttpRequest) -> Sequence[Tool]:
        """Buttons above the list."""
        return ()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"list_tools": self.list_tools(request), **(extra_context or {})})

    def tools(self, request: HttpRequest, row: Any) -> Sequence[Tool]:
        """Buttons above the page of a row."""
        return ()

    def tells_history(self, request: HttpRequest, row: Any) -> bool:
        """Field by field."""
        return False

    def told(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """What the template of a row's page needs besides the row."""
        return {}

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any) -> HttpResponse:
        if row := context.get("original"):
            context |= {"tools": self.tools(request, row), "history": self.tells_history(request, row), **self.told(request, row)}
        answer: HttpResponse = super().render_change_form(request, context, *args, **options)
        return answer


class JournalAdmin(LedgerPage, LookOnly):
    """No form over the journal: it is read here, and written by commands."""

    paginator = UpTo


class RecordForm(TrustingForm):
    """A business record and why it is made or changed. The database says what cannot be: its words are shown at the field."""

    problem: ClassVar[EnergyOptiError | None] = None
    reason = forms.CharField(
        max_length=100,
        label="Reason",
        widget=forms.TextInput(attrs={"size": 60}),
        help_text="Kept in the history, for whoever asks later.",
    )

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        for fault in getattr(self.problem, "faults", (self.problem,)):  # Several has more than one
            if fault:
                field = OUTSIDE.get(fault.field or "", fault.field)
                self.add_error(field if field in self.fields else None, fault.detail)
        return cleaned


class RecordAdmin(LedgerPage):
    """`fixed`: what never changes once it is written. `writers`: the roles that may edit; `owner` is whose record it is."""

    form = RecordForm
    fixed: tuple[str, ...] = ()
    writers = who.WRITERS
    object_history_template = "admin/recs/history.html"

    def owner(self, row: Any) -> int | None:
        """None: nobody in particular."""
        return int(row.organisation_id) if row.organisation_id else None

    def tells_history(self, request: HttpRequest, row: Any) -> bool:
        """Who got certificates of somebody's generator sees it, but not who wrote what about it."""
        owner = self.owner(row)
        return owner is None or request.user.is_superuser or owner in who.roles(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return who.edits(request, among=self.writers)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return who.edits(request, self.owner(obj) if obj else None, self.writers)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.readonly_fields, *self.fixed) if obj else tuple(self.readonly_fields)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Who may only look is not asked why."""
        sets = list(super().get_fieldsets(request, obj))
        may = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        return [*sets, ("Why", {"fields": ("reason",)})] if may else sets

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [name for name in super().get_fields(request, obj) if name != "reason"]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """A record is made for an organisation that one edits records of."""
        if db_field.remote_field.model is Organisation and not request.user.is_superuser:
            options["queryset"] = Organisation.objects.filter(pk__in=who.acting(request, self.writers))
        field: Any = super().formfield_for_foreignkey(db_field, request, **options)
        if field is not None and db_field.remote_field.model is Organisation and field.queryset.count() == 1:
            field.initial = field.queryset.get()
        return field

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        return unlinked(super().formfield_for_dbfield(db_field, request, **options))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **options)
        form.problem = getattr(request, "ledger_problem", None)
        return form

    @csrf_protect_m  # type: ignore[untyped-decorator]  # Django's own, which its types leave out
    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """A refusal of the database takes the saving back; then the same form is shown again, with what was said."""
        try:
            with rules_told():
                return super().changeform_view(request, object_id, form_url, extra_context)
        except EnergyOptiError as problem:
            request.ledger_problem = problem  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj._change_reason = form.cleaned_data["reason"]  # simple-history's way in
        obj.save()

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for row in formset.save(commit=False):
            self.complete(row)
            row._change_reason = form.cleaned_data["reason"]
            row.save()
        for row in formset.deleted_objects:
            row._change_reason = form.cleaned_data["reason"]
            row.delete()

    def complete(self, row: Any) -> None:
        """Fills in what the form of a row below the record leaves out."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Field by field: who, when, why, from what to what."""
        row = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined, no-any-return]
        if not self.has_view_permission(request, row) or not self.tells_history(request, row):
            raise PermissionDenied
        context = {**self.admin_site.each_context(request), "title": f"History of {row}", "opts": self.opts, "object": row}
        events = history.events([row, *self.below(row)])
        return TemplateResponse(request, self.object_history_template, context | {"events": events})

    def below(self, row: Any) -> Iterable[Any]:
        """Rows whose history is told with the record's."""
        return ()


def unlinked(field: Any) -> Any:
    """Without buttons for a second form in a window of its own."""
    for offered in ("can_add_related", "can_change_related", "can_view_related"):
        if field is not None and hasattr(field.widget, offered):
            setattr(field.widget, offered, False)
    return field


class RecordInline(OfficeInline):
    """Rows below a record: whoever edits the record edits them."""

    formset = RowFormSet

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        return unlinked(super().formfield_for_dbfield(db_field, request, **options))

    def parent_edited(self, request: HttpRequest, obj: Model | None) -> bool:
        return who.edits(request, getattr(obj, "organisation_id", None))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return who.looks(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.parent_edited(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.parent_edited(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.parent_edited(request, obj)
