"""Forms of the ledger's records: what the database says of them, months, and spans of days that are kept as half-open ranges."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, ClassVar

from django import forms
from django.db.backends.postgresql.psycopg_any import DateRange
from django.forms.models import BaseInlineFormSet
from django.forms.utils import pretty_name

DAY = timedelta(days=1)


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


class MonthField(forms.DateField):
    """2024-03: the first day of it."""

    widget = forms.DateInput(attrs={"placeholder": "2024-03", "size": 8}, format="%Y-%m")

    def __init__(self, **options: Any) -> None:
        super().__init__(input_formats=["%Y-%m"], **{"error_messages": {"invalid": "Write a month as 2024-03."}, **options})


class TrustingForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """What may stand beside what is left to the database: two who save at once would both pass here, and it has words of ours."""

    def _post_clean(self) -> None:
        self.instance.validate_constraints = lambda exclude=None: None
        super()._post_clean()  # type: ignore[misc]  # Django's types leave it out
        del self.instance.validate_constraints

    def validate_unique(self) -> None:
        pass


class RowForm(TrustingForm):
    """A row below a record."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name, field in self.fields.items():
            field.widget.attrs["aria-label"] = field.label or pretty_name(name)  # a column's heading is no label


class RowFormSet(BaseInlineFormSet):  # type: ignore[type-arg]  # not subscriptable at run time
    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if "DELETE" in form.fields:
            form.fields["DELETE"].widget.attrs["aria-label"] = f"Delete {form.instance}"


class SpanForm(RowForm):
    """A row with a span of days, both of which a person means; `span` is the field that keeps them."""

    span: ClassVar[str]
    first_day = forms.DateField(widget=DayInput)
    last_day = forms.DateField(widget=DayInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if kept := getattr(self.instance, self.span):
            self.initial.update({"first_day": kept.lower, "last_day": kept.upper and kept.upper - DAY})

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, last = cleaned.get("first_day"), cleaned.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", "The last day is before the first.")
        elif first:
            setattr(self.instance, self.span, DateRange(first, _behind(last)))
        return cleaned


def _behind(last: date | None) -> date | None:
    return last + DAY if last and last < date.max else None
