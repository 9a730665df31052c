"""Endpoints of the installation itself."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from energyopti.api import shapes
from energyopti.api.auth import HasScope
from energyopti.api.base import Endpoint, Meta
from energyopti.api.cursor import Key
from energyopti.api.idempotency import idempotent
from energyopti.api.listed import RowsAnswer
from energyopti.api.params import Kind, Parameter, read_instant
from energyopti.api.permissions import Staff
from energyopti.api.table import Answer, TableEndpoint
from energyopti.errors import ReversedSpan
from energyopti.feeds import asking, completeness, registry
from energyopti.feeds.models import Coverage as Window
from energyopti.feeds.queries import FeedOverview, feed_overview
from energyopti.intervals import Span
from energyopti.organisations import queries
from energyopti.organisations.models import APIKey, User


class Feeds(TableEndpoint):
    """Every feed: where it comes from, when it ran, how complete it is."""

    columns = shapes.FEED_COLUMNS
    meta_example = {"source": "this installation", "licence": None, "sandbox": False, "freshness": "2026-11-24T18:40:03Z", "complete": None}

    def answer(self, asked: dict[str, Any]) -> Answer:
        rows = [_feed_row(feed) for feed in feed_overview()]
        freshness = max((row.last_run_at for row in rows if row.last_run_at), default=None)
        meta = Meta(source="this installation", sandbox=any(row.sandbox for row in rows), freshness=freshness)

        def read(after: Key | None, limit: int) -> Sequence[SimpleNamespace]:
            return [row for row in rows if after is None or row.name > after[0]][:limit]

        return RowsAnswer(
            columns=self.columns,
            key=("name",),
            name="feeds",
            read=read,
            about=lambda: meta,
            stamped=lambda: hashlib.sha256(repr(rows).encode()).hexdigest(),
        )


def _feed_row(feed: FeedOverview) -> SimpleNamespace:
    told = {name: getattr(feed, name) for name in feed.__slots__ if name not in ("licence", "last_run_id")}
    licence = feed.licence
    told |= {"licence": licence.text, "licence_url": licence.url}
    told |= {f"licence_{what}": getattr(licence, what) for what in ("display", "derive", "export")}
    return SimpleNamespace(**told)


class Coverage(TableEndpoint):
    """Which market days are whole, window by window: what should be there, what is, and why something is not."""

    columns = shapes.COVERAGE_COLUMNS
    parameters = (
        Parameter("feed", "one feed, as /feeds names it; left out: all", example="pjm.rt_hrl_lmps"),
        Parameter("start_date", "the first market day; left out: from the beginning", kind=Kind.DAY, example="2026-11-01"),
        Parameter("end_date", "the last market day, included; left out: to the end", kind=Kind.DAY, example="2026-11-01"),
        Parameter("status", "only windows of these statuses, separated by commas", kind=Kind.TEXTS, choices=tuple(Window.Status.values)),
    )
    meta_example = {
        "source": "this installation",
        "licence": None,
        "sandbox": False,
        "freshness": "2026-11-02T18:20:41Z",
        "complete": False,
        "windows": 1,
        "expected": 575,
        "stored": 570,
        "missing": 5,
    }

    def answer(self, asked: dict[str, Any]) -> Answer:
        if asked["start_date"] and asked["end_date"] and asked["end_date"] < asked["start_date"]:
            raise ReversedSpan("end_date is before start_date; it is the last day, included", field="end_date")
        question = completeness.question(feed=asked["feed"], first=asked["start_date"], last=asked["end_date"])
        tally = completeness.tally(question)
        return RowsAnswer(
            columns=self.columns,
            key=("feed", "window_start", "node_set"),
            name="coverage",
            read=lambda after, limit: completeness.windows(question, statuses=asked["status"], after=cast(Any, after), limit=limit),
            about=functools.partial(_coverage_meta, question, tally),
            stamped=lambda: repr((tally, [(feed.name, sandbox) for feed, sandbox in question.feeds])),
        )


def _coverage_meta(question: completeness.Question, tally: completeness.Tally) -> Meta:
    counted = {"windows": tally.windows, "expected": tally.expected, "stored": tally.stored, "missing": tally.expected - tally.stored}
    return Meta(source="this installation", sandbox=question.sandbox, freshness=tally.checked_at, complete=tally.complete, more=counted)


class Pulls(Endpoint):
    permission_classes = (IsAuthenticated, HasScope, Staff)

    @extend_schema(
        operation_id="pull",
        summary="Ask for a pull of one feed",
        request=shapes.PullBody,
        responses={202: shapes.PullShape},
        examples=[
            OpenApiExample("a pull", shapes.PULL_BODY_EXAMPLE, request_only=True),
            OpenApiExample("queued", shapes.PULL_EXAMPLE, response_only=True, status_codes=["202"]),
        ],
    )
    @idempotent
    def post(self, request: Request, feed: str) -> Response:
        """A worker pulls the market days that the span touches, soon. `coverage` shows what has come in.

        For staff, with the scope write.
        """
        chosen = registry.feed(feed)
        body = shapes.PullBody(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        span = Span(*(read_instant(given[edge], field=edge) for edge in ("start", "end")))
        asked = asking.ask_pull(
            feed=chosen,
            span=span,
            nodes=given.get("nodes"),
            user=cast(User, request.user),
            reason=given["reason"],
            now=timezone.now(),
        )
        days = urlencode({"feed": asked.feed, "start_date": asked.first_day, "end_date": asked.last_day})
        told = {**asdict(asked), "coverage": f"{reverse('api-coverage')}?{days}"}
        return Response(shapes.PullShape(told).data, status=202)


class Me(Endpoint):
    @extend_schema(operation_id="me", summary="Who you are here, and where you belong", responses=shapes.MeShape)
    def get(self, request: Request) -> Response:
        user = cast(User, request.user)
        key = cast(Any, request.auth)
        me = {"username": user.username, "organisations": queries.memberships_of(user), "api_key": key if isinstance(key, APIKey) else None}
        return Response(shapes.MeShape(me).data)
