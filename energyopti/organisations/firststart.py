"""What a new installation gets: the schedule, an administrator, a pair of organisations to play with, samples.

Each step is either whole or done again by the next start. Passwords are told before a step counts as done: a crash in
between makes new ones for those who have not logged in yet.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from energyopti import db, schedule
from energyopti.organisations import services
from energyopti.organisations.models import Installation, Membership, Organisation, User

Tell = Callable[[str, str], None]
Say = Callable[[str], object]

ADMINISTRATOR = "admin"
SANDBOX_PAIR = {"sandbox-east": "Sandbox East", "sandbox-west": "Sandbox West"}
REASON = "first start"


@dataclass(frozen=True, slots=True)
class Told:
    """A first login. `given`: the password is ADMIN_PASSWORD, which the person knows already."""

    username: str
    password: str
    given: bool = False


@contextmanager
def alone() -> Iterator[None]:
    """Two starts at once: the second waits, and finds everything done."""
    with db.login_connection() as own, own.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('energyopti.firststart'))")
        yield


def prepare() -> None:
    """What every start makes sure of."""
    db.make_roles()
    schedule.ensure()
    Installation.objects.get_or_create(pk=1)


def make_people(*, say: Say) -> None:
    """On a new database: the administrator, and unless SANDBOX is off a pair of organisations with one user per role each."""
    if Installation.objects.get().people_made_at:
        return
    if _is_new():
        with transaction.atomic():
            logins = [_administrator(), *(_sandbox_people() if settings.SANDBOX != "off" else ())]
        _tell(logins, say)
    Installation.objects.filter(people_made_at=None).update(people_made_at=timezone.now())


def load_samples(*, say: Say) -> None:
    """Once, what apps contribute by `samples = "markets.samples:load"`; a loader takes `say` and may be run again.

    Raises what a loader raises; then the next start runs them all again.
    """
    if settings.SANDBOX == "off" or Installation.objects.get().samples_loaded_at:
        return
    for config in apps.get_app_configs():
        if name := getattr(config, "samples", ""):
            import_string(name.replace(":", "."))(say=say)
    Installation.objects.filter(samples_loaded_at=None).update(samples_loaded_at=timezone.now())


def _is_new() -> bool:
    """Nobody is here but those whom a first start makes: somebody else's database gets no users from us."""
    ours = [ADMINISTRATOR, *(_username(slug, role) for slug in SANDBOX_PAIR for role in Membership.Role)]
    return not User.objects.exclude(username__in=ours).exists()


def _administrator() -> Told:
    given = settings.ADMIN_PASSWORD
    admin, _ = User.objects.get_or_create(username=ADMINISTRATOR, defaults={"is_staff": True, "is_superuser": True})
    return _with_password(admin, given or secrets.token_urlsafe(12), given=bool(given))


def _sandbox_people() -> Iterator[Told]:
    for slug, name in SANDBOX_PAIR.items():
        organisation = Organisation.objects.filter(slug=slug).first()
        organisation = organisation or services.create_organisation(slug=slug, name=name, sandbox=True, reason=REASON)
        for role in Membership.Role:
            user, _ = User.objects.get_or_create(username=_username(slug, role))
            services.add_member(user=user, organisation=organisation, role=role, reason=REASON)
            yield _with_password(user, secrets.token_urlsafe(12))


def _username(slug: str, role: Membership.Role) -> str:
    return f"{slug.removeprefix('sandbox-')}-{role.value.replace('_', '-')}"


def _with_password(user: User, password: str, *, given: bool = False) -> Told:
    """A password that somebody has used already is left alone."""
    if user.last_login is not None:
        return Told(user.username, "(as before)", given=True)
    user.set_password(password)
    user.save(update_fields=["password"])
    return Told(user.username, password, given=given)


def _tell(logins: list[Told], say: Say) -> None:
    say("First logins, shown this once:")
    for login in logins:
        say(f"  {login.username:<24}{'the password you gave' if login.given else login.password}")
