"""What following a node costs: requests and minutes, by feed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from energyopti.feeds.models import Coverage
from markets import services
from markets.models import FollowedNode, Node
from markets.queries.directory import UnknownNode

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 6, 20, 16, tzinfo=UTC)  # noon in the market


@pytest.fixture(autouse=True)
def public_rate(settings) -> None:
    settings.SANDBOX, settings.PJM_API_KEY, settings.PJM_MEMBER, settings.PJM_RATE_LIMIT_DELAY = "off", "key", False, ""


@pytest.fixture
def nodes() -> list[Node]:
    start = datetime(2010, 6, 1, tzinfo=UTC)
    kinds = {1: "ZONE", 2: "HUB", 7: "LOAD"}
    return [
        Node.objects.create(sandbox=False, pnode_id=pk, name=f"N{pk}", type=kind, effective_from=start, origin="pnode")
        for pk, kind in kinds.items()
    ]


def costs(days: int, **options: Any) -> dict[str, tuple[int, int, int]]:
    told = services.follow_cost(nodes=[7], sandbox=False, backfill_days=days, now=NOW, **options)
    return {cost.feed.removeprefix("pjm."): (cost.windows, cost.rows, cost.requests) for cost in told}


def test_a_month_of_three_nodes_is_a_request_a_feed(nodes: list[Node]) -> None:
    # windows: market days touched by the 30 days, whole by now: day-ahead runs to tomorrow, verified prices come at noon
    assert costs(30) == {
        "da_hrl_lmps": (31, 31 * 24 * 3, 1),
        "rt_hrl_lmps": (30, 30 * 24 * 3, 1),
        "rt_fivemin_hrl_lmps": (30, 30 * 288 * 3, 1),
        "rt_unverified_fivemin_lmps": (30, 30 * 288 * 3, 1),
    }


def test_minutes_are_at_six_requests_a_minute(nodes: list[Node]) -> None:
    told = services.follow_cost(nodes=[7], sandbox=False, backfill_days=30, now=NOW)
    assert sum(cost.minutes for cost in told) == pytest.approx(4 / 6)


def test_the_archive_takes_no_node_filter_and_costs_by_far_more(nodes: list[Node]) -> None:
    """Five-minute prices are archived after 186 days: one such day holds all 13,600 nodes, 79 pages of 50,000 rows."""
    recent, older = costs(180)["rt_fivemin_hrl_lmps"], costs(200)["rt_fivemin_hrl_lmps"]
    assert older[0] - recent[0] == 20
    assert older[2] - recent[2] > 13 * 79


def test_no_backfill_costs_nothing(nodes: list[Node]) -> None:
    assert costs(0) == {}


def test_looking_at_the_cost_changes_nothing(nodes: list[Node]) -> None:
    costs(30)
    assert not FollowedNode.objects.exists()
    assert not FollowedNode.history.exists()
    assert not Coverage.objects.exists()


def test_what_was_estimated_is_what_is_reopened(nodes: list[Node], monkeypatch: pytest.MonkeyPatch) -> None:
    told = costs(30)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    services.follow(nodes=[7], sandbox=False, backfill_days=30)
    opened = {feed: Coverage.objects.filter(feed=f"pjm.{feed}").count() for feed in told}
    assert opened == {feed: windows for feed, (windows, _, _) in told.items()}


def test_an_unknown_node_is_named(nodes: list[Node]) -> None:
    with pytest.raises(UnknownNode, match="99"):
        services.follow_cost(nodes=[99], sandbox=False, backfill_days=30, now=NOW)
