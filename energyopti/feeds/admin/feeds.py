"""Feeds in the back office: they are declared in code, so there is a list to look at, and "sync now"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from energyopti.backoffice.reasons import Deed, Plan, ReasonForm, ask
from energyopti.backoffice.site import Page, office
from energyopti.errors import InvalidInput
from energyopti.feeds import estimate, registry, tasks
from energyopti.feeds import office as reads
from energyopti.feeds.feed import Cut, Feed, NodeSet
from energyopti.feeds.runner import choose_nodes
from energyopti.intervals import Span, market_day
from energyopti.organisations.models import User

VIEW, SYNC = "feeds.view_syncrun", "feeds.add_syncrun"
LONGEST_DAYS = 3660
FOLLOWED, ALL, NAMED = "followed", "all", "named"


def listed(request: HttpRequest) -> HttpResponse:
    """Name, upstream, cadence, licence, last run, completeness, problem, quirks."""
    if not request.user.has_perm(VIEW):
        raise PermissionDenied
    may = {"may_sync": request.user.has_perm(SYNC), "may_upload": request.user.has_perm("feeds.add_upload")}
    context = {**admin.site.each_context(request), "title": "Feeds", "feeds": reads.feed_lines(), **may}
    return TemplateResponse(request, "admin/feeds/feed/list.html", context)


class SyncForm(ReasonForm):
    """Market days, both named ones included."""

    first = forms.DateField(label="First market day", widget=forms.DateInput(attrs={"type": "date"}))
    last = forms.DateField(label="Last market day", widget=forms.DateInput(attrs={"type": "date"}))
    scope = forms.ChoiceField(
        label="Nodes",
        choices=[(FOLLOWED, "those the installation follows"), (ALL, "every node the feed has"), (NAMED, "these:")],
    )
    nodes = forms.CharField(label="Ids or names, separated by commas", required=False, max_length=4000)

    def __init__(self, *args: Any, feed: Feed, **options: Any) -> None:
        super().__init__(*args, **options)
        if feed.nodes is None:
            del self.fields["scope"], self.fields["nodes"]
        if feed.cut is Cut.SNAPSHOT:
            del self.fields["first"], self.fields["last"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form means."""

    feed: Feed
    span: Span
    chosen: NodeSet
    sandbox: bool

    @property
    def followed(self) -> bool:
        return self.chosen.label == FOLLOWED

    @property
    def nodes(self) -> list[int] | None:
        return None if self.followed or self.chosen.ids is None else list(self.chosen.ids)


def sync_now(request: HttpRequest, feed: str) -> HttpResponse:
    if not request.user.has_perm(SYNC):
        raise PermissionDenied
    if feed not in registry.feeds():
        raise Http404
    declared = registry.feed(feed)
    yesterday = timezone.now().astimezone(declared.zone).date() - timedelta(days=1)
    deed = Deed(
        title=f"Sync {declared.title} ({feed}) now",
        button="Sync now",
        form=partial(SyncForm, feed=declared),
        plan=partial(_plan, declared),
        act=partial(_act, declared, cast(User, request.user)),
        back=f"{reverse('admin:feeds_syncrun_changelist')}?feed={feed}",
        initial=_initial(declared, yesterday),
    )
    return ask(request, deed, {**admin.site.each_context(request), "crumbs": [("Feeds", reverse("admin:feeds_feed_changelist"))]})


def _initial(feed: Feed, day: date) -> dict[str, Any]:
    days = {} if feed.cut is Cut.SNAPSHOT else {"first": day, "last": day}
    return days | ({"scope": FOLLOWED, "nodes": ""} if feed.nodes else {})


def _asked(feed: Feed, parameters: Mapping[str, Any]) -> Asked:
    """Raises InvalidInput at the field that cannot be, NotConfigured where the feed cannot be reached."""
    sandbox = registry.upstream(feed.upstream).endpoint().sandbox
    named = [name.strip() for name in parameters.get("nodes", "").split(",") if name.strip()]
    scope = parameters.get("scope", ALL)
    if named and scope != NAMED:
        raise InvalidInput('nodes are named; choose "these:", or leave the names out', field="scope")
    chosen = choose_nodes(feed, named if scope == NAMED else None, followed=scope == FOLLOWED, sandbox=sandbox)
    return Asked(feed, _span(feed, parameters), chosen, sandbox)


def _span(feed: Feed, parameters: Mapping[str, Any]) -> Span:
    if feed.cut is Cut.SNAPSHOT:
        now = timezone.now()
        return Span(now, now + timedelta(microseconds=1))
    first, last = parameters["first"], parameters["last"]
    if last < first:
        raise InvalidInput("the last day is before the first", field="last")
    if (last - first).days >= LONGEST_DAYS:
        raise InvalidInput(f"at most {LONGEST_DAYS} days at once", field="last")
    return Span(market_day(first, feed.zone).start, market_day(last, feed.zone).end)


def _plan(feed: Feed, parameters: Mapping[str, Any]) -> Plan:
    asked = _asked(feed, parameters)
    cost = estimate.cost(feed, feed.windows(asked.span), asked.chosen, sandbox=asked.sandbox, now=timezone.now())
    who = "the sandbox, which invents its data" if asked.sandbox else registry.upstream(feed.upstream).title
    told = [f"A worker asks {who} for {_count(cost.windows, 'window')} in at least {_count(cost.requests, 'request')}{_wait(cost)}."]
    if feed.nodes:
        told.append("It asks for every node." if asked.chosen.ids is None else f"It asks for {_count(len(asked.chosen.ids), 'node')}.")
    told.append("What comes out as it is stored changes nothing. The run bears your name and your reason.")
    return Plan(tuple(told))


def _wait(cost: estimate.Cost) -> str:
    if not cost.delay:
        return ", without a pause between them"
    return f", one every {cost.delay:g} s: {cost.minutes:.1f} minutes or more"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _act(feed: Feed, user: User, parameters: Mapping[str, Any], reason: str) -> str:
    asked = _asked(feed, parameters)
    edges = asked.span.start.isoformat(), asked.span.end.isoformat()
    send = partial(tasks.sync_asked.delay, feed.name, *edges, nodes=asked.nodes, followed=asked.followed)
    transaction.on_commit(partial(send, user_id=user.pk, reason=reason))
    return f"{feed.name} waits for a worker; its run appears here when it begins."


office().add_page(
    Page(
        title="Feeds",
        shelf="What came in",
        place=10,
        permission=VIEW,
        note=lambda request: reads.feeds_note(),
        views=(
            ("feeds/feed/", "feeds_feed_changelist", listed),
            ("feeds/feed/<str:feed>/sync/", "feeds_feed_sync", sync_now),
        ),
    )
)
