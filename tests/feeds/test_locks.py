"""Locks between real database sessions."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from django.db import connection, connections

from energyopti.feeds.locks import held_run, held_windows
from energyopti.intervals import Span

FEED = SimpleNamespace(name="test.lock")
DAYS = [Span(datetime(2024, 1, day, tzinfo=UTC), datetime(2024, 1, day + 1, tzinfo=UTC)) for day in (1, 2, 3)]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other():
    """Makes the locks use another session, until the patch it gives is undone."""
    session = connections.create_connection("default")

    def act() -> pytest.MonkeyPatch:
        patch = pytest.MonkeyPatch()
        patch.setattr("energyopti.feeds.locks.connection", session)
        return patch

    yield act
    session.close()


def test_a_window_is_one_workers(other) -> None:
    with held_windows(FEED, DAYS[:2], sandbox=False) as mine:
        patch = other()
        with held_windows(FEED, DAYS, sandbox=False) as theirs:
            pass
        patch.undo()
    assert (mine, theirs) == (DAYS[:2], DAYS[2:])


def test_sandbox_and_real_do_not_meet(other) -> None:
    with held_windows(FEED, DAYS, sandbox=False):
        patch = other()
        with held_windows(FEED, DAYS, sandbox=True) as theirs:
            pass
        patch.undo()
    assert theirs == DAYS


def test_all_is_let_go_at_the_end(other) -> None:
    with held_windows(FEED, DAYS, sandbox=False), held_run(7):
        pass
    patch = other()
    with held_windows(FEED, DAYS, sandbox=False) as windows, held_run(7) as run:
        pass
    patch.undo()
    assert (windows, run) == (DAYS, True)


def test_a_session_that_dies_lets_go(other) -> None:
    patch = other()
    from energyopti.feeds import locks

    with locks.connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('feeds.run'), 8), pg_backend_pid()")
        pid = cursor.fetchone()[1]
    patch.undo()
    with held_run(8) as held:
        assert not held
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    with held_run(8) as held:
        assert held
