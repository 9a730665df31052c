"""Uploading a file for any feed: hand it over, look at what is in it, confirm, watch, and fetch what was refused."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe
from kombu.exceptions import OperationalError

from energyopti.backoffice.base import LookOnly, seen_row
from energyopti.errors import EnergyOptiError
from energyopti.feeds import office, registry, tasks, uploads
from energyopti.feeds.admin.machine import CAME_IN
from energyopti.feeds.models import Upload
from energyopti.organisations.models import User


def _feeds() -> list[tuple[str, str]]:
    return [(feed.name, f"{feed.title} ({feed.name})") for feed in registry.feeds().values()]


class UploadForm(forms.Form):
    feed = forms.ChoiceField(label="Feed", choices=_feeds)
    file = forms.FileField(label="File", max_length=255, allow_empty_file=True)  # an empty one is refused in our own words


class ConfirmForm(forms.Form):
    reason = forms.CharField(max_length=500, label="Reason", help_text="Kept with the run: where is the file from, why is it loaded?")


@admin.register(Upload)
class UploadAdmin(LookOnly):
    """Which files did people hand over, and what became of them?"""

    organisation_path = None
    shelf, place = CAME_IN, 30
    list_display = ("name", "feed", "status", "size", "user", "created_at", "run", "reason")
    list_filter = ("feed", "status")
    list_select_related = ("user", "run")
    search_fields = ("name", "sha256", "reason")
    date_hierarchy = "created_at"
    ordering = ("-id",)

    def note(self, request: HttpRequest) -> str:
        return office.uploads_note()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("feeds.add_upload")

    def get_urls(self) -> list[Any]:
        own = self.admin_site.admin_view
        steps = {"progress": self.progress, "confirm": self.confirm, "discard": self.discard}
        return [
            path("add/", own(self.add_page), name="feeds_upload_add"),
            *(path(f"<int:pk>/{step}/", own(view), name=f"feeds_upload_{step}") for step, view in steps.items()),
            path("<int:pk>/refused.csv", own(self.refused), name="feeds_upload_refused"),
            *super().get_urls(),
        ]

    def add_page(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return self._form(request, UploadForm(initial={"feed": request.GET.get("feed", "")}))
        form = UploadForm(request.POST, request.FILES)
        if form.is_valid():
            file, feed = form.cleaned_data["file"], registry.feed(form.cleaned_data["feed"])
            try:
                upload = uploads.keep(feed=feed, file=file, name=file.name, user=cast(User, request.user))
            except EnergyOptiError as problem:
                form.add_error("file", problem.detail)
                return self._form(request, form, status=problem.status)
            return HttpResponseRedirect(_page_of(upload.pk))
        return self._form(request, form, status=400)

    def _form(self, request: HttpRequest, form: UploadForm, *, status: int = 200) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": "Upload a file", "form": form}
        context |= {"limit": settings.UPLOAD_MAX_MB}
        return TemplateResponse(request, "admin/feeds/upload/add.html", context, status=status)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> HttpResponse:
        upload = seen_row(self, request, int(object_id) if object_id.isdigit() else 0)
        return self._page(request, upload, ConfirmForm())

    def _page(self, request: HttpRequest, upload: Upload, form: ConfirmForm, *, status: int = 200) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": upload.name, "upload": upload, "form": form}
        context |= {"standing": office.upload_standing(upload), "progress_url": reverse("admin:feeds_upload_progress", args=[upload.pk])}
        context |= {"same": office.same_file(upload), "turns_real": office.turns_real(upload.feed), "may": self.has_add_permission(request)}
        return TemplateResponse(request, "admin/feeds/upload/page.html", context, status=status)

    @method_decorator(require_safe)
    def progress(self, request: HttpRequest, pk: int) -> JsonResponse:
        return JsonResponse(office.upload_standing(seen_row(self, request, pk)).as_json())

    @method_decorator(require_POST)
    def confirm(self, request: HttpRequest, pk: int) -> HttpResponse:
        upload = self._mine_to_decide(request, pk)
        form = ConfirmForm(request.POST)
        if not form.is_valid():
            return self._page(request, upload, form, status=400)
        try:
            with transaction.atomic():
                if uploads.confirm(upload=upload, user=cast(User, request.user), reason=form.cleaned_data["reason"]):
                    transaction.on_commit(partial(tasks.import_upload.delay, pk))
                else:
                    messages.warning(request, "Somebody has decided about this file already.")
        except OperationalError:
            uploads.take_back(upload=upload)
            messages.error(request, "No worker can be told just now, as Redis does not answer. Nothing was loaded: try again.")
        return HttpResponseRedirect(_page_of(pk))

    @method_decorator(require_POST)
    def discard(self, request: HttpRequest, pk: int) -> HttpResponse:
        upload = self._mine_to_decide(request, pk)
        if uploads.discard(upload=upload, now=timezone.now()):
            messages.success(request, f"{upload.name} is gone; nothing of it was stored.")
            return HttpResponseRedirect(reverse("admin:feeds_upload_changelist"))
        messages.warning(request, "Somebody has decided about this file already.")
        return HttpResponseRedirect(_page_of(pk))

    def _mine_to_decide(self, request: HttpRequest, pk: int) -> Upload:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return cast(Upload, seen_row(self, request, pk))

    @method_decorator(require_safe)
    def refused(self, request: HttpRequest, pk: int) -> HttpResponse:
        upload = seen_row(self, request, pk)
        answer = HttpResponse(uploads.as_csv(uploads.refused(upload)), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = content_disposition_header(True, f"refused-{upload.name}.csv")
        return answer


def _page_of(pk: int) -> str:
    return reverse("admin:feeds_upload_change", args=[pk])
