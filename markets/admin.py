"""Nodes in the back office: which are there, and which does the installation follow?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from energyopti.backoffice.base import LookOnly
from energyopti.backoffice.reasons import Deed, Plan, ShortReasonForm, ask_for_rows
from energyopti.errors import NotConfigured
from energyopti.feeds.estimate import Cost
from energyopti.organisations.models import User
from markets import services
from markets.models import FollowedNode, Node

BACKFILL_DAYS, MOST_DAYS = 30, 1830
SHELF = "Nodes"
NAMED = 10  # nodes that a confirmation names


class FollowForm(ShortReasonForm):
    backfill_days = forms.IntegerField(
        label="Days to fetch backwards",
        min_value=0,
        max_value=MOST_DAYS,
        help_text="0: from now on only. Show the cost again after a change.",
    )


@admin.register(Node)
class NodeAdmin(LookOnly):
    """Which nodes are there, and when were they in force?"""

    organisation_path = None
    shelf, place = SHELF, 10
    list_display = ("pnode_id", "name", "type", "kind", "zone", "voltage", "effective_from", "effective_to", "origin", "sandbox", "chosen")
    list_filter = ("type", "kind", "origin", "sandbox", "zone")
    search_fields = ("name", "=pnode_id")
    ordering = ("pnode_id", "effective_from")
    actions = ("follow", "unfollow")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        chosen = FollowedNode.objects.filter(sandbox=OuterRef("sandbox"), pnode_id=OuterRef("pnode_id"))
        rows: QuerySet[Any] = super().get_queryset(request).annotate(chosen=Exists(chosen))
        return rows

    @admin.display(boolean=True, description="chosen to follow")
    def chosen(self, node: Any) -> bool:
        return bool(node.chosen)

    def has_change_follow_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("markets.change_followednode")

    @admin.action(description="Follow, with a backfill", permissions=["change_follow"])
    def follow(self, request: HttpRequest, rows: QuerySet[Node]) -> HttpResponse:
        deed = Deed(
            title="Follow nodes",
            button="Follow",
            form=FollowForm,
            plan=partial(_follow_plan, rows),
            act=partial(_follow, rows, cast(User, request.user)),
            back=reverse("admin:markets_node_changelist"),
            initial={"backfill_days": BACKFILL_DAYS},
        )
        return ask_for_rows(self, request, deed, action="follow")

    @admin.action(description="Stop following", permissions=["change_follow"])
    def unfollow(self, request: HttpRequest, rows: QuerySet[Node]) -> HttpResponse:
        return ask_for_rows(self, request, _unfollowing(rows, request, reverse("admin:markets_node_changelist")), action="unfollow")


@admin.register(FollowedNode)
class FollowedNodeAdmin(LookOnly):
    """Which nodes do scheduled pulls take?"""

    organisation_path = None
    shelf, place = SHELF, 20
    list_display = ("pnode_id", "name", "sandbox", "since", "backfill_days", "user")
    list_filter = ("sandbox",)
    list_select_related = ("user",)
    search_fields = ("=pnode_id",)
    date_hierarchy = "since"
    ordering = ("sandbox", "pnode_id")
    actions = ("unfollow",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        named = Node.objects.filter(sandbox=OuterRef("sandbox"), pnode_id=OuterRef("pnode_id")).order_by("-effective_from")
        rows: QuerySet[Any] = super().get_queryset(request).annotate(node_name=named.values("name")[:1])
        return rows

    @admin.display(description="name")
    def name(self, row: Any) -> str:
        return str(row.node_name or "")

    def has_change_follow_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("markets.change_followednode")

    @admin.action(description="Stop following", permissions=["change_follow"])
    def unfollow(self, request: HttpRequest, rows: QuerySet[FollowedNode]) -> HttpResponse:
        return ask_for_rows(self, request, _unfollowing(rows, request, reverse("admin:markets_followednode_changelist")), action="unfollow")


Rows = QuerySet[Node] | QuerySet[FollowedNode]


def _worlds(rows: Rows) -> Iterator[tuple[bool, list[int]]]:
    """Sandbox or not, and the selected ids there."""
    for sandbox in (False, True):
        if ids := sorted(set(rows.filter(sandbox=sandbox).order_by().values_list("pnode_id", flat=True))):
            yield sandbox, ids


def _named(sandbox: bool, ids: list[int]) -> str:
    listed = ", ".join(map(str, ids[:NAMED])) + (f" and {len(ids) - NAMED} more" if len(ids) > NAMED else "")
    return f"{len(ids)} {'sandbox ' if sandbox else ''}{'node' if len(ids) == 1 else 'nodes'}: {listed}"


def _follow_plan(rows: QuerySet[Node], parameters: Mapping[str, Any]) -> Plan:
    days, now = parameters["backfill_days"], timezone.now()
    told: list[str] = []
    costs: list[Cost] = []
    for sandbox, ids in _worlds(rows):
        told.append(f"Scheduled pulls take {_named(sandbox, ids)}.")
        try:
            costs += services.follow_cost(nodes=ids, sandbox=sandbox, backfill_days=days, now=now)
        except NotConfigured as problem:  # following is possible; its windows wait until the feed can be asked
            told.append(f"What the backfill takes cannot be said now: {problem.detail}.")
    if days:
        told.append(f"The last {days} days are pulled again for all followed nodes, after everything that is more urgent.")
        told.append(_in_all(costs))
    return Plan(tuple(told), ("feed", "market days", "rows, about", "requests", "minutes"), tuple(map(_cost_row, costs)))


def _in_all(costs: list[Cost]) -> str:
    """The feeds of one upstream wait in one queue: their minutes add up."""
    requests, minutes = sum(cost.requests for cost in costs), sum(cost.minutes for cost in costs)
    return f"In all about {requests:,} requests, {minutes:,.1f} minutes at the rate that the upstream allows now."


def _cost_row(cost: Cost) -> tuple[Any, ...]:
    return f"{cost.title} ({cost.feed})", cost.windows, f"{cost.rows:,}", f"{cost.requests:,}", f"{cost.minutes:,.1f}"


def _follow(rows: QuerySet[Node], user: User, parameters: Mapping[str, Any], reason: str) -> str:
    follow = partial(services.follow, backfill_days=parameters["backfill_days"])
    return f"{_each_world(rows, user, reason, follow)} nodes are followed now that were not before."


def _unfollowing(rows: Rows, request: HttpRequest, back: str) -> Deed:
    return Deed(
        title="Stop following nodes",
        button="Stop following",
        form=ShortReasonForm,
        plan=partial(_unfollow_plan, rows),
        act=partial(_unfollow, rows, cast(User, request.user)),
        back=back,
    )


def _unfollow_plan(rows: Rows, parameters: Mapping[str, Any]) -> Plan:
    told = [f"Scheduled pulls no longer take {_named(sandbox, ids)}." for sandbox, ids in _worlds(rows)]
    return Plan((*told, "Their stored prices stay."))


def _unfollow(rows: Rows, user: User, parameters: Mapping[str, Any], reason: str) -> str:
    return f"{_each_world(rows, user, reason, services.unfollow)} nodes are no longer followed."


@transaction.atomic
def _each_world(rows: Rows, user: User, reason: str, act: Callable[..., tuple[int, ...]]) -> int:
    worlds = list(_worlds(rows))  # read before the first change: it may be the selection that changes
    return sum(len(act(nodes=ids, sandbox=sandbox, user=user, reason=reason)) for sandbox, ids in worlds)
