"""All writes on organisations, members and keys. Each is one transaction and leaves a row in the history."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from energyopti.errors import InvalidInput
from energyopti.organisations.errors import NameTaken
from energyopti.organisations.models import APIKey, Membership, Organisation, User
from energyopti.organisations.queries import hash_of

Row = TypeVar("Row", Organisation, Membership, APIKey)

SECRET_BYTES = 32
USED_TO_THE = timedelta(minutes=1)


def create_organisation(*, slug: str, name: str, sandbox: bool = False, reason: str = "") -> Organisation:
    """Raises NameTaken."""
    if Organisation.objects.filter(slug=slug).exists():
        raise NameTaken(f"there is already an organisation {slug!r}", field="slug")
    return _saved(Organisation(slug=slug, name=name, sandbox=sandbox), reason)


def add_member(*, user: User, organisation: Organisation, role: Membership.Role, reason: str = "") -> Membership:
    """Make the user a member, or give a member another role."""
    with transaction.atomic():
        membership = Membership.objects.select_for_update().filter(user=user, organisation=organisation).first()
        membership = membership or Membership(user=user, organisation=organisation)
        membership.role = role
        return _saved(membership, reason)


def make_api_key(
    *, user: User, name: str, scope: APIKey.Scope = APIKey.Scope.READ, expires_at: datetime | None = None, reason: str = ""
) -> tuple[APIKey, str]:
    """A new key, and the text `eo_<prefix>_<secret>` that opens with it, which is nowhere kept. Raises InvalidInput, NameTaken."""
    if not name.strip():
        raise InvalidInput("a key needs a name that tells what it is for", field="name")
    if APIKey.objects.filter(user=user, name=name, revoked_at=None).exists():
        raise NameTaken(f"{user} has a key called {name!r}; revoke it first, or choose another name", field="name")
    prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(SECRET_BYTES)
    key = _saved(APIKey(user=user, name=name, prefix=prefix, hash=hash_of(secret), scope=scope, expires_at=expires_at), reason)
    return key, f"eo_{prefix}_{secret}"


def revoke(*, key: APIKey, reason: str = "") -> APIKey:
    """From now on the key opens nothing. A key that is revoked stays as it is."""
    with transaction.atomic():
        locked = APIKey.objects.select_for_update().get(pk=key.pk)
        if locked.revoked_at is None:
            locked.revoked_at = timezone.now()
            _saved(locked, reason)
    return locked


def touch(*, key: APIKey) -> None:
    """Remember that the key was used, at most once a minute: reading must not turn into writing."""
    now = timezone.now()
    unknown_or_old = Q(last_used_at=None) | Q(last_used_at__lte=now - USED_TO_THE)
    if key.last_used_at is None or key.last_used_at <= now - USED_TO_THE:
        APIKey.objects.filter(unknown_or_old, pk=key.pk).update(last_used_at=now)


def _saved(row: Row, reason: str) -> Row:
    """Save with its history row; somebody who was faster with the same name is told like anybody else."""
    row._change_reason = reason  # type: ignore[attr-defined]  # simple-history's way in
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as problem:
        if "_once" in str(problem):
            raise NameTaken(f"there is already such a {row._meta.verbose_name}") from problem
        raise
    return row
