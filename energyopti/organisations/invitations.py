"""All writes on invitations: a link for one address, that makes one membership, once."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from energyopti.errors import InvalidInput
from energyopti.organisations import mails, queries, services
from energyopti.organisations.errors import AlreadyMember, InvitationClosed, NameTaken, OtherAccount
from energyopti.organisations.models import Invitation, Membership, Organisation, User

OPEN_FOR = timedelta(days=7)
SECRET_BYTES = 32


def invite(
    *, organisation: Organisation, email: str, role: Membership.Role, by: User, link: Callable[[str], str], reason: str = ""
) -> tuple[Invitation, str]:
    """A new invitation in the place of an open one for the same address, sent by mail, and its link, which is nowhere kept.

    `link` makes the address from the token. Raises NotAdministrator, AlreadyMember; MailNotSent once the invitation stands.
    """
    services.require_administrator(by, organisation)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    with transaction.atomic():
        Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
        _require_no_member(organisation, email)
        _withdraw_open(organisation, email)
        invitation = Invitation(organisation=organisation, email=email, role=role, invited_by=by, hash=queries.hash_of(secret))
        invitation.expires_at = invitation.created_at + OPEN_FOR
        services.saved(invitation, reason)
    address = link(queries.LINKS.sign(secret))
    mails.send_invitation(invitation=invitation, link=address)
    return invitation, address


def withdraw(*, invitation: Invitation, by: User, reason: str = "") -> Invitation:
    """From now on the link opens nothing; one that was used or withdrawn stays as it is. Raises NotAdministrator."""
    services.require_administrator(by, invitation.organisation)
    with transaction.atomic():
        locked = Invitation.objects.select_for_update().get(pk=invitation.pk)
        if locked.accepted_at is None and locked.withdrawn_at is None:
            _withdraw(locked, reason)
    return locked


def accept_as_new(*, token: str, username: str, password: str) -> User:
    """A new user with the invited address, and a member. Raises InvitationClosed, OtherAccount, NameTaken, InvalidInput."""
    with transaction.atomic():
        invitation = _locked(token)
        if queries.user_with_email(invitation.email):
            raise OtherAccount("there is an account with this address already: log in with it to accept")
        user = _new_user(username, invitation.email, password)
        _accept(invitation, user)
    return user


def accept_as(*, token: str, user: User) -> Membership:
    """The invited person has an account: it becomes a member. Raises InvitationClosed, OtherAccount."""
    with transaction.atomic():
        invitation = _locked(token)
        if not user.is_active or user.email.lower() != invitation.email.lower():
            raise OtherAccount("this invitation is for another address than that of your account")
        return _accept(invitation, user)


def _require_no_member(organisation: Organisation, email: str) -> None:
    if Membership.objects.filter(organisation=organisation, user__email__iexact=email).exists():
        raise AlreadyMember(f"{email} belongs to {organisation.name} already: change the role instead", field="email")


def _withdraw_open(organisation: Organisation, email: str) -> None:
    still_open = Invitation.objects.select_for_update().filter(accepted_at=None, withdrawn_at=None)
    if before := still_open.filter(organisation=organisation, email__iexact=email).first():
        _withdraw(before, "replaced by a newer invitation")


def _withdraw(invitation: Invitation, reason: str) -> None:
    invitation.withdrawn_at = timezone.now()
    services.saved(invitation, reason)


def _locked(token: str) -> Invitation:
    """Who comes second with the same link waits here, and then finds it closed. Raises InvitationClosed."""
    mine = queries.pending_invitations().select_for_update(of=["self"]).select_related("organisation")
    invitation = mine.filter(hash=queries.hash_of_token(token)).first()
    if invitation and queries.administers(invitation.invited_by, invitation.organisation):
        return invitation
    raise InvitationClosed("this invitation is no longer open: ask for a new one")


def _new_user(username: str, email: str, password: str) -> User:
    user = User(username=User.normalize_username(username), email=email)
    try:
        User.username_validator(user.username)
        password_validation.validate_password(password, user)
        user.set_password(password)
        with transaction.atomic():
            user.save()
    except ValidationError as problem:
        raise InvalidInput("; ".join(problem.messages)) from None
    except IntegrityError as problem:
        if "user_email_once" in str(problem):  # the address became somebody's between our look and our insert
            raise OtherAccount("there is an account with this address already: log in with it to accept") from None
        raise NameTaken(f"somebody is called {username!r} already", field="username") from None
    return user


def _accept(invitation: Invitation, user: User) -> Membership:
    invitation.accepted_at, invitation.accepted_by = timezone.now(), user
    services.saved(invitation, "accepted")
    reason = f"invitation {invitation.pk} by {invitation.invited_by}"
    return services.add_member(user=user, organisation=invitation.organisation, role=Membership.Role(invitation.role), reason=reason)
