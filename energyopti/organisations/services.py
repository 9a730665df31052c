"""All writes on organisations, members and keys. Each is one transaction and leaves a row in the history."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from energyopti.errors import InvalidInput
from energyopti.organisations.errors import LastAdministrator, NameTaken, NotAdministrator
from energyopti.organisations.models import APIKey, Invitation, Membership, Organisation, User
from energyopti.organisations.queries import administers, hash_of

Row = TypeVar("Row", Organisation, Membership, Invitation, APIKey)

SECRET_BYTES = 32
USED_TO_THE = timedelta(minutes=1)


def create_organisation(*, slug: str, name: str, sandbox: bool = False, reason: str = "") -> Organisation:
    """Raises NameTaken."""
    if Organisation.objects.filter(slug=slug).exists():
        raise NameTaken(f"there is already an organisation {slug!r}", field="slug")
    return saved(Organisation(slug=slug, name=name, sandbox=sandbox), reason)


def add_member(*, user: User, organisation: Organisation, role: Membership.Role, reason: str = "") -> Membership:
    """Make the user a member, or give a member another role."""
    with transaction.atomic():
        membership = Membership.objects.select_for_update().filter(user=user, organisation=organisation).first()
        membership = membership or Membership(user=user, organisation=organisation)
        membership.role = role
        return saved(membership, reason)


def change_role(*, membership: Membership, role: Membership.Role, by: User, reason: str = "") -> Membership:
    """Raises NotAdministrator, LastAdministrator."""
    require_administrator(by, membership.organisation)
    with transaction.atomic():
        locked = _of_locked_organisation(membership)
        locked.role = role
        return saved(locked, reason)


def remove_member(*, membership: Membership, by: User, reason: str = "") -> None:
    """The person stays a user, with the history of what they did. Raises NotAdministrator, LastAdministrator."""
    require_administrator(by, membership.organisation)
    with transaction.atomic():
        locked = _of_locked_organisation(membership)
        locked._change_reason = reason  # type: ignore[attr-defined]
        with _an_administrator_stays():
            locked.delete()


def require_administrator(user: User, organisation: Organisation) -> None:
    """Raises NotAdministrator."""
    if not administers(user, organisation):
        raise NotAdministrator(f"only an administrator of {organisation.name} may do this")


def _of_locked_organisation(membership: Membership) -> Membership:
    """Changes of an organisation's people wait for each other, so that two do not each remove the other."""
    Organisation.objects.select_for_update(no_key=True).get(pk=membership.organisation_id)
    return Membership.objects.select_for_update().get(pk=membership.pk)


@contextmanager
def _an_administrator_stays() -> Iterator[None]:
    """The database knows the rule; here it gets its words."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as problem:
        if "membership_keeps_an_administrator" in str(problem):
            raise LastAdministrator("an organisation keeps an administrator: make another one first") from problem
        raise


@contextmanager
def many_at_once() -> Iterator[None]:
    """Whether an administrator stays is asked after the last of several changes, not after each. Raises LastAdministrator."""
    with _an_administrator_stays(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS membership_keeps_an_administrator_on_update, membership_keeps_an_administrator_on_delete DEFERRED")
        yield
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def make_api_key(
    *, user: User, name: str, scope: APIKey.Scope = APIKey.Scope.READ, expires_at: datetime | None = None, reason: str = ""
) -> tuple[APIKey, str]:
    """A new key, and the text `eo_<prefix>_<secret>` that opens with it, which is nowhere kept. Raises InvalidInput, NameTaken."""
    if not name.strip():
        raise InvalidInput("a key needs a name that tells what it is for", field="name")
    if APIKey.objects.filter(user=user, name=name, revoked_at=None).exists():
        raise NameTaken(f"{user} has a key called {name!r}; revoke it first, or choose another name", field="name")
    prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(SECRET_BYTES)
    key = saved(APIKey(user=user, name=name, prefix=prefix, hash=hash_of(secret), scope=scope, expires_at=expires_at), reason)
    return key, f"eo_{prefix}_{secret}"


def revoke(*, key: APIKey, reason: str = "") -> APIKey:
    """From now on the key opens nothing. A key that is revoked stays as it is."""
    with transaction.atomic():
        locked = APIKey.objects.select_for_update().get(pk=key.pk)
        if locked.revoked_at is None:
            locked.revoked_at = timezone.now()
            saved(locked, reason)
    return locked


def touch(*, key: APIKey) -> None:
    """Remember that the key was used, at most once a minute: reading must not turn into writing."""
    now = timezone.now()
    unknown_or_old = Q(last_used_at=None) | Q(last_used_at__lte=now - USED_TO_THE)
    if key.last_used_at is None or key.last_used_at <= now - USED_TO_THE:
        APIKey.objects.filter(unknown_or_old, pk=key.pk).update(last_used_at=now)


def saved(row: Row, reason: str) -> Row:
    """Save with its history row; somebody who was faster with the same name is told like anybody else."""
    row._change_reason = reason  # type: ignore[attr-defined]  # simple-history's way in
    try:
        with _an_administrator_stays():
            row.save()
    except IntegrityError as problem:
        if "_once" in str(problem):
            raise NameTaken(f"there is already such a {row._meta.verbose_name}") from problem
        raise
    return row
