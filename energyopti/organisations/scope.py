"""Whose rows a piece of work sees: row policies of the database read the setting app.organisation.

It holds for one transaction and is gone with it; where nobody set it, there are no rows. The owner of the tables (migrations,
verify_ledger) is not bound by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import connections, transaction

from energyopti.organisations.models import Organisation, User
from energyopti.organisations.queries import organisations_of


@contextmanager
def seeing(user: User, *, using: str = "default") -> Iterator[None]:
    """What the user's organisations own; for a superuser, who looks after the installation, what all own."""
    seen = Organisation.objects.all() if user.is_superuser and user.is_active else organisations_of(user)
    with seeing_organisations(seen.values_list("pk", flat=True), using=using):
        yield


@contextmanager
def seeing_organisations(organisations: Iterable[int], *, using: str = "default") -> Iterator[None]:
    """For work that runs for certain organisations: reports, exports."""
    named = "{" + ",".join(map(str, sorted(organisations))) + "}"
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting('app.organisation', true), ''), set_config('app.organisation', %s, true)", [named])
        before = cursor.fetchone()[0]
        yield
        cursor.execute("SELECT set_config('app.organisation', %s, true)", [before])  # an outer one goes on seeing what it saw


@contextmanager
def seeing_all(*, using: str = "default") -> Iterator[None]:
    """For tasks that look after everybody's rows."""
    with seeing_organisations(Organisation.objects.values_list("pk", flat=True), using=using):
        yield
