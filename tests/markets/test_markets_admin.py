from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from energyopti.feeds.models import Coverage
from energyopti.organisations.models import User
from markets.models import FollowedNode, Node
from tests.backoffice.people import confirmed, selected, staff

pytestmark = pytest.mark.django_db

NODES, FOLLOWED = "/admin/markets/node/", "/admin/markets/followednode/"


@pytest.fixture(autouse=True)
def public_rate(settings) -> None:
    settings.SANDBOX, settings.PJM_API_KEY, settings.PJM_MEMBER, settings.PJM_RATE_LIMIT_DELAY = "off", "key", False, ""


@pytest.fixture
def office(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss", "boss@example.org", "secret"))
    return client


@pytest.fixture
def node() -> Node:
    start = datetime(2010, 6, 1, tzinfo=UTC)
    return Node.objects.create(sandbox=False, pnode_id=7, name="A  13 KV", type="LOAD", effective_from=start, origin="pnode")


def test_nodes_are_listed_and_never_typed(office: Client, node: Node) -> None:
    assert "A  13 KV" in office.get(NODES).content.decode()
    assert office.get("/admin/markets/node/add/").status_code == 403


def test_the_cost_is_shown_before_anything_is_followed(office: Client, node: Node) -> None:
    page = office.post(NODES, selected("follow", node)).content.decode()
    for part in (
        "Scheduled pulls take 1 node: 7.",
        "In all about 4 requests, 0.7 minutes",
        "Real-time 5-minute LMP, verified (pjm.rt_fivemin_hrl_lmps)",
    ):
        assert part in page
    assert not FollowedNode.objects.exists()


def test_another_depth_costs_otherwise_and_must_be_seen_first(office: Client, node: Node) -> None:
    shown = office.post(NODES, {**selected("follow", node), "backfill_days": "5", "_show": "1"})
    deeper = {**selected("follow", node), "backfill_days": "400", "_confirm": "1", "_shown": shown.context["shown"], "reason": "r"}
    page = office.post(NODES, deeper).content.decode()
    assert "not what you were shown before" in page
    assert not FollowedNode.objects.exists()


def test_nodes_are_followed_with_a_backfill_and_a_reason(office: Client, node: Node) -> None:
    answer = confirmed(office, NODES, "a plant of ours", **selected("follow", node), backfill_days="3")
    assert answer.status_code == 302
    assert FollowedNode.objects.values_list("pnode_id", "backfill_days", "user__username").get() == (7, 3, "boss")
    assert Coverage.objects.filter(status="pending").count() >= 8
    kept = FollowedNode.history.get()
    assert (kept.history_user.username, kept.history_change_reason) == ("boss", "a plant of ours")


@pytest.mark.parametrize("page", [NODES, FOLLOWED])
def test_nodes_are_left_again_with_a_reason(office: Client, node: Node, page: str) -> None:
    confirmed(office, NODES, **selected("follow", node), backfill_days="0")
    row = node if page == NODES else FollowedNode.objects.get()
    assert "no longer take 1 node: 7" in office.post(page, selected("unfollow", row)).content.decode()
    assert confirmed(office, page, "sold", **selected("unfollow", row)).status_code == 302
    assert not FollowedNode.objects.exists()
    kept = FollowedNode.history.filter(pnode_id=7).latest()
    assert (kept.history_type, kept.history_user.username, kept.history_change_reason) == ("-", "boss", "sold")


def test_without_a_key_following_works_and_the_cost_is_said_to_be_unknown(office: Client, node: Node, settings) -> None:
    settings.PJM_API_KEY = ""
    page = office.post(NODES, selected("follow", node)).content.decode()
    assert "cannot be said now: PJM_API_KEY is not set" in page
    confirmed(office, NODES, **selected("follow", node), backfill_days="0")
    assert FollowedNode.objects.get().pnode_id == 7


@pytest.mark.parametrize("days", ["-1", "99999", "many", ""])
def test_a_depth_that_cannot_be_is_refused(office: Client, node: Node, days: str) -> None:
    page = office.post(NODES, {**selected("follow", node), "backfill_days": days, "_confirm": "1", "_shown": "", "reason": "r"})
    assert list(page.context["form"].errors) == ["backfill_days"]
    assert not FollowedNode.objects.exists()


def test_who_may_only_look_may_not_choose(client: Client, node: Node) -> None:
    client.force_login(staff("guest", "markets.view_node"))
    fields = {**selected("follow", node), "backfill_days": "0", "_confirm": "1", "_shown": "x", "reason": "r"}
    client.post(NODES, fields)
    assert "Follow, with a backfill" not in client.get(NODES).content.decode()
    assert not FollowedNode.objects.exists()


def test_who_may_see_nothing_is_refused(client: Client, node: Node) -> None:
    client.force_login(staff("stranger"))
    assert client.post(NODES, selected("follow", node)).status_code == 403
    assert not FollowedNode.objects.exists()


@pytest.mark.parametrize("page", [NODES, FOLLOWED])
def test_a_list_takes_few_queries(office: Client, node: Node, page: str, django_assert_max_num_queries) -> None:
    start = datetime(2010, 6, 1, tzinfo=UTC)
    for pk in range(20, 30):
        Node.objects.create(sandbox=False, pnode_id=pk, name=f"N{pk}", type="HUB", effective_from=start, origin="pnode")
        FollowedNode.objects.create(sandbox=False, pnode_id=pk, since=start, user=User.objects.get())
    with django_assert_max_num_queries(12):
        office.get(page)
