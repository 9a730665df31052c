"""Runs, raw answers, refused rows, coverage: what the machine wrote, and the two actions on it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone

from energyopti.backoffice.base import LookOnly, seen_row
from energyopti.backoffice.reasons import Deed, Plan, ReasonForm, ask_for_rows
from energyopti.feeds import coverage, office, registry, tasks
from energyopti.feeds.models import Coverage, Payload, Quarantine, SyncRun
from energyopti.organisations.models import User

CAME_IN, MISSING, REFUSED = "What came in", "What is missing", "What was refused"
LISTED = 50  # rows that a confirmation shows one by one


@admin.register(SyncRun)
class SyncRunAdmin(LookOnly):
    """What came in, and when?"""

    organisation_path = None
    shelf, place = CAME_IN, 20
    list_display = ("id", "feed", "sandbox", "trigger", "status", "standing", "started_at", "rows_read", "quarantined", "user", "reason")
    list_filter = ("feed", "sandbox", "status", "trigger")
    list_select_related = ("user",)
    search_fields = ("source", "error", "reason")
    date_hierarchy = "started_at"
    ordering = ("-id",)
    actions = ("replay",)
    change_form_template = "admin/feeds/syncrun/change_form.html"

    def note(self, request: HttpRequest) -> str:
        return office.runs_note()

    @admin.display(description="windows")
    def standing(self, run: SyncRun) -> str:
        standing = office.run_standing(run)
        return f"{standing.done} of {standing.total}" if standing.total else str(standing.done)

    def get_urls(self) -> list[Any]:
        progress = self.admin_site.admin_view(self.progress)
        return [path("<int:pk>/progress/", progress, name="feeds_syncrun_progress"), *super().get_urls()]

    def progress(self, request: HttpRequest, pk: int) -> JsonResponse:
        return JsonResponse(office.run_standing(seen_row(self, request, pk)).as_json())

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any) -> TemplateResponse:
        run: SyncRun = context["original"]
        progress = reverse("admin:feeds_syncrun_progress", args=[run.pk])
        context |= {"standing": office.run_standing(run), "detail": office.run_detail(run), "progress_url": progress}
        return cast(TemplateResponse, super().render_change_form(request, context, *args, **options))

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("feeds.add_syncrun")

    @admin.action(description="Replay from the archive", permissions=["replay"])
    def replay(self, request: HttpRequest, rows: QuerySet[SyncRun]) -> HttpResponse:
        runs = list(rows.annotate(answers=Count("payloads", filter=Q(payloads__dropped_at=None))).order_by("pk"))
        deed = Deed(
            title="Replay runs",
            button="Replay",
            form=ReasonForm,
            plan=partial(_replay_plan, runs),
            act=partial(_replay, runs, cast(User, request.user)),
            back=reverse("admin:feeds_syncrun_changelist"),
        )
        return ask_for_rows(self, request, deed, action="replay")


def _replayable(run: Any) -> bool:
    return bool(run.answers) and run.feed in registry.feeds()


def _replay_plan(runs: list[Any], parameters: Mapping[str, Any]) -> Plan:
    possible = sum(map(_replayable, runs))
    told = (
        f"What {possible} of {len(runs)} runs archived is parsed and stored again by a worker. The upstream is not asked.",
        "Prices that come out as they are stored change nothing; each replay is a run of its own, with your name and your reason.",
    )
    rows = tuple(
        (run.pk, run.feed, f"{run.started_at:%Y-%m-%d %H:%MZ}", run.answers, "replay" if _replayable(run) else "nothing archived: left out")
        for run in runs[:LISTED]
    )
    return Plan(told, ("run", "feed", "started", "raw answers", "what happens"), rows, possible=bool(possible))


def _replay(runs: list[Any], user: User, parameters: Mapping[str, Any], reason: str) -> str:
    chosen = [run for run in runs if _replayable(run)]
    with transaction.atomic():
        for run in chosen:
            transaction.on_commit(partial(tasks.replay_asked.delay, run.feed, run.pk, user_id=user.pk, reason=reason))
    return f"{len(chosen)} replays wait for a worker; each appears here as a run."


@admin.register(Payload)
class PayloadAdmin(LookOnly):
    """Which raw answer is behind it?"""

    organisation_path = None
    shelf, place = CAME_IN, 40
    list_display = ("id", "run", "start_row", "rows", "total_rows", "size", "fetched_at", "dropped_at")
    list_filter = ("run__feed", ("dropped_at", admin.EmptyFieldListFilter))
    search_fields = ("url", "sha256")
    list_select_related = ("run",)
    date_hierarchy = "fetched_at"
    ordering = ("-id",)


@admin.register(Quarantine)
class QuarantineAdmin(LookOnly):
    """What was refused, and why?"""

    organisation_path = None
    shelf, place = REFUSED, 10
    list_display = ("id", "feed", "sandbox", "row", "field", "code", "reason", "created_at")
    list_filter = ("feed", "sandbox", "code")
    search_fields = ("raw", "reason")
    date_hierarchy = "created_at"
    ordering = ("-id",)

    def note(self, request: HttpRequest) -> str:
        return office.refused_note(now=timezone.now())


@admin.register(Coverage)
class CoverageAdmin(LookOnly):
    """What is missing?"""

    organisation_path = None
    shelf, place = MISSING, 10
    list_display = ("feed", "market_day", "status", "missing", "stored", "expected", "reason", "next_attempt_at", "node_set", "sandbox")
    list_filter = ("status", "feed", "sandbox")
    search_fields = ("reason", "node_set")
    date_hierarchy = "window_start"
    ordering = ("-window_start", "feed", "pk")
    actions = ("requeue",)

    def note(self, request: HttpRequest) -> str:
        return office.gaps_note()

    @admin.display(description="market day", ordering="window_start")
    def market_day(self, row: Coverage) -> str:
        feed = registry.feeds().get(row.feed)
        return str(row.window_start.astimezone(feed.zone).date()) if feed else f"{row.window_start:%Y-%m-%d %H:%MZ}"

    def has_requeue_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("feeds.change_coverage")

    @admin.action(description="Re-queue gaps", permissions=["requeue"])
    def requeue(self, request: HttpRequest, rows: QuerySet[Coverage]) -> HttpResponse:
        deed = Deed(
            title="Re-queue gaps",
            button="Ask again",
            form=ReasonForm,
            plan=partial(_requeue_plan, rows),
            act=partial(_requeue, rows, cast(User, request.user)),
            back=reverse("admin:feeds_coverage_changelist"),
        )
        return ask_for_rows(self, request, deed, action="requeue")


def _requeue_plan(rows: QuerySet[Coverage], parameters: Mapping[str, Any]) -> Plan:
    gaps = coverage.pullable(rows).order_by("feed", "window_start")
    windows, left = gaps.count(), rows.count()
    told = (
        f"{windows} of {left} windows are put at the head of the queue of gaps; a worker pulls them now.",
        "Windows that are complete, still running, or of a file nobody can pull are left as they are.",
        "What is stored stays, and counts as it does until the pull has been there.",
    )
    shown = tuple(
        (gap.feed, f"{gap.window_start:%Y-%m-%d %H:%MZ}", gap.node_set, gap.status, gap.missing, gap.reason) for gap in gaps[:LISTED]
    )
    return Plan(told, ("feed", "window from", "nodes", "status", "missing", "reason until now"), shown, possible=bool(windows))


@transaction.atomic
def _requeue(rows: QuerySet[Coverage], user: User, parameters: Mapping[str, Any], reason: str) -> str:
    gaps = list(coverage.pullable(rows))
    asked = coverage.requeue([gap.pk for gap in gaps], who=user.get_username(), reason=reason, now=timezone.now())
    LogEntry.objects.log_actions(user.pk, gaps, CHANGE, f"Re-queued: {reason}")
    transaction.on_commit(tasks.requeue_gaps.delay, robust=True)  # the next beat fills them, too
    return f"{asked} windows are asked for again."
