"""What people decide about the markets: which nodes the installation follows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.utils import timezone
from simple_history.utils import bulk_create_with_history

from energyopti.feeds import coverage, estimate, registry
from energyopti.feeds.feed import Pull
from energyopti.intervals import Span
from markets.blocks.nodes import LOCK
from markets.models import FollowedNode
from markets.queries import directory

if TYPE_CHECKING:
    from energyopti.organisations.models import User

DIRECTORY = "pjm.pnode"


@transaction.atomic
def follow(
    *, nodes: Sequence[str] | Sequence[int], sandbox: bool, backfill_days: int = 0, user: User | None = None, reason: str = ""
) -> tuple[int, ...]:
    """Follow these nodes (ids or names) too; the ids that were not followed before.

    The first change by a person makes the usual set a chosen one. Windows of the followed set within `backfill_days` are
    opened again, to be pulled with the new nodes. Raises UnknownNode, AmbiguousNode.
    """
    wanted = directory.resolve([str(node) for node in nodes], sandbox=sandbox)
    now = timezone.now()
    before = _choose(sandbox=sandbox, user=user, reason=reason, now=now)
    fresh = tuple(node for node in wanted if node not in before)
    _add(fresh, sandbox=sandbox, backfill_days=backfill_days, user=user, reason=reason, now=now)
    if fresh and backfill_days:
        _reopen(Span(now - timedelta(days=backfill_days), now), sandbox=sandbox, now=now)
    return fresh


@transaction.atomic
def unfollow(*, nodes: Sequence[str] | Sequence[int], sandbox: bool, user: User | None = None, reason: str = "") -> tuple[int, ...]:
    """Follow these nodes no longer; the ids that were followed. Their prices stay. Raises UnknownNode, AmbiguousNode."""
    wanted = directory.resolve([str(node) for node in nodes], sandbox=sandbox)
    _choose(sandbox=sandbox, user=user, reason=reason, now=timezone.now())
    leaving = list(FollowedNode.objects.filter(sandbox=sandbox, pnode_id__in=wanted).order_by("pnode_id"))
    for row in leaving:
        row._history_user, row._change_reason = user, reason[:100]  # type: ignore[attr-defined]
        row.delete()  # one by one: a bulk delete passes the history by
    return tuple(row.pnode_id for row in leaving)


def _choose(*, sandbox: bool, user: User | None, reason: str, now: datetime) -> Collection[int]:
    """The followed set as rows, under a lock until the transaction ends; the usual set becomes rows when nobody chose before."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK)
    followed = directory.followed(sandbox=sandbox)
    if not directory.chosen_by_people(sandbox=sandbox):
        _add(followed, sandbox=sandbox, backfill_days=0, user=user, reason=reason, now=now)
    return followed


def _add(nodes: Sequence[int], *, sandbox: bool, backfill_days: int, user: User | None, reason: str, now: datetime) -> None:
    rows = [FollowedNode(sandbox=sandbox, pnode_id=node, since=now, backfill_days=backfill_days, user=user) for node in nodes]
    bulk_create_with_history(rows, FollowedNode, default_user=user, default_change_reason=reason[:100])


def _reopen(span: Span, *, sandbox: bool, now: datetime) -> None:
    for feed in registry.feeds().values():
        if feed.nodes is not None and feed.nodes.feed == DIRECTORY:
            coverage.reopen(feed=feed, sandbox=sandbox, node_set=coverage.FOLLOWED, span=span, now=now)


# --- what following would cost ---------------------------------------------------------------------


def follow_cost(*, nodes: Sequence[str] | Sequence[int], sandbox: bool, backfill_days: int, now: datetime) -> list[estimate.Cost]:
    """What the backfill of these nodes takes, for each price feed; changes nothing. Empty without days.

    The reopened windows are pulled for the whole followed set, the new nodes among it. Raises UnknownNode, NotConfigured.
    """
    if not backfill_days:
        return []
    wanted = {*directory.followed(sandbox=sandbox), *directory.resolve([str(node) for node in nodes], sandbox=sandbox)}
    chosen = coverage.node_set(sorted(wanted), label=coverage.FOLLOWED)
    span = Span(now - timedelta(days=backfill_days), now)
    return [
        estimate.cost(feed, coverage.published(feed, span, now=now), chosen, sandbox=sandbox, now=now, rows=answered_rows)
        for feed in registry.feeds().values()
        if feed.nodes is not None and feed.nodes.feed == DIRECTORY
    ]


def answered_rows(pull: Pull) -> int:
    """About how many rows Data Miner's answers hold: without a filter by node, those of every node of the types, or of all."""
    options, slots = pull.feed.options, sum(pull.feed.per_node(window) for window in pull.windows)
    if "pnode_id" in pull.params:
        return len(pull.nodes or ()) * slots
    if types := pull.params.get("type"):
        return int(sum(options["nodes_by_type"][kind] for kind in types.split(";"))) * slots
    return int(options["nodes"]) * slots
