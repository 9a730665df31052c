"""People of the back office, and Celery's tasks run where they are sent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from energyopti.celery import app


@pytest.fixture(autouse=True)
def quick_passwords(settings) -> None:
    """A slow hash is for attackers to wait on, not for tests."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def eager() -> Iterator[None]:
    """The real task functions, through Celery, in this process."""
    before = app.conf.task_always_eager, app.conf.task_eager_propagates
    app.conf.task_always_eager = app.conf.task_eager_propagates = True
    yield
    app.conf.task_always_eager, app.conf.task_eager_propagates = before
