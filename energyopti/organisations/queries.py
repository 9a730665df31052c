"""Who belongs where, and whose key this is."""

from __future__ import annotations

import hashlib
import hmac

from django.db.models import Q, QuerySet
from django.utils import timezone

from energyopti.organisations.errors import UnknownUser
from energyopti.organisations.models import APIKey, Membership, Organisation, User

PREFIX_LENGTH = 8


def organisations_of(user: User) -> QuerySet[Organisation]:
    """The organisations whose data the user may see, by name."""
    return Organisation.objects.filter(memberships__user=user, memberships__user__is_active=True)


def memberships_of(user: User) -> QuerySet[Membership]:
    """Where the user belongs, and as what."""
    return Membership.objects.filter(user=user).select_related("organisation").order_by("organisation__name")


def role_in(user: User, organisation: Organisation) -> Membership.Role | None:
    """The user's role there; None for somebody who does not belong, or may no longer log in."""
    role = Membership.objects.filter(user=user, organisation=organisation, user__is_active=True).values_list("role", flat=True).first()
    return Membership.Role(role) if role else None


def active_user(username: str) -> User:
    """Raises UnknownUser."""
    if user := User.objects.filter(username=username, is_active=True).first():
        return user
    raise UnknownUser(f"no active user is called {username!r}", field="user")


def usable_keys() -> QuerySet[APIKey]:
    """Keys that open something now: not revoked, not expired, of an active user."""
    fresh = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return APIKey.objects.filter(fresh, revoked_at=None, user__is_active=True)


def api_key_for(secret: str) -> APIKey | None:
    """The usable key that `eo_<prefix>_<secret>` is, with its user; None for anything else."""
    start, prefix, rest = (*secret.split("_", 2), "", "")[:3]
    if start != "eo" or len(prefix) != PREFIX_LENGTH or not rest or not prefix.isalnum() or not secret.isascii():
        return None
    key = usable_keys().select_related("user").filter(prefix=prefix).first()
    return key if key and hmac.compare_digest(key.hash, hash_of(rest)) else None


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
