"""What a browser may do with our pages: load from here, nothing inline, nothing of the machine, in no frame."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "worker-src 'none'; media-src 'none'; object-src 'none'; frame-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
SENSORS = "accelerometer camera display-capture geolocation gyroscope magnetometer microphone midi payment serial usb"
PERMISSIONS = ", ".join(f"{name}=()" for name in SENSORS.split())


class ContentSecurity:
    """A view that has set one of these headers keeps its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in headers().items():
            response.headers.setdefault(name, value)
        return response


def headers() -> dict[str, str]:
    """Plain http:// links of our own pages become https:// where TLS is asked for."""
    upgrade = "; upgrade-insecure-requests" if settings.SECURE_SSL_REDIRECT else ""
    return {
        "Content-Security-Policy": POLICY + upgrade,
        "Permissions-Policy": PERMISSIONS,
        "Cross-Origin-Resource-Policy": "same-origin",
    }
