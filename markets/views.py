"""The markets page."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from markets.pages import page


@require_safe
@login_required
def markets(request: HttpRequest) -> HttpResponse:
    context = page.context(request.GET, host=f"{request.scheme}://{request.get_host()}")
    return render(request, "markets/markets.html", context, status=400 if context["problems"] else 200)
