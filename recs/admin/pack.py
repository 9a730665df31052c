"""The auditor's pack: what an organisation's administrator, or whoever looks after the installation, downloads as a ZIP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe

from energyopti.api.stream import streamed
from energyopti.backoffice.site import Page, office
from energyopti.organisations.queries import administered_by
from recs.admin import who
from recs.admin.base import SHELF
from recs.proof import pack, seal

WHOLE = "whole"
PIECE = 1 << 20  # bytes


def allowed(request: HttpRequest) -> bool:
    return request.user.is_superuser or bool(who.acting(request, who.ADMINISTRATORS))


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    if not allowed(request):
        raise PermissionDenied
    newest = seal.newest()
    context = {
        **admin.site.each_context(request),
        "title": "The auditor's pack",
        "organisations": administered_by(who.person(request)),
        "whole": WHOLE if request.user.is_superuser else "",
        "newest": newest,
        "digest": bytes(newest.digest).hex() if newest else "",
        "how": pack.HOW,
    }
    return TemplateResponse(request, "admin/recs/pack.html", context)


@require_POST
@transaction.non_atomic_requests  # sealing waits for commands that are under way, and must not keep later ones waiting
def download(request: HttpRequest) -> StreamingHttpResponse:
    """The choice is one of the page's: another's organisation is not there."""
    asked = request.POST.get("organisation", "")
    if asked == WHOLE and request.user.is_superuser:
        organisation, name = None, "ledger"
    else:
        organisation = administered_by(who.person(request)).filter(slug=asked).first()
        if organisation is None:
            raise Http404(f"organisation {asked}")
        name = f"ledger-{organisation.slug}"
    file = pack.temporary(organisation=organisation)
    headers = {
        "Content-Disposition": content_disposition_header(True, f"{name}-{timezone.now():%Y-%m-%d}.zip") or "",
        "Content-Length": str(os.fstat(file.fileno()).st_size),
    }
    return StreamingHttpResponse(streamed(_pieces(file)), content_type="application/zip", headers=headers)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece


office().add_page(
    Page(
        title="Auditor's pack",
        shelf=SHELF,
        place=99,
        permission=allowed,
        views=(
            ("recs/pack/", "recs_pack", page),
            ("recs/pack/download/", "recs_pack_download", download),
        ),
    )
)
