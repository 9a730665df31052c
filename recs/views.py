"""The pages of certificates. What they may read is set by energyopti/organisations/middleware.py, around view and template."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from energyopti.organisations.models import User
from recs.pages import page, receipt, serials


@require_safe
@login_required
def recs(request: HttpRequest) -> HttpResponse:
    context = page.context(request.GET, user=cast(User, request.user), host=f"{request.scheme}://{request.get_host()}")
    return render(request, "recs/recs.html", context, status=400 if context["problems"] else 200)


@require_safe
@login_required
def serial(request: HttpRequest) -> HttpResponse:
    return render(request, "recs/serial.html", serials.context(request.GET))


@require_safe
@login_required
def command(request: HttpRequest, number: int) -> HttpResponse:
    return render(request, "recs/command.html", receipt.context(number))
