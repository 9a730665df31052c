"""The page of one's own API keys."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from energyopti.organisations import services
from energyopti.organisations.models import APIKey, User
from energyopti.organisations.queries import api_key_for
from tests.organisations.people import UserFactory

pytestmark = pytest.mark.django_db
PAGE = "/accounts/keys/"


@pytest.fixture
def user() -> User:
    return UserFactory.create(username="trader")


@pytest.fixture
def person(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def make(person: Client, name: str = "excel", scope: str = "read", lifetime: str = "90"):
    return person.post(PAGE, {"name": name, "scope": scope, "lifetime": lifetime})


def test_a_key_is_shown_once_and_opens(person: Client, user: User) -> None:
    answer = make(person)
    (secret,) = re.findall(r"eo_[0-9a-f]{8}_[\w-]{43}", answer.content.decode())
    assert "no-store" in answer["Cache-Control"]
    assert api_key_for(secret) == APIKey.objects.get(user=user, scope="read")
    assert secret not in person.get(PAGE).content.decode()
    assert Client().get("/api/v1/me", HTTP_AUTHORIZATION=f"Bearer {secret}").json()["username"] == "trader"


@pytest.mark.parametrize(("lifetime", "days"), [("30", 30), ("365", 365), ("never", None)])
def test_it_ends_when_it_was_said_to(person: Client, lifetime: str, days: int | None) -> None:
    make(person, lifetime=lifetime, scope="write")
    key = APIKey.objects.get()
    assert key.scope == "write"
    assert (key.expires_at and (key.expires_at - timezone.now()).days) == (days and days - 1)


@pytest.mark.parametrize("fields", [{"name": ""}, {"name": " "}, {"scope": "all"}, {"lifetime": "0"}, {"name": "x" * 81}])
def test_a_wrong_form_makes_none(person: Client, fields: dict[str, str]) -> None:
    assert (make(person, **fields).status_code, APIKey.objects.count()) == (400, 0)


def test_a_name_is_one_open_keys(person: Client) -> None:
    make(person)
    answer = make(person)
    assert (answer.status_code, APIKey.objects.count()) == (400, 1)
    assert "revoke it first" in answer.content.decode()


def test_a_key_is_revoked(person: Client, user: User) -> None:
    key, secret = services.make_api_key(user=user, name="excel")
    assert person.post(f"{PAGE}{key.pk}/revoke/")["Location"] == PAGE
    assert api_key_for(secret) is None
    assert key.history.latest().history_change_reason == "on the keys page"
    assert "revoked" in person.get(PAGE).content.decode()


def test_nobody_sees_or_revokes_anothers(person: Client) -> None:
    key, secret = services.make_api_key(user=UserFactory.create(), name="theirs")
    assert "theirs" not in person.get(PAGE).content.decode()
    assert person.post(f"{PAGE}{key.pk}/revoke/").status_code == 404
    assert api_key_for(secret) == key


def test_a_stranger_is_sent_to_log_in(client: Client) -> None:
    assert make(client)["Location"] == f"/accounts/login/?next={PAGE}"
    assert APIKey.objects.count() == 0


def test_an_expired_key_is_called_so(person: Client, user: User) -> None:
    key, _ = services.make_api_key(user=user, name="old", expires_at=timezone.now() + timedelta(days=1))
    APIKey.objects.filter(pk=key.pk).update(created_at=timezone.now() - timedelta(days=2), expires_at=timezone.now() - timedelta(days=1))
    page = person.get(PAGE).content.decode()
    assert "expired" in page
    assert f"{key.pk}/revoke" not in page


def test_the_list_takes_the_same_queries_however_long(person: Client, user: User, django_assert_num_queries) -> None:
    for number in range(10):
        services.make_api_key(user=user, name=f"key {number}")
    with django_assert_num_queries(4):  # session, user, keys, those that open
        person.get(PAGE)
