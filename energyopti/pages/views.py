"""The overview, and how the feeds stand."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from energyopti.organisations import queries
from energyopti.organisations.models import User
from energyopti.pages import cards, standing


@require_safe
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    context = {"cards": cards.render(request, user), "organisations": queries.organisations_of(user)}
    return render(request, "pages/overview.html", context)


@require_safe
@login_required
def status(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/status.html", standing.context(cast(User, request.user), now=timezone.now()))
