"""How the upstream says no. The 400 texts on archived data are quoted from its Guide for Historic Data Retrieval.

The others are shaped alike; the guide does not quote them.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any


class Refused(Exception):
    """An answer that is not data: `body` as JSON, or plain text where it is a str."""

    def __init__(self, status: int, body: dict[str, Any] | str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers or {}


def invalid(field: str, message: str, *detail: str) -> Refused:
    error: dict[str, Any] = {"field": field, "message": message}
    return Refused(400, {"errors": [error | ({"detail": list(detail)} if detail else {})]})


def no_date() -> Refused:
    text = "A datetime is missing. Please input values for datetime_beginning_ept or datetime_beginning_utc"
    return invalid("Filters", text, "datetime_filter")


def crosses_cutoff() -> Refused:
    return invalid(
        "Filters",
        "Date range in the API request spans over archived and standard data. "
        "Please update the request. Refer to API Guide for more information.",
    )


def not_one_year() -> Refused:
    return invalid("Filters", "Archived data date range must be within same calendar year. Please enter valid dates")


def order_in_archive() -> Refused:
    return invalid("Order", "Custom Order is not an available option on archived data. Please remove order from the request")


def sort_in_archive(name: str) -> Refused:
    return invalid("Sort", "Custom Sort is not an available option on archived data. Please remove sort from the request", name)


def attributes_in_archive(names: list[str]) -> Refused:
    titled = ", ".join("_".join(part.capitalize() for part in name.split("_")) for name in names)
    text = f"The API request contains invalid attribute(s) for archived data - {titled}. Please update the request and retry."
    return invalid("Filters", text, *names)


def too_long() -> Refused:
    return invalid("Filters", "Error: Date range cannot exceed 366 days")


def not_found(path: str) -> Refused:
    return _platform(404, "Resource not found", f"There is no feed at {path}")


def not_acceptable() -> Refused:
    return _platform(406, "Not acceptable", "The sandbox answers JSON alone")


def _platform(status: int, message: str, details: str) -> Refused:
    stamp = datetime.now(UTC).isoformat(timespec="seconds")
    activity = str(uuid.uuid4())
    body = {"data": None, "code": status, "message": message, "activityId": activity, "timestamp": stamp, "detailedMessage": details}
    return Refused(status, body)


def no_key(given: str) -> Refused:
    """The gateway's own words, not Data Miner's."""
    reason = (
        "invalid subscription key. Make sure to provide a valid key for an active subscription"
        if given
        else ("missing subscription key. Make sure to include subscription key when making requests to an API")
    )
    return Refused(401, {"statusCode": 401, "message": f"Access denied due to {reason}."})


def too_many(retry_after: float | None) -> Refused:
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return Refused(429, {"statusCode": 429, "message": "Rate limit is exceeded. Try again later."}, headers=headers)
