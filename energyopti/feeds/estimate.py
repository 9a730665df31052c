"""What a pull will cost before anybody asks for it: requests, and minutes at the upstream's rate."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from energyopti.errors import UpstreamRefused
from energyopti.feeds import registry
from energyopti.feeds.feed import Answer, Feed, NodeSet, Pull, Request
from energyopti.intervals import Span

Rows = Callable[[Pull], int]


@dataclass(frozen=True, slots=True)
class Cost:
    """About what pulling `windows` of one feed takes. `minutes` counts waiting for turns alone: other work makes it longer."""

    feed: str
    title: str
    windows: int
    rows: int
    requests: int
    delay: float  # seconds between two requests

    @property
    def minutes(self) -> float:
        return self.requests * self.delay / 60


def rows_asked(pull: Pull) -> int:
    """Rows of the nodes that were named: fewer than an answer holds where an upstream cannot filter by node."""
    return len(pull.nodes or ()) * sum(pull.feed.per_node(window) for window in pull.windows)


def cost(feed: Feed, windows: Sequence[Span], nodes: NodeSet, *, sandbox: bool, now: datetime, rows: Rows = rows_asked) -> Cost:
    """By the upstream's own plan, without asking it anything. `rows` says how many rows the answers to a pull hold.

    Raises NotConfigured where the feed cannot be reached, InvalidInput where the plan refuses the nodes.
    """
    upstream = registry.upstream(feed.upstream)
    delay = upstream.endpoint().delay
    # a copy: what it concludes from our refusal to ask must not stay with the one that pulls
    planner = copy.deepcopy(upstream)
    kinds = feed.nodes.kinds(nodes.ids, sandbox=sandbox) if feed.nodes and nodes.ids else {}
    pulls = planner.plan(feed, windows, nodes, kinds=kinds, now=now, ask=_not_now) if windows else []
    counted = [(pull, rows(pull)) for pull in pulls]
    return Cost(
        feed=feed.name,
        title=feed.title,
        windows=len(windows),
        rows=sum(each for _, each in counted),
        requests=sum(_pages(pull, each) for pull, each in counted),
        delay=delay,
    )


def _not_now(request: Request) -> Answer:
    raise UpstreamRefused("an estimate asks nothing")


def _pages(pull: Pull, rows: int) -> int:
    """Each span is paged for itself, with its share of the rows; one without rows still takes a question."""
    spans = [span for span in pull.spans if span is not None]
    if not spans:
        return max(1, math.ceil(rows / pull.page_rows))
    whole = sum(span.length.total_seconds() for span in spans)
    shares = (rows * span.length.total_seconds() / whole for span in spans)
    return sum(max(1, math.ceil(round(share, 6) / pull.page_rows)) for share in shares)
