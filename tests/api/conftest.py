from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from energyopti.organisations import services
from energyopti.organisations.models import APIKey, User


@pytest.fixture
def user(db) -> User:
    return User.objects.create_user("trader")


@pytest.fixture
def with_key(user: User) -> Callable[..., Client]:
    """A program's client, whose key has a scope."""

    def make(scope: str = "read") -> Client:
        _, secret = services.make_api_key(user=user, name=scope, scope=APIKey.Scope(scope))
        return Client(headers={"Authorization": f"Bearer {secret}"})

    return make


@pytest.fixture
def program(with_key: Callable[..., Client]) -> Client:
    return with_key()
