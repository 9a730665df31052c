from __future__ import annotations

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def quick_passwords(settings) -> None:
    """A slow hash is for attackers to wait on, not for tests."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def no_requests_for_mail_yet() -> None:
    """Redis remembers those of other sessions."""
    cache.delete("resets-from:127.0.0.1")
