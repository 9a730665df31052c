"""All reads of the markets app: prices, their revisions and gaps, nodes."""

from markets.queries.chunks import chunks, readings, revision_chunks, revision_readings
from markets.queries.congestion import congestion, top_congested
from markets.queries.directory import followed, is_sandbox, listed_at, names, nodes, resolve
from markets.queries.gaps import gaps
from markets.queries.latest import latest, read_latest
from markets.queries.live import lying_live
from markets.queries.naming import called, list_stamp
from markets.queries.prices import prices
from markets.queries.revisions import revisions
from markets.queries.rows import Asked
from markets.queries.series import choose
from markets.queries.window import completeness, completeness_at, counted, stamp

__all__ = [
    "Asked",
    "called",
    "choose",
    "chunks",
    "completeness",
    "completeness_at",
    "congestion",
    "counted",
    "followed",
    "gaps",
    "is_sandbox",
    "latest",
    "list_stamp",
    "listed_at",
    "lying_live",
    "names",
    "nodes",
    "prices",
    "read_latest",
    "readings",
    "resolve",
    "revision_chunks",
    "revision_readings",
    "revisions",
    "stamp",
    "top_congested",
]
