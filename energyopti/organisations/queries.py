"""Who belongs where, and whose key this is."""

from __future__ import annotations

import functools
import hashlib
import hmac

from django.contrib.auth.models import Permission
from django.core import signing
from django.db import connection
from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from energyopti.organisations.errors import InvitationClosed, UnknownUser
from energyopti.organisations.models import APIKey, Invitation, Membership, Organisation, User

PREFIX_LENGTH = 8
LINKS = signing.Signer(sep=".", salt="energyopti.organisations.invitation")


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
    key = _key_with(prefix)
    return key if key and hmac.compare_digest(key.hash, hash_of(rest)) else None


def _key_with(prefix: str) -> APIKey | None:
    """Each request of a program begins here: the ORM would build the same statement anew each time, for three times as long."""
    keys, users = ([field.attname for field in model._meta.concrete_fields] for model in (APIKey, User))
    with connection.cursor() as cursor:
        cursor.execute(_statement(), [prefix, timezone.now()])
        row = cursor.fetchone()
    if row is None:
        return None
    key = APIKey.from_db(connection.alias, keys, row[: len(keys)])
    key.user = User.from_db(connection.alias, users, row[len(keys) :])
    return key


@functools.cache
def _statement() -> str:
    """The usable key of a prefix and its user, their columns in the models' order."""
    names = [f'{short}."{field.column}"' for short, model in (("k", APIKey), ("u", User)) for field in model._meta.concrete_fields]
    return (
        f"SELECT {', '.join(names)} FROM organisations_apikey k JOIN organisations_user u ON u.id = k.user_id"  # noqa: S608
        " WHERE k.prefix = %s AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > %s) AND u.is_active"
    )


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


# --- who says who belongs ---------------------------------------------------------------------------


def administered_by(user: User) -> QuerySet[Organisation]:
    """The organisations whose people the user may invite and remove, by name: a superuser's are all."""
    if not user.is_active:
        return Organisation.objects.none()
    if user.is_superuser:
        return Organisation.objects.all()
    # in one filter(): in a second one the role could be somebody else's
    return Organisation.objects.filter(memberships__user=user, memberships__role=Membership.Role.ADMINISTRATOR)


def belonging_of(user: User) -> QuerySet[Membership]:
    """Where the user belongs, each organisation with `administrators`: whom to ask there."""
    asked = Membership.objects.filter(role=Membership.Role.ADMINISTRATOR, user__is_active=True).select_related("user")
    named = Prefetch("organisation__memberships", asked.order_by("user__username"), to_attr="administrators")
    return memberships_of(user).prefetch_related(named)


def administers(user: User, organisation: Organisation) -> bool:
    return administered_by(user).filter(pk=organisation.pk).exists()


def may_look_after(by: User, person: User) -> bool:
    """Whether `by` may set the other's password or address, and with them become that person: where nothing is gained by it.

    Their organisations are all administered by `by`, and their permissions, were they active, are all held by `by`.
    """
    if by.is_superuser or by == person:
        return True
    elsewhere = Organisation.objects.filter(memberships__user=person).exclude(pk__in=administered_by(by).values("pk"))
    held = Permission.objects.filter(Q(user=person) | Q(group__user=person)).values_list("content_type__app_label", "codename")
    return not person.is_superuser and not elsewhere.exists() and by.has_perms(f"{app}.{name}" for app, name in held)


def members_of(organisation: Organisation) -> QuerySet[Membership]:
    return Membership.objects.filter(organisation=organisation).select_related("user").order_by("user__username")


def pending_invitations() -> QuerySet[Invitation]:
    """Those whose link still opens."""
    return Invitation.objects.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=timezone.now())


def invitation_for(token: str) -> Invitation:
    """The invitation that a link's token opens now. Raises InvitationClosed."""
    invitation = pending_invitations().filter(hash=hash_of_token(token)).select_related("organisation", "invited_by").first()
    if invitation and administers(invitation.invited_by, invitation.organisation):  # who was shut out leaves no way back in
        return invitation
    raise InvitationClosed("this invitation is no longer open: ask for a new one")


def hash_of_token(token: str) -> str:
    """Raises InvitationClosed for a text that we did not sign: the database is not asked about it."""
    try:
        return hash_of(LINKS.unsign(token))
    except signing.BadSignature:
        raise InvitationClosed("this invitation is no longer open: ask for a new one") from None


def user_with_email(email: str) -> User | None:
    """Whoever has this address, written in any case; nobody has an empty one."""
    return User.objects.filter(email__iexact=email).first() if email else None


def keys_of(user: User) -> QuerySet[APIKey]:
    """The user's own keys, those that open something first."""
    return APIKey.objects.filter(user=user).order_by("-revoked_at", "name", "-id")
