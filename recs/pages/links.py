"""The ways from the page to the same certificates elsewhere: files, and the line to copy."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from recs.pages.asked import Asked

HOLDINGS = "/api/v1/rec/holdings"
FORMATS = {"csv": "CSV", "parquet": "Parquet", "arrow": "Arrow", "json": "JSON"}


@dataclass(frozen=True, slots=True)
class Download:
    """Range by range, with serial numbers: a link for each format, and the line for a shell, which takes the key from its environment."""

    links: list[tuple[str, str]]
    curl: str


def downloads(asked: Asked, *, host: str) -> Download:
    """`host`: how the reader reaches us, "https://ledger.example.com"."""
    links = [(text, holdings(asked, format=form)) for form, text in FORMATS.items()]
    line = f"curl -sS -H \"Authorization: Bearer $ENERGYOPTI_KEY\" '{host}{holdings(asked, format='csv')}' -o {asked.organisation.slug}.csv"
    return Download(links, line)


def holdings(asked: Asked, **more: str) -> str:
    """The API's address of what the page shows."""
    return f"{HOLDINGS}?{urlencode({**asked.filters(), 'status': ','.join(asked.statuses), **more}, safe=',')}"
