"""The life of a serial: typed as the registry writes it, or linked to."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from energyopti.backoffice.site import Page, office
from recs.admin import who
from recs.admin.base import SHELF
from recs.exact import LARGEST_SERIAL
from recs.models import Batch
from recs.queries import Step, find_serial, life, serials_text


class AskedForm(forms.Form):
    """`batch`: where a link says which; else `serial` is what somebody typed."""

    serial = forms.CharField(max_length=200, required=False, label="Serial number", widget=forms.TextInput(attrs={"size": 40}))
    batch = forms.IntegerField(min_value=1, max_value=LARGEST_SERIAL, required=False, widget=forms.HiddenInput)


@require_safe
def shown(request: HttpRequest) -> HttpResponse:
    if not who.looks(request):
        raise PermissionDenied
    form = AskedForm(request.GET or {})
    told = form.cleaned_data if form.is_valid() else {}
    text, number = told.get("serial", "").strip(), told.get("batch")
    linked = number is not None and text.isdecimal() and len(text) < 19
    found: list[Any] = [(number, int(text))] if linked else [(batch.pk, serial) for batch, serial in find_serial(text)] if text else []
    context = {
        **admin.site.each_context(request),
        "title": "The life of a serial",
        "form": AskedForm(initial={} if linked else {"serial": text}),
    }
    context |= {"text": text, "found": [], "steps": []} | (_one(*found[0]) if len(found) == 1 else {"found": _several(found)})
    return TemplateResponse(request, "admin/recs/life.html", context)


def _one(number: int, serial: int) -> dict[str, Any]:
    steps: list[Step] = life(number, serial)
    if not steps:
        return {}
    batch = Batch.objects.select_related("generator", "registry").get(pk=number)
    return {"steps": steps, "batch": batch, "serial": serials_text(batch, serial, serial), "number": serial}


def _several(found: list[tuple[int, int]]) -> list[tuple[Batch, int, str]]:
    batches = Batch.objects.select_related("registry", "generator").in_bulk([number for number, _ in found])
    return [(batch, serial, serials_text(batch, serial, serial)) for number, serial in found if (batch := batches.get(number))]


office().add_page(
    Page(
        title="Life of a serial",
        shelf=SHELF,
        place=55,
        permission=who.looks,
        views=(("recs/life/", "recs_life", shown),),
    )
)
