"""The formats of a table answer, and which of them a request asks for: `?format=`, else Accept."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.exceptions import NotAcceptable
from rest_framework.request import Request

from energyopti.api.echo import quoted

FORMATS = {
    "json": "application/json",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
SUFFIX = {"csv": "csv", "parquet": "parquet", "arrow": "arrows"}  # the IPC stream's own, as its registration names it


def chosen(request: Request | HttpRequest, given: str | None) -> str:
    """A name of FORMATS; JSON where anything will do. Raises NotAcceptable, which names the formats there are."""
    if given:
        return given
    accepted = request.headers.get("Accept", "")
    if not accepted:
        return "json"
    for media_range in sorted(accepted.split(","), key=_quality, reverse=True):
        media = media_range.partition(";")[0].strip().lower()
        if _quality(media_range) and (found := _matching(media)):
            return found
    raise NotAcceptable(f"none of {quoted(accepted)} is here; there are {', '.join(FORMATS.values())}")


def _matching(media: str) -> str:
    if media in ("*/*", "application/*"):
        return "json"
    if media == "text/*":
        return "csv"
    return next((name for name, own in FORMATS.items() if own == media), "")


def _quality(media_range: str) -> float:
    for option in media_range.split(";")[1:]:
        name, _, value = option.strip().partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
