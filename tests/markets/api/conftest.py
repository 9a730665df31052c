from __future__ import annotations

import pytest
from pytest_django.fixtures import SettingsWrapper
from rest_framework.test import APIClient

from energyopti.organisations.models import User


@pytest.fixture
def api(db: None, settings: SettingsWrapper) -> APIClient:
    settings.API_RATE = "1000000/minute"  # properties page through more than a person's budget
    client = APIClient()
    client.force_authenticate(User.objects.create_user("trader"))
    return client
