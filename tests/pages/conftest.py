"""Somebody who is logged in."""

from __future__ import annotations

import pytest
from django.test import Client

from energyopti.organisations.models import User


@pytest.fixture
def user() -> User:
    return User.objects.create_user("trader", password="a long password")


@pytest.fixture
def person(client: Client, user: User) -> Client:
    client.force_login(user)
    return client
