"""Guessing with many names, or from many addresses of one network."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import get_user
from django.test import Client
from django.utils import timezone

from energyopti.organisations import lockout
from energyopti.organisations.models import User
from tests.organisations.people import PASSWORD, UserFactory
from tests.organisations.test_login import LOGIN, attempt, fail

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return UserFactory.create(username="trader")


def spray(names: int, **extra: str) -> list[int]:
    return [attempt(Client(), username=f"somebody-{n}", **extra).status_code for n in range(names)]


def test_one_password_is_not_tried_on_everybody(client: Client, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockout, "MOST_FROM_ADDRESS", 6)
    assert spray(7) == [200] * 6 + [429]
    answer = attempt(client, PASSWORD)
    assert (answer.status_code, get_user(client).is_authenticated, AccessAttempt.objects.count()) == (429, False, 6)
    assert 890 <= int(answer["Retry-After"]) <= 900
    assert "After 6 wrong passwords, whatever the names" in answer.content.decode()
    assert attempt(Client(), PASSWORD, REMOTE_ADDR="198.51.100.7").status_code == 302


def test_an_address_opens_when_the_oldest_failures_have_faded(client: Client, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockout, "MOST_FROM_ADDRESS", 6)
    spray(6)
    oldest = AccessAttempt.objects.order_by("attempt_time").first()
    AccessAttempt.objects.filter(pk=oldest.pk).update(attempt_time=timezone.now() - timedelta(minutes=14))
    assert 50 <= int(attempt(client, PASSWORD)["Retry-After"]) <= 60
    AccessAttempt.objects.filter(pk=oldest.pk).update(attempt_time=timezone.now() - timedelta(minutes=15))
    assert attempt(client, PASSWORD).status_code == 302


def test_a_login_of_ones_own_does_not_wipe_the_others_failures(client: Client, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockout, "MOST_FROM_ADDRESS", 6)
    spray(5)
    assert attempt(client, PASSWORD).status_code == 302
    assert [attempt(Client(), username=name).status_code for name in ("another", "one more")] == [200, 429]


@pytest.mark.parametrize(
    ("addresses", "last"),
    [
        ([f"2001:db8:1:2:{n}::1" for n in range(5)], "2001:db8:1:2::ffff"),  # one customer's network
        (["::ffff:198.51.100.7"] * 5, "198.51.100.7"),  # as a proxy on a dual stack writes it
    ],
)
def test_another_address_of_the_same_network_does_not_open_it(user: User, addresses: list[str], last: str) -> None:
    assert [attempt(Client(), REMOTE_ADDR=address).status_code for address in addresses] == [200] * 4 + [429]
    assert attempt(Client(), PASSWORD, REMOTE_ADDR=last).status_code == 429


def test_other_networks_and_other_mapped_addresses_are_others(user: User) -> None:
    for address in ("2001:db8:1:2::1", "::ffff:198.51.100.7"):
        fail(Client(), 5, REMOTE_ADDR=address)
    assert attempt(Client(), PASSWORD, REMOTE_ADDR="2001:db8:1:3::1").status_code == 302
    assert attempt(Client(), PASSWORD, REMOTE_ADDR="::ffff:198.51.100.8").status_code == 302


def test_the_link_of_an_invitation_is_not_kept_of_a_failure(client: Client, user: User) -> None:
    client.post(
        f"{LOGIN}?next=/accounts/invitation/a-secret/", {"username": "trader", "password": "x", "next": "/accounts/invitation/a-secret/"}
    )
    assert "a-secret" not in str(list(AccessAttempt.objects.values()))
