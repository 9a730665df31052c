"""The back office: Django's admin, its index arranged by what people look for instead of by app."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.text import slugify

SHELVES = ("Certificates", "What came in", "What is missing", "What was refused", "Nodes", "Organisations", "People", "Schedule")
OTHER = "Other"


def no_note(request: HttpRequest) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page that shows no model: `views` are its addresses below /admin/, the first of which the index links to.

    `permission`: a right of Django's, or a question about the request. `note`: as that of OfficeAdmin.
    """

    title: str
    shelf: str
    views: tuple[tuple[str, str, Callable[..., HttpResponseBase]], ...]  # path, URL name, view
    permission: str | Callable[[HttpRequest], bool]
    place: int = 100
    note: Callable[[HttpRequest], str] = no_note

    def allowed(self, request: HttpRequest) -> bool:
        return request.user.has_perm(self.permission) if isinstance(self.permission, str) else self.permission(request)

    def entry(self, site: BackOffice, request: HttpRequest) -> dict[str, Any]:
        """What the index's template knows of a model, for this page."""
        url = reverse(f"{site.name}:{self.views[0][1]}", current_app=site.name)
        return {"name": self.title, "object_name": slugify(self.title), "admin_url": url, "add_url": None, "view_only": True}

    def urls(self, site: BackOffice) -> list[URLPattern]:
        return [path(route, site.admin_view(view), name=name) for route, name, view in self.views]


class BackOffice(admin.AdminSite):
    site_header = "EnergyOpti, back office"
    site_title = "EnergyOpti"
    index_title = "Back office"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.pages: list[Page] = []

    def add_page(self, page: Page) -> None:
        self.pages.append(page)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [*(url for page in self.pages for url in page.urls(self)), *super().get_urls()]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Shelves with what this person may see; by app where one app is asked for."""
        if app_label:
            return super().get_app_list(request, app_label)
        return self._arranged(request, with_notes=False)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().index(request, {"app_list": self._arranged(request, with_notes=True), **(extra_context or {})})

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """There is one page for it, which says what a password has to be."""
        return redirect("password_change")

    def _arranged(self, request: HttpRequest, *, with_notes: bool) -> list[dict[str, Any]]:
        filled: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        if not hasattr(request, "office_entries"):  # one page asks several times, and permissions may cost queries
            request.office_entries = list(self._entries(request))  # type: ignore[attr-defined]
        for shelf, place, note, entry in request.office_entries:  # type: ignore[attr-defined]
            filled.setdefault(shelf, []).append((place, {**entry, "note": note(request) if with_notes else ""}))
        order = [*SHELVES, *sorted(filled.keys() - {*SHELVES, OTHER}), OTHER]
        return [_shelf(name, filled[name], reverse(f"{self.name}:index")) for name in order if name in filled]

    def _entries(self, request: HttpRequest) -> Iterable[tuple[str, int, Callable[[HttpRequest], str], dict[str, Any]]]:
        for app in self._build_app_dict(request).values():
            for entry in app["models"]:
                shown = self._registry[entry["model"]]
                shelf = getattr(shown, "shelf", OTHER)
                yield shelf, getattr(shown, "place", 100), getattr(shown, "note", no_note), entry
        for page in self.pages:
            if page.allowed(request):
                yield page.shelf, page.place, page.note, page.entry(self, request)


def _shelf(name: str, entries: list[tuple[int, dict[str, Any]]], index: str) -> dict[str, Any]:
    models = [entry for _, entry in sorted(entries, key=lambda one: (one[0], str(one[1]["name"])))]
    slug = slugify(name)
    return {"name": name, "app_label": slug, "app_url": f"{index}#{slug}", "has_module_perms": True, "models": models}


def office() -> BackOffice:
    """The one site there is."""
    return cast(BackOffice, admin.site)
