from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from energyopti.organisations.models import User


@pytest.fixture
def api(db: None, settings: Any) -> APIClient:
    settings.API_RATE = "1000000/minute"  # properties page through more than a person's budget
    client = APIClient()
    client.force_authenticate(User.objects.create_user("trader"))
    return client
