"""The one way in: runner(feed, span) → client → archive → parse → store → coverage → event.

Fetching works by pull, storing by window. Each window is committed with its coverage and its event in a transaction
of its own, so a crash leaves whole windows and archived pages, and the next start goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from django.db import DatabaseError

from energyopti.errors import EnergyOptiError, InvalidInput, NotConfigured
from energyopti.feeds import coverage, registry, runs
from energyopti.feeds.client import Client
from energyopti.feeds.coverage import ALL, FOLLOWED
from energyopti.feeds.feed import Answer, Endpoint, Feed, NodeSet, Pull, Request
from energyopti.feeds.limits import Priority
from energyopti.feeds.locks import held_windows
from energyopti.feeds.models import Coverage, SyncRun
from energyopti.feeds.progress import Progress, Silent
from energyopti.feeds.pulls import Fetch, fetch
from energyopti.feeds.runs import Summary, now_utc
from energyopti.feeds.windows import Load, cut, load_windows
from energyopti.intervals import Span

if TYPE_CHECKING:
    from energyopti.organisations.models import User

log = structlog.get_logger(__name__)

Trigger = SyncRun.Trigger
_UNDONE = (Coverage.Status.FAILED, Coverage.Status.PENDING, Coverage.Status.RUNNING)  # a running window may have grown
_PRIORITY = {Trigger.GAP: Priority.GAP, Trigger.RESTATEMENT: Priority.RESTATEMENT, Trigger.BACKFILL: Priority.BACKFILL}


@dataclass
class _Progressed:
    """What the run has seen besides what its counters hold."""

    answered: int = 0
    busy: int = 0
    done: set[datetime] = field(default_factory=set)  # starts of windows stored before a crash
    errors: dict[str, int] = field(default_factory=dict)  # reason → windows

    def failed(self, reason: str, windows: int) -> None:
        self.errors[reason] = self.errors.get(reason, 0) + windows

    def error(self) -> str:
        return "; ".join(f"{reason} ({windows} windows)" if windows > 1 else reason for reason, windows in self.errors.items())


def sync(
    feed: Feed,
    span: Span,
    *,
    nodes: Sequence[str] | Sequence[int] | None = None,
    followed: bool = False,
    trigger: Trigger = Trigger.PERSON,
    user: User | None = None,
    reason: str = "",
    progress: Progress | None = None,
    clock: Callable[[], datetime] = now_utc,
) -> Summary:
    """Pull the windows that `span` touches and store them.

    `nodes`: ids or names; None takes every node the feed has, or with `followed` those the installation follows.
    What went wrong inside the run stands in the Summary and in the windows' coverage, not in an exception.
    Raises InvalidInput, NotConfigured before anything is done.
    """
    started, progress = time.monotonic(), progress or Silent()
    upstream = registry.upstream(feed.upstream)
    endpoint = upstream.endpoint()
    chosen = choose_nodes(feed, nodes, followed=followed, sandbox=endpoint.sandbox)
    windows = feed.windows(span)
    span = Span(windows[0].start, windows[-1].end)
    seen = _Progressed()
    source = "sandbox" if endpoint.sandbox else endpoint.base_url  # the sandbox has another port after each start
    asked: dict[str, Any] = {"feed": feed, "sandbox": endpoint.sandbox, "trigger": trigger, "nodes": chosen, "span": span, "source": source}
    with runs.opened(**asked, user=user, reason=reason) as run:
        client = Client(upstream, endpoint, priority=_PRIORITY.get(trigger, Priority.LIVE))
        progress.start(len(windows))
        try:
            wanted = _sort_out(feed, run, windows, endpoint, clock(), seen)
            progress.windows(seen.answered)
            for pull in _plan(feed, run, wanted, chosen, client, seen, clock):
                _pull(pull, Fetch(run, client, progress), seen, clock)
        finally:
            client.close()
            progress.stop()
        if followed:
            _reopen_if_more_are_followed(feed, chosen, span, sandbox=run.sandbox, now=clock())
        return runs.close(
            run,
            windows=len(windows),
            busy=seen.busy,
            answered=seen.answered,
            error=seen.error(),
            seconds=time.monotonic() - started,
        )


def choose_nodes(feed: Feed, nodes: Sequence[str] | Sequence[int] | None, *, followed: bool, sandbox: bool) -> NodeSet:
    """The node set a run is about. Raises InvalidInput for unknown nodes, or nodes where the feed has none."""
    if feed.nodes is None:
        if nodes:
            raise InvalidInput(f"{feed.name} has no nodes to choose from", field="nodes")
        return NodeSet(ALL)
    if nodes is not None and not nodes:
        raise InvalidInput("no node is named", field="nodes")
    if nodes:
        return coverage.node_set(feed.nodes.resolve([str(node) for node in nodes], sandbox=sandbox))
    if not followed:
        return NodeSet(ALL)
    if not (ids := feed.nodes.followed(sandbox=sandbox)):
        raise NotConfigured(f"no node is followed yet; sync {feed.nodes.feed} first", field="nodes")
    return coverage.node_set(ids, label=FOLLOWED)


def _reopen_if_more_are_followed(feed: Feed, chosen: NodeSet, span: Span, *, sandbox: bool, now: datetime) -> None:
    """Somebody followed a node while the run was under way: its windows are complete without that node, and must be pulled again."""
    if feed.nodes and chosen.ids is not None and set(feed.nodes.followed(sandbox=sandbox)) - set(chosen.ids):
        coverage.reopen(feed=feed, sandbox=sandbox, node_set=FOLLOWED, span=span, now=now)


def _sort_out(feed: Feed, run: SyncRun, windows: list[Span], endpoint: Endpoint, now: datetime, seen: _Progressed) -> list[Span]:
    """The windows to plan for: all but those whole and young in the store.

    Those that this run stored before it crashed are planned again, so that the questions, and with them the
    archived answers, stay the same; they are not stored again.
    """
    young = now - timedelta(seconds=endpoint.cache_seconds)
    rows = Coverage.objects.filter(
        feed=feed.name, sandbox=run.sandbox, node_set=run.node_set, window_start__gte=windows[0].start, window_start__lt=windows[-1].end
    ).values_list("window_start", "status", "run_id", "checked_at")
    own = {start: status for start, status, run_id, _ in rows if run_id == run.pk and status not in _UNDONE}
    seen.done = set(own)
    whole = sum(status == Coverage.Status.COMPLETE for status in own.values())
    runs.count(run, windows_complete=whole, windows_incomplete=len(own) - whole)
    fresh = {start for start, status, _, checked_at in rows if status == Coverage.Status.COMPLETE and checked_at > young} - seen.done
    seen.answered = sum(window.start in fresh for window in windows)
    return [window for window in windows if window.start not in fresh]


def _plan(
    feed: Feed, run: SyncRun, windows: list[Span], nodes: NodeSet, client: Client, seen: _Progressed, clock: Callable[[], datetime]
) -> list[Pull]:
    if not windows:
        return []

    def ask(request: Request) -> Answer:
        runs.count(run, requests=1)
        return client.get(request)

    kinds = feed.nodes.kinds(nodes.ids, sandbox=run.sandbox) if feed.nodes and nodes.ids else {}
    try:
        return client.upstream.plan(feed, windows, nodes, kinds=kinds, now=clock(), ask=ask)
    except EnergyOptiError as problem:
        _fail(feed, run, windows, problem, seen, clock())
        return []


def _pull(pull: Pull, by: Fetch, seen: _Progressed, clock: Callable[[], datetime]) -> None:
    """Fetch one pull and store its windows. What goes wrong fails these windows and leaves the others alone."""
    left = [window for window in pull.windows if window.start not in seen.done]
    by.progress.windows(len(pull.windows) - len(left))
    with held_windows(pull.feed, left, sandbox=by.run.sandbox) as windows:
        seen.busy += len(left) - len(windows)
        others = [window for window in left if window not in windows]
        coverage.record_untouched(feed=pull.feed, run=by.run, windows=others, reason="another worker had it", now=clock())
        by.progress.windows(len(left) - len(windows))
        if not windows:
            return
        now = clock()
        try:
            slices = cut(pull.feed, fetch(pull, by), windows, nodes=pull.nodes, run=by.run)
        except (EnergyOptiError, DatabaseError) as problem:
            _fail(pull.feed, by.run, windows, problem, seen, now)
            by.progress.windows(len(windows))
            return
        load = Load(feed=pull.feed, run=by.run, nodes=pull.nodes, now=now)
        for reason in load_windows(load, slices, progress=by.progress):
            seen.failed(reason, 1)


def _fail(
    feed: Feed, run: SyncRun, windows: Sequence[Span], problem: EnergyOptiError | DatabaseError, seen: _Progressed, now: datetime
) -> None:
    reason = str(problem).strip()
    log.warning("windows.failed", feed=feed.name, run=run.pk, windows=len(windows), reason=reason)
    coverage.record_failure(feed=feed, run=run, windows=windows, reason=reason, now=now)
    runs.count(run, windows_failed=len(windows))
    seen.failed(reason, len(windows))
