"""What people are written: plain text, one thing to do in each, and what to do when it was not you who asked."""

from __future__ import annotations

import smtplib
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.cache import cache
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from energyopti.organisations import queries
from energyopti.organisations.errors import MailNotSent
from energyopti.organisations.models import Invitation, User

log = structlog.get_logger(__name__)

CONSOLE = "django.core.mail.backends.console.EmailBackend"
RESET_PAUSE_SECONDS = 120  # nobody's letter box is filled by somebody else's clicks


def goes_to_console() -> bool:
    """Whether no mail server is set: then what would be sent stands in the log alone."""
    return bool(settings.EMAIL_BACKEND == CONSOLE)


def send_invitation(*, invitation: Invitation, link: str) -> None:
    """Raises MailNotSent."""
    context = {"invitation": invitation, "organisation": invitation.organisation, "link": link}
    _send("invitation", f"{invitation.invited_by} invites you to {invitation.organisation}", invitation.email, context)


def send_password_reset(*, email: str, site: str) -> bool:
    """To the active user with this address, if there is one. `site`: https://host. Raises MailNotSent."""
    user = queries.user_with_email(email)
    if user is None or not user.is_active or not user.has_usable_password():  # a login without a password stays one
        return False
    if not cache.add(f"password-reset:{user.pk}", 1, RESET_PAUSE_SECONDS):
        return False
    context = {"person": user, "site": site, "minutes": settings.PASSWORD_RESET_TIMEOUT // 60, "link": site + _reset_path(user)}
    try:
        _send("password_reset", "A new password for EnergyOpti", user.email, context)
    except MailNotSent:
        cache.delete(f"password-reset:{user.pk}")  # what was not sent may be tried again
        raise
    return True


def _reset_path(user: User) -> str:
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return reverse("password_reset_confirm", args=[uid, default_token_generator.make_token(user)])


def _send(name: str, subject: str, to: str, context: dict[str, Any]) -> None:
    body = render_to_string(f"emails/{name}.txt", context)
    try:
        send_mail(" ".join(subject.split()), body, None, [to])
    except (OSError, smtplib.SMTPException) as problem:
        log.warning("mail.failed", mail=name, reason=type(problem).__name__)  # a server's words may repeat the login
        raise MailNotSent("the mail server did not take the message: try again, or have EMAIL_URL checked") from problem
    log.info("mail.sent", mail=name)
