"""Work on people and their sessions that no request waits for."""

from __future__ import annotations

from celery import shared_task
from django.core.management import call_command

from energyopti.organisations import lockout, mails
from energyopti.organisations.errors import MailNotSent


@shared_task(autoretry_for=(MailNotSent,), retry_backoff=10, retry_jitter=True, max_retries=4, expires=3600)
def send_password_reset(email: str, site: str) -> bool:
    """Asked for every address, known or not: how long a request takes does not tell which one is somebody's."""
    return mails.send_password_reset(email=email, site=site)


@shared_task
def forget_old_sessions() -> int:
    """Sessions that have ended, and failed logins that count no longer. How many of the latter."""
    call_command("clearsessions")
    return lockout.forget_old()
