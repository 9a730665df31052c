"""What a person types into a registry for a command that waits for it: a checklist, and rows to look at or to take along."""

from __future__ import annotations

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from recs.instructing import order_of
from recs.instructions import Instruction, instruction
from recs.queries import CommandRow, command


@require_safe
def page(request: HttpRequest, pk: int) -> HttpResponse:
    row, told = _instructed(pk)
    context = {"title": f"Instructions for {row.kind} {pk}", "row": row, "told": told, "opts": None}
    return TemplateResponse(request, "admin/recs/instruction.html", {**admin.site.each_context(request), **context})


@require_safe
def rows(request: HttpRequest, pk: int) -> HttpResponse:
    row, told = _instructed(pk)
    answer = HttpResponse(told.csv, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = content_disposition_header(True, f"{row.kind}-{pk}.csv") or ""
    return answer


def _instructed(pk: int) -> tuple[CommandRow, Instruction]:
    row = command(pk)
    if row is None or not row.mine or "registry" not in row.awaiting:
        raise Http404(f"command {pk}")
    return row, instruction(order_of(row))
