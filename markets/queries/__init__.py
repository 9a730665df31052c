"""All reads of the markets app: prices, their revisions and gaps, nodes."""

from markets.queries.directory import followed, nodes, resolve
from markets.queries.gaps import gaps
from markets.queries.latest import latest
from markets.queries.live import lying_live
from markets.queries.prices import prices
from markets.queries.revisions import revisions
from markets.queries.series import choose

__all__ = ["choose", "followed", "gaps", "latest", "lying_live", "nodes", "prices", "resolve", "revisions"]
