"""Static files: hashed names and far expiry once `collectstatic` has run, plain names until then (tests, a first look)."""

from __future__ import annotations

import warnings
from typing import Any

from django.contrib.staticfiles import storage
from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    def stored_name(self, name: str) -> str:
        return str(super().stored_name(name)) if self.hashed_files else name


class Static(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise, with a whole body instead of a stream: Django would gather a stream under ASGI, and warn of it."""

    def __init__(self, get_response: Any) -> None:
        with warnings.catch_warnings(action="ignore"):  # it warns of a folder that collectstatic has not made yet
            super().__init__(get_response)
        if not getattr(storage.staticfiles_storage, "hashed_files", True) and not self.autorefresh:
            self.use_finders = True
            self.add_files_from_finders()

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        found = static_file.get_response(request.method, request.META)
        body = b""
        if found.file is not None:
            with found.file as file:
                body = file.read()
        response = HttpResponse(body, status=int(found.status))
        del response["Content-Type"]
        for name, value in found.headers:
            response[name] = value
        return response
