from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.core.management import call_command
from django.db import transaction

from recs.models import Seal
from tests.recs.attacks.stage import Stage, sql, stage
from tests.recs.contest import Arena, arena
from tests.recs.lived import Lived, lived


@pytest.fixture(scope="module")
def it(django_db_setup: None, django_db_blocker) -> Iterator[Lived]:
    """Made once and committed, so that other connections see it; what a test does to it is undone with the test's transaction."""
    with django_db_blocker.unblock():
        made = lived()
    yield made
    with django_db_blocker.unblock():
        call_command("flush", interactive=False, verbosity=0)


@pytest.fixture(scope="module")
def staged(django_db_setup: None, django_db_blocker) -> Iterator[Stage]:
    """Made once for a module, in a transaction that is never committed."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield stage()
        transaction.set_rollback(True)


@pytest.fixture
def at(staged: Stage) -> Iterator[Stage]:
    """The stage, as it was before the test and will be after it."""
    undo = transaction.savepoint()
    yield staged
    transaction.savepoint_rollback(undo)


@pytest.fixture(scope="module")
def ring(django_db_setup: None, django_db_blocker) -> Iterator[Arena]:
    """Committed, so that several connections see it; each race makes its own ground there."""
    with django_db_blocker.unblock():
        made = arena()
    yield made
    with django_db_blocker.unblock():
        call_command("flush", interactive=False, verbosity=0)


@pytest.fixture
def short_seals() -> Iterator[Callable[[], Iterator[Seal]]]:
    """Seals all there is, by seals that each take as few commands as may be."""

    def made() -> Iterator[Seal]:
        while number := sql("SELECT recs_seal()"):
            yield Seal.objects.get(pk=number)

    own = sql("SELECT pg_get_functiondef('recs_seal'::regproc)")
    sql(own.replace("bigint := 100000;", "bigint := 1;"))
    yield made
    sql(own)  # not every test is rolled back
