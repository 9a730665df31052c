"""Endpoints of the installation itself."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from energyopti.api.base import Endpoint, Meta, listing
from energyopti.api.shapes import FeedListShape, FeedShape, MeShape
from energyopti.feeds.queries import feed_overview
from energyopti.organisations import queries
from energyopti.organisations.models import APIKey, User


class Feeds(Endpoint):
    @extend_schema(
        operation_id="feeds", summary="Every feed: where it comes from, when it ran, how complete it is", responses=FeedListShape
    )
    def get(self, request: Request) -> Response:
        feeds = feed_overview()
        freshness = max((feed.last_run_at for feed in feeds if feed.last_run_at), default=None)
        meta = Meta(source="this installation", sandbox=any(feed.sandbox for feed in feeds), freshness=freshness)
        return listing(FeedShape(feeds, many=True).data, meta=meta)


class Me(Endpoint):
    @extend_schema(operation_id="me", summary="Who you are here, and where you belong", responses=MeShape)
    def get(self, request: Request) -> Response:
        user = cast(User, request.user)
        key = cast(Any, request.auth)
        me = {"username": user.username, "organisations": queries.memberships_of(user), "api_key": key if isinstance(key, APIKey) else None}
        return Response(MeShape(me).data)
