from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from energyopti.organisations.models import User


@pytest.fixture
def api(db) -> APIClient:
    client = APIClient()
    client.force_authenticate(User.objects.create_user("trader"))
    return client
