"""Nodes in the back office: which are there, and which does the installation follow?"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from energyopti.feeds.admin import LookOnly
from markets import services
from markets.models import FollowedNode, Node

BACKFILL_DAYS = 30


@admin.register(Node)
class NodeAdmin(LookOnly):
    """Which nodes are there, and when were they in force?"""

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

    @admin.action(description=f"Follow, and fetch the last {BACKFILL_DAYS} days", permissions=["change_follow"])
    def follow(self, request: HttpRequest, rows: QuerySet[Node]) -> None:
        self._each_world(request, rows, "now followed", lambda **who: services.follow(backfill_days=BACKFILL_DAYS, **who))

    @admin.action(description="Stop following", permissions=["change_follow"])
    def unfollow(self, request: HttpRequest, rows: QuerySet[Node]) -> None:
        self._each_world(request, rows, "no longer followed", services.unfollow)

    def has_change_follow_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("markets.change_followednode")

    def _each_world(self, request: HttpRequest, rows: QuerySet[Node], done: str, act: Any) -> None:
        changed = 0
        for sandbox in (False, True):
            if ids := list(rows.filter(sandbox=sandbox).values_list("pnode_id", flat=True)):
                changed += len(act(nodes=ids, sandbox=sandbox, user=request.user, reason="back office"))
        messages.success(request, f"{changed} nodes {done}")


@admin.register(FollowedNode)
class FollowedNodeAdmin(LookOnly):
    """Which nodes do scheduled pulls take?"""

    list_display = ("pnode_id", "sandbox", "since", "backfill_days", "user")
    list_filter = ("sandbox",)
    search_fields = ("=pnode_id",)
    ordering = ("sandbox", "pnode_id")
