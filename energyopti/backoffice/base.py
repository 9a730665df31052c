"""The one base of every page of a model in the back office: staff see what belongs to their organisations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.checks import ModelAdminChecks
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core import checks
from django.db import models
from django.http import Http404, HttpRequest

from energyopti.backoffice.site import OTHER
from energyopti.organisations.models import User
from energyopti.organisations.queries import organisations_of


class _Checks(ModelAdminChecks):
    """A page that forgets to say to whom its rows belong would show them to all."""

    def check(self, admin_obj: Any, **options: Any) -> list[checks.CheckMessage]:
        found = super().check(admin_obj, **options)
        if not hasattr(admin_obj, "organisation_path"):
            said = f"{type(admin_obj).__name__} declares no organisation_path (None: its rows belong to the installation)"
            found.append(checks.Error(said, obj=type(admin_obj), id="backoffice.E001"))
        return found


class _Scoped:
    """Choices of other rows, in forms and filters, are those that the person may see."""

    admin_site: Any

    def get_field_queryset(self, db: str | None, db_field: Any, request: HttpRequest) -> Any:
        related = self.admin_site._registry.get(db_field.remote_field.model)
        if isinstance(related, OfficeAdmin):
            return related.get_queryset(request)
        return super().get_field_queryset(db, db_field, request)  # type: ignore[misc]


class RelatedFilter(admin.RelatedFieldListFilter):
    """A filter by another model that names only the rows that the person may see."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        related = model_admin.admin_site._registry.get(field.remote_field.model)
        seen = {"pk__in": related.get_queryset(request).values("pk")} if isinstance(related, OfficeAdmin) else None
        ordering = self.field_admin_ordering(field, request, model_admin)
        return cast("list[tuple[str, Any]]", field.get_choices(include_blank=False, ordering=ordering, limit_choices_to=seen))


class ValuesFilter(admin.AllValuesFieldListFilter):
    """A filter by the values that stand in the column; the empty one has a name, too."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": "(empty)" if choice["display"] == "" else choice["display"]}


class OfficeAdmin(_Scoped, admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Every page of a model derives from this.

    `organisation_path`: the lookup that leads from a row to its organisation ("organisation", "user__organisations"; "pk"
    for organisations themselves); None: the row belongs to the installation, and whoever has the permission sees it.
    `shelf`, `place`: where the index shows it. `note()`: a few words of how things stand, for the index and this person;
    one query.
    """

    organisation_path: str | None
    shelf = OTHER
    place = 100
    checks_class = _Checks
    list_per_page = 50
    show_full_result_count = False  # a second count over the whole table, for a figure that nobody needs

    def note(self, request: HttpRequest) -> str:
        return ""

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        user = cast(User, request.user)
        if self.organisation_path is None or user.is_superuser:
            return rows
        mine = self.model._base_manager.filter(**{f"{self.organisation_path}__in": organisations_of(user)})
        return rows.filter(pk__in=mine.values("pk"))  # not a join: somebody in two organisations stands once

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """What the form leaves out, a hash, no address may be asked about either."""
        return lookup.partition("__")[0] not in (self.exclude or ()) and super().lookup_allowed(lookup, value, request)

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [_filter(self.model, each) for each in super().get_list_filter(request)]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **options)
        if field is not None and isinstance(field.widget, AdminSplitDateTime):
            for part, name in zip(field.widget.widgets, ("date", "time"), strict=True):
                part.attrs["aria-label"] = f"{field.label}: {name}"  # one label cannot name two inputs
        return field


def _filter(model: type[models.Model], name: Any) -> Any:
    field = get_fields_from_path(model, name)[-1] if isinstance(name, str) else None
    if field is None:
        return name
    if field.is_relation:
        return name, RelatedFilter
    plain_text = isinstance(field, models.CharField | models.TextField) and not field.choices
    return (name, ValuesFilter) if plain_text else name


class OfficeInline(_Scoped, admin.TabularInline):  # type: ignore[type-arg]
    extra = 0

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **options)
        if field is not None:
            field.widget.attrs["aria-label"] = str(field.label)  # a column's heading is no label
        return field


class LookOnly(OfficeAdmin):
    """The machine writes these; a person reads them, and acts by actions."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def seen_row(page: OfficeAdmin, request: HttpRequest, pk: int) -> Any:
    """A row that the person may see, for a page of one's own beside the model's. Raises Http404."""
    row = page.get_queryset(request).filter(pk=pk).first()
    if row is None or not page.has_view_permission(request, row):
        raise Http404
    return row
