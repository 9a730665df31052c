"""Rules of organisations, people and keys."""

from __future__ import annotations

from energyopti.errors import EnergyOptiError, InvalidInput


class UnknownUser(InvalidInput):
    """Nobody of this name, or somebody who may no longer log in."""

    code = "unknown-user"


class NameTaken(InvalidInput):
    """The name, or the place, is already somebody's."""

    code = "name-taken"
    status = 409


class NotAdministrator(EnergyOptiError):
    """Who belongs to an organisation is for its administrators to say."""

    code = "not-administrator"
    status = 403


class LastAdministrator(EnergyOptiError):
    """An organisation keeps an administrator who can log in: nobody else could invite the next."""

    code = "last-administrator"
    status = 409


class AlreadyMember(InvalidInput):
    """Somebody who belongs to an organisation needs no invitation to it."""

    code = "already-member"
    status = 409


class InvitationClosed(EnergyOptiError):
    """The link was used, withdrawn, replaced by a newer one, has expired, or never was one of ours. Which one is not said."""

    code = "invitation-closed"
    status = 410


class OtherAccount(EnergyOptiError):
    """The invited address belongs to another account than the one that accepts."""

    code = "other-account"
    status = 409


class MailNotSent(EnergyOptiError):
    """The mail server did not take a message."""

    code = "mail-not-sent"
    status = 502
