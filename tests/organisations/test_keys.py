"""API keys: what opens, what does not, and what is kept of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from energyopti.errors import InvalidInput
from energyopti.organisations import services
from energyopti.organisations.errors import NameTaken
from energyopti.organisations.models import APIKey, User
from energyopti.organisations.queries import api_key_for

pytestmark = pytest.mark.django_db
NOON = datetime(2099, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def user() -> User:
    return User.objects.create_user("trader")


def at(instant: datetime) -> object:
    return mock.patch("django.utils.timezone.now", return_value=instant)


def test_a_key_opens_with_its_text(user: User) -> None:
    key, secret = services.make_api_key(user=user, name="excel")
    assert api_key_for(secret) == key


def test_a_key_is_256_random_bits_behind_a_public_prefix(user: User) -> None:
    key, secret = services.make_api_key(user=user, name="excel")
    start, prefix, rest = secret.split("_", 2)
    assert (start, prefix, len(rest)) == ("eo", key.prefix, 43)


def test_the_secret_is_nowhere_in_the_database(user: User) -> None:
    _, secret = services.make_api_key(user=user, name="excel")
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(k)::text FROM organisations_apikey k")
        row = cursor.fetchone()[0]
        cursor.execute("SELECT row_to_json(k)::text FROM organisations_historicalapikey k")
        history = cursor.fetchone()[0]
    assert secret.split("_", 2)[2] not in row + history
    assert APIKey.objects.get().hash not in history


@pytest.mark.parametrize(
    "text", ["", "eo", "eo_", "eo__", "eo_12345678_", "xx_{prefix}_{rest}", "eo_{prefix}_{rest}x", "eo_{prefix}", "eö_{prefix}_{rest}"]
)
def test_what_is_not_the_whole_key_opens_nothing(user: User, text: str) -> None:
    _, secret = services.make_api_key(user=user, name="excel")
    _, prefix, rest = secret.split("_", 2)
    assert api_key_for(text.format(prefix=prefix, rest=rest)) is None


def test_a_revoked_key_opens_nothing(user: User) -> None:
    key, secret = services.make_api_key(user=user, name="excel")
    services.revoke(key=key)
    assert api_key_for(secret) is None


def test_revoking_again_keeps_the_first_instant(user: User) -> None:
    key, _ = services.make_api_key(user=user, name="excel")
    first = services.revoke(key=key).revoked_at
    assert services.revoke(key=key).revoked_at == first


def test_a_key_ends_when_it_expires(user: User) -> None:
    key, secret = services.make_api_key(user=user, name="excel", expires_at=NOON + timedelta(hours=1))
    with at(NOON + timedelta(minutes=59)):
        assert api_key_for(secret) == key
    with at(NOON + timedelta(hours=1)):
        assert api_key_for(secret) is None


def test_the_key_of_somebody_inactive_opens_nothing(user: User) -> None:
    _, secret = services.make_api_key(user=user, name="excel")
    User.objects.update(is_active=False)
    assert api_key_for(secret) is None


def test_a_name_is_one_active_keys(user: User) -> None:
    key, _ = services.make_api_key(user=user, name="excel")
    with pytest.raises(NameTaken, match="revoke it first") as caught:
        services.make_api_key(user=user, name="excel")
    services.revoke(key=key)
    again, _ = services.make_api_key(user=user, name="excel")
    assert (caught.value.field, again.name) == ("name", "excel")


def test_who_was_faster_with_the_same_name_wins(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one commits between our look and our insert: the database says no, in the same words."""
    services.make_api_key(user=user, name="excel")
    monkeypatch.setattr("django.db.models.query.QuerySet.exists", lambda self: False)
    with pytest.raises(NameTaken):
        services.make_api_key(user=user, name="excel")


def test_a_key_needs_a_name(user: User) -> None:
    with pytest.raises(InvalidInput):
        services.make_api_key(user=user, name=" ")


def test_use_is_written_at_most_once_a_minute(user: User, django_assert_num_queries) -> None:
    key, _ = services.make_api_key(user=user, name="excel")
    with at(NOON):
        services.touch(key=key)
    key.refresh_from_db()
    with at(NOON + timedelta(seconds=59)), django_assert_num_queries(0):
        services.touch(key=key)
    with at(NOON + timedelta(seconds=60)), django_assert_num_queries(1):
        services.touch(key=key)
    key.refresh_from_db()
    assert key.last_used_at == NOON + timedelta(seconds=60)


def test_use_makes_no_history(user: User) -> None:
    key, _ = services.make_api_key(user=user, name="excel", reason="for the desk")
    services.touch(key=key)
    services.revoke(key=key, reason="lost")
    rows = key.history.order_by("history_id").values_list("history_type", "history_change_reason")
    assert list(rows) == [("+", "for the desk"), ("~", "lost")]


@pytest.mark.parametrize(
    ("column", "value", "constraint"),
    [
        ("scope", "all", "apikey_scope_known"),
        ("hash", "secret", "apikey_hash_is_sha256"),
        ("name", "", "apikey_named"),
        ("expires_at", timezone.now() - timedelta(days=999), "apikey_expires_after_creation"),
    ],
)
def test_the_database_refuses(user: User, column: str, value: object, constraint: str) -> None:
    key, _ = services.make_api_key(user=user, name="excel")
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        APIKey.objects.filter(pk=key.pk).update(**{column: value})
