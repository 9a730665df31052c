"""What is asked of a feed: the parameters of a URL, checked by the upstream's rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from energyopti.sandbox import refusals
from energyopti.sandbox.dates import Range, parse
from energyopti.sandbox.eastern import EASTERN
from energyopti.sandbox.feeds import Feed
from energyopti.sandbox.refusals import Refused, invalid

FEW_ROWS = 50  # what a question without any parameter gets; the upstream's own number is not documented
IN_ARCHIVE = frozenset({"datetime_beginning_ept", "datetime_beginning_utc", "type", "row_is_current", "version_nbr"})
ZONES = {"ept": EASTERN, "utc": UTC}
PAGING = frozenset({"startrow", "rowcount", "download", "sort", "order", "fields", "isactivemetadata", "format", "subscription-key"})


@dataclass(frozen=True, slots=True)
class Limits:
    """What this server allows. `key`: demanded in every question; `gzip` False: answers are sent as they are."""

    rows: int = 50_000
    download_rows: int = 200_000
    key: str = ""
    gzip: bool = True


@dataclass(frozen=True)
class Query:
    """`filters` as they were written; `ept` and `utc` are read from them. `fields` in the feed's own order."""

    feed: Feed
    start_row: int
    row_count: int
    download: bool
    fields: list[str]
    named_fields: list[str]
    filters: list[tuple[str, str]] = field(default_factory=list)
    ept: Range | None = None
    utc: Range | None = None
    sort: str = ""
    descending: bool = False

    def archived(self, now: datetime) -> bool:
        """Whether it is about prices that stand in the archive."""
        limit, span = cutoff(self.feed, now), self.instants()
        return limit is not None and span is not None and span[0] < limit

    def values(self, name: str) -> list[str]:
        """The alternatives of a filter; none where it is not set."""
        return [part.strip() for key, text in self.filters if key == name for part in text.split(";") if part.strip()]

    def instants(self) -> tuple[datetime, datetime] | None:
        """First and last instant that the date filters leave, in UTC; None without any."""
        ends = [r.instants(zone) for r, zone in ((self.ept, EASTERN), (self.utc, UTC)) if r]
        return (max(first for first, _ in ends), min(last for _, last in ends)) if ends else None


def _number(given: dict[str, str], name: str, label: str) -> int:
    text = given.get(name, "")
    if not text.isdecimal() or int(text) < 1:
        raise invalid(label, f"{label} is required and must be a number from 1", name)
    return int(text)


def _paging(given: dict[str, str], limits: Limits) -> tuple[int, int]:
    """startRow and rowCount: both required as soon as any parameter is given, but for rowCount of a download."""
    download = given.get("download", "").lower() == "true"
    if not given:
        return 1, FEW_ROWS
    if download:
        start = _number(given, "startrow", "StartRow") if "startrow" in given else 1
        return start, _number(given, "rowcount", "RowCount") if "rowcount" in given else limits.download_rows
    start, count = _number(given, "startrow", "StartRow"), _number(given, "rowcount", "RowCount")
    if count > limits.rows:
        raise invalid("RowCount", f"RowCount must not exceed {limits.rows}", "rowcount")
    return start, count


def _fields(feed: Feed, text: str) -> tuple[list[str], list[str]]:
    """The columns to send in the feed's order, and the list as the envelope repeats it."""
    everything = [column.name for column in feed.columns]
    named = [name.strip().lower() for name in text.replace(";", ",").split(",") if name.strip()]
    if unknown := [name for name in named if name not in everything]:
        raise invalid("Fields", f"Unknown field(s): {', '.join(unknown)}", *unknown)
    return ([name for name in everything if name in named], named) if named else (everything, sorted(everything))


def _filters(feed: Feed, given: dict[str, str]) -> list[tuple[str, str]]:
    filters = [(name, text) for name, text in given.items() if name not in PAGING]
    allowed = {column.name for column in feed.columns if column.filtered}
    if refused := [name for name, _ in filters if name not in allowed]:
        raise invalid("Filters", f"The API request contains invalid attribute(s) - {', '.join(refused)}.", *refused)
    for name, text in filters:
        column = feed.column(name)
        if column and column.kind == "integer" and not all(part.strip().lstrip("-").isdecimal() for part in text.split(";")):
            raise invalid("Filters", f"The value {text!r} is not a number", name)
        if name == "row_is_current" and text.lower() not in ("true", "false", "all"):
            raise invalid("Filters", "row_is_current must be TRUE, FALSE or all", name)
    return filters


def read(feed: Feed, given: dict[str, str], *, limits: Limits, now: datetime) -> Query:
    """The question in `given` (parameter names in any case). Raises Refused."""
    given = {name.lower(): text for name, text in given.items()}
    given.pop("subscription-key", None)
    if given.get("format", "json").lower() != "json":
        raise refusals.not_acceptable()
    start_row, row_count = _paging(given, limits)
    fields, named = _fields(feed, given.get("fields", ""))
    filters = _filters(feed, given)
    if given.get("order", "asc").lower() not in ("asc", "desc"):
        raise invalid("Order", "Order must be Asc or Desc", given["order"])
    ranges = _ranges(dict(filters), now)
    limit = cutoff(feed, now)
    query = Query(
        feed=feed,
        start_row=start_row,
        row_count=row_count,
        download=given.get("download", "").lower() == "true",
        fields=fields,
        named_fields=named,
        filters=filters,
        ept=ranges.get("ept"),
        utc=ranges.get("utc"),
        sort=given.get("sort", "").lower(),
        descending=given.get("order", "").lower() == "desc",
    )
    if refusal := _archive_refusal(query, given, limit):
        raise refusal
    if query.sort and query.sort not in feed.sorts:
        raise invalid("Sort", f"Sort is not available on {query.sort}", query.sort)
    return query


def _ranges(dates: dict[str, str], now: datetime) -> dict[str, Range]:
    """The date filters by zone. A range that no calendar holds is refused like one that cannot be read."""
    ranges = {}
    for zone, place in ZONES.items():
        name = f"datetime_beginning_{zone}"
        if name in dates:
            ranges[zone] = parse(dates[name], field=name, now=now.astimezone(place).replace(tzinfo=None))
            if not 1900 < ranges[zone].first.year <= ranges[zone].last.year < 2100:
                raise invalid("Filters", f"The value {dates[name]!r} is not a valid date range", name)
    return ranges


def cutoff(feed: Feed, now: datetime) -> datetime | None:
    """The first instant that is not archived: a rolling number of days back, by UTC date."""
    if feed.cutoff_days is None:
        return None
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=feed.cutoff_days)


def _archive_refusal(query: Query, given: dict[str, str], limit: datetime | None) -> Refused | None:
    if limit is None:
        return None
    if (span := query.instants()) is None:
        return refusals.no_date() if given else None
    first, last = span
    if first >= limit:
        return None
    if last >= limit:
        return refusals.crosses_cutoff()
    if first.year != last.year:
        return refusals.not_one_year()
    if "order" in given:
        return refusals.order_in_archive()
    if query.sort:
        return refusals.sort_in_archive(query.sort)
    refused = [name for name, _ in query.filters if name not in IN_ARCHIVE] + ["fields"] * ("fields" in given)
    return refusals.attributes_in_archive(refused) if refused else None
