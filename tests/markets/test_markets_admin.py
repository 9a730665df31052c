from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from energyopti.organisations.models import User
from markets.models import FollowedNode, Node

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss", "boss@example.org", "secret"))
    return client


@pytest.fixture
def node() -> Node:
    start = datetime(2010, 6, 1, tzinfo=UTC)
    return Node.objects.create(sandbox=False, pnode_id=7, name="A  13 KV", type="LOAD", effective_from=start, origin="pnode")


def test_nodes_are_listed_and_never_typed(office: Client, node: Node) -> None:
    assert "A  13 KV" in office.get("/admin/markets/node/").content.decode()
    assert office.get("/admin/markets/node/add/").status_code == 403


def test_chosen_nodes_are_followed_and_left_again(office: Client, node: Node) -> None:
    for action, left in (("follow", [7]), ("unfollow", [])):
        answer = office.post("/admin/markets/node/", {"action": action, "_selected_action": [node.pk]}, follow=True)
        assert "1 nodes" in answer.content.decode()
        assert list(FollowedNode.objects.values_list("pnode_id", flat=True)) == left
    assert FollowedNode.history.filter(pnode_id=7).latest().history_user.username == "boss"


def test_who_may_only_look_may_not_choose(client: Client, node: Node) -> None:
    client.force_login(User.objects.create_user("guest", password="secret", is_staff=True))
    assert client.post("/admin/markets/node/", {"action": "follow", "_selected_action": [node.pk]}).status_code == 403
    assert not FollowedNode.objects.exists()
