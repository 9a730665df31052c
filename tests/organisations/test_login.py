"""Login, the locked door, passwords: what opens, what does not, and what nobody learns from it."""

from __future__ import annotations

import json
from datetime import timedelta
from unittest import mock

import pytest
import redis
from axes.models import AccessAttempt
from django.conf import settings as django_settings
from django.contrib.auth import get_user
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from energyopti.organisations import invitations, lockout, mails, services, tasks
from energyopti.organisations.errors import MailNotSent
from energyopti.organisations.models import APIKey, Invitation, User
from tests.organisations.people import PASSWORD, Role, UserFactory, link_in, member, organisation

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"
NEW = "another horse battery"


@pytest.fixture
def user() -> User:
    user = UserFactory.create(username="trader", email="trader@example.com")
    cache.delete(f"password-reset:{user.pk}")  # Redis remembers other sessions' users
    return user


def attempt(client: Client, password: str = "wrong", username: str = "trader", **extra: str):
    return client.post(LOGIN, {"username": username, "password": password}, **extra)


def fail(client: Client, times: int, **extra: str) -> list[int]:
    return [attempt(client, **extra).status_code for _ in range(times)]


# --- the locked door -------------------------------------------------------------------------------


def test_five_failures_lock_even_the_right_password_out(client: Client, user: User) -> None:
    assert fail(client, 5) == [200, 200, 200, 200, 429]
    answer = attempt(client, PASSWORD)
    assert (answer.status_code, get_user(client).is_authenticated) == (429, False)
    assert 890 <= int(answer["Retry-After"]) <= 900
    assert "Try again in 15 minutes." in answer.content.decode()


def test_a_name_that_nobody_has_is_locked_alike(client: Client, user: User) -> None:
    real = [attempt(client).content.replace(b"trader", b"") for _ in range(6)]
    nobody = [attempt(client, username="nobody").content.replace(b"nobody", b"") for _ in range(6)]
    assert [_without_token(page) for page in real] == [_without_token(page) for page in nobody]


def _without_token(page: bytes) -> bytes:
    start, _, rest = page.partition(b'csrfmiddlewaretoken" value="')
    return start + rest.partition(b'"')[2]


def test_the_door_opens_when_the_time_is_over_and_no_attempt_prolongs_it(client: Client, user: User) -> None:
    fail(client, 5)
    last = AccessAttempt.objects.get().attempt_time
    AccessAttempt.objects.update(attempt_time=last - timedelta(minutes=14))
    answer = attempt(client, PASSWORD)
    assert (answer.status_code, 50 <= int(answer["Retry-After"]) <= 60) == (429, True)
    assert AccessAttempt.objects.get().attempt_time == last - timedelta(minutes=14)
    AccessAttempt.objects.update(attempt_time=last - timedelta(minutes=15))
    assert attempt(client, PASSWORD).status_code == 302


def test_a_success_forgets_the_failures(client: Client, user: User) -> None:
    assert fail(client, 4) == [200] * 4
    assert attempt(client, PASSWORD).status_code == 302
    client.post("/accounts/logout/")
    assert fail(client, 4) == [200] * 4


def test_another_address_and_another_name_are_not_locked(client: Client, user: User) -> None:
    UserFactory.create(username="other")
    fail(client, 5)
    assert attempt(client, PASSWORD, "other").status_code == 302
    assert attempt(Client(), PASSWORD, REMOTE_ADDR="198.51.100.7").status_code == 302


def test_another_browser_or_a_made_up_header_does_not_open_it(client: Client, user: User) -> None:
    fail(client, 5)
    headers = {
        "HTTP_USER_AGENT": "other",
        "HTTP_X_FORWARDED_FOR": "198.51.100.7",
        "HTTP_X_REAL_IP": "198.51.100.7",
        "HTTP_FORWARDED": "for=1.2.3.4",
    }
    assert attempt(Client(), PASSWORD, **headers).status_code == 429


def test_the_back_offices_login_is_the_same_door(client: Client, user: User) -> None:
    User.objects.update(is_staff=True)
    fail(client, 5)
    assert client.post("/admin/login/", {"username": "trader", "password": PASSWORD}).status_code == 429


def test_no_password_is_kept_of_failures(client: Client, user: User) -> None:
    attempt(client, "half-a-secret-password")
    kept = str(list(AccessAttempt.objects.values()))
    assert "trader" in kept
    assert "half-a-secret-password" not in kept


def test_old_failures_are_forgotten(client: Client, user: User) -> None:
    fail(client, 1)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    assert (tasks.forget_old_sessions(), AccessAttempt.objects.count()) == (1, 0)


# --- where a login leads ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        ("/api/docs/", "/api/docs/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("http:evil.example", "/"),
        ("https:///evil.example", "/"),
    ],
)
def test_a_login_leads_nowhere_else(client: Client, user: User, wanted: str, sent: str) -> None:
    answer = client.post(LOGIN, {"username": "trader", "password": PASSWORD, "next": wanted})
    assert (answer.status_code, answer["Location"]) == (302, sent)
    assert client.get(LOGIN, {"next": wanted})["Location"] == sent


def test_a_login_takes_a_new_session(client: Client, user: User) -> None:
    client.get(LOGIN)
    session = client.session
    session["seen"] = True
    session.save()
    before = session.session_key
    attempt(client, PASSWORD)
    cookie = client.cookies[django_settings.SESSION_COOKIE_NAME]
    assert cookie.value != before
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 12 * 3600)


def test_somebody_inactive_does_not_get_in(client: Client, user: User) -> None:
    User.objects.update(is_active=False)
    assert attempt(client, PASSWORD).status_code == 200
    assert not get_user(client).is_authenticated


# --- passwords -------------------------------------------------------------------------------------


def test_a_password_is_changed_and_other_browsers_are_out(client: Client, user: User) -> None:
    other = Client()
    for browser in (client, other):
        attempt(browser, PASSWORD)
    answer = client.post("/accounts/password/", {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW})
    user.refresh_from_db()
    assert (answer.status_code, user.check_password(NEW)) == (302, True)
    assert (client.get("/accounts/keys/").status_code, other.get("/accounts/keys/").status_code) == (200, 302)


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [("wrong", NEW, NEW), (PASSWORD, NEW, "other"), (PASSWORD, "short", "short"), (PASSWORD, "trader@example", "trader@example")],
)
def test_a_password_stays_when_the_form_is_wrong(client: Client, user: User, old: str, new: str, again: str) -> None:
    client.force_login(user)
    page = client.post("/accounts/password/", {"old_password": old, "new_password1": new, "new_password2": again})
    user.refresh_from_db()
    assert (page.status_code, user.check_password(PASSWORD)) == (200, True)
    assert "at least 12 characters" in page.content.decode()


# --- a forgotten password --------------------------------------------------------------------------


def queued() -> list[list[str]]:
    """The arguments of the tasks that were sent, which are then taken away."""
    queue = redis.Redis.from_url(django_settings.REDIS_URL)
    sent = [json.loads(message) for message in queue.lrange("energyopti:celery", 0, -1)]
    queue.delete("energyopti:celery")
    mine = [message for message in sent if message["headers"]["task"].endswith("send_password_reset")]
    return [message["headers"]["argsrepr"] for message in reversed(mine)]  # the newest stands first


def test_a_known_address_and_an_unknown_one_get_the_same_answer_and_the_same_task(client: Client, user: User) -> None:
    queued()
    answers = [client.post("/accounts/reset/", {"email": email}) for email in ("trader@example.com", "nobody@example.com")]
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [(302, "/accounts/reset/sent/")] * 2
    assert queued() == ["('trader@example.com', 'http://testserver')", "('nobody@example.com', 'http://testserver')"]
    assert mail.outbox == []


def test_the_task_writes_to_the_known_one_alone(user: User) -> None:
    assert [tasks.send_password_reset(email, "https://eo.example") for email in ("nobody@example.com", "TRADER@example.com")] == [
        False,
        True,
    ]
    (letter,) = mail.outbox
    assert (letter.to, letter.subject) == (["trader@example.com"], "A new password for EnergyOpti")
    assert "https://eo.example/accounts/reset/" in letter.body


def test_the_link_sets_a_password_once_and_opens_the_door(client: Client, user: User) -> None:
    fail(client, 5)
    mails.send_password_reset(email=user.email, site="http://testserver")
    path = link_in(mail.outbox[0].body)
    form = client.get(path)["Location"]
    assert "set-password" in form  # the secret leaves the address bar
    assert client.post(form, {"new_password1": NEW, "new_password2": NEW})["Location"] == LOGIN
    assert attempt(client, NEW).status_code == 302
    assert "no longer open" in Client().get(path).content.decode()


def test_a_link_ends_after_an_hour(client: Client, user: User) -> None:
    mails.send_password_reset(email=user.email, site="http://testserver")
    path = link_in(mail.outbox[0].body)
    with mock.patch("django.contrib.auth.tokens.PasswordResetTokenGenerator._now") as now:
        now.return_value = timezone.now().replace(tzinfo=None) + timedelta(minutes=61)
        assert "no longer open" in client.get(path).content.decode()


def test_a_letter_box_is_not_filled(user: User) -> None:
    assert [mails.send_password_reset(email=user.email, site="x") for _ in range(3)] == [True, False, False]
    assert len(mail.outbox) == 1


def test_what_was_not_sent_is_tried_again(user: User) -> None:
    away = mock.Mock(side_effect=ConnectionRefusedError)
    with mock.patch("django.core.mail.backends.locmem.EmailBackend.send_messages", away), pytest.raises(MailNotSent):
        mails.send_password_reset(email=user.email, site="x")
    assert mails.send_password_reset(email=user.email, site="x") is True


def test_somebody_inactive_gets_no_link(user: User) -> None:
    User.objects.update(is_active=False)
    assert mails.send_password_reset(email=user.email, site="x") is False


def test_a_broker_that_is_away_is_said_whatever_the_address(client: Client, user: User) -> None:
    from kombu.exceptions import OperationalError

    with mock.patch("energyopti.organisations.tasks.send_password_reset.apply_async", side_effect=OperationalError):
        pages = [client.post("/accounts/reset/", {"email": email}) for email in ("trader@example.com", "nobody@example.com")]
    assert [(page.status_code, b"Mail cannot be sent just now" in page.content) for page in pages] == [(200, True)] * 2


def test_nobody_fills_the_queue_with_requests_for_mail(client: Client, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockout, "RESETS_FROM_ADDRESS", 2)
    cache.delete("resets-from:198.51.100.9")
    queued()
    answers = [client.post("/accounts/reset/", {"email": f"{n}@example.com"}, REMOTE_ADDR="198.51.100.9") for n in range(3)]
    assert ([answer.status_code for answer in answers], len(queued())) == ([302, 302, 429], 2)
    assert answers[-1]["Retry-After"] == "3600"
    assert client.post("/accounts/reset/", {"email": "3@example.com"}, REMOTE_ADDR="198.51.100.10").status_code == 302


def test_a_login_without_a_password_gets_none_by_mail(user: User) -> None:
    user.set_unusable_password()
    user.save()
    assert mails.send_password_reset(email=user.email, site="x") is False


# --- forms -----------------------------------------------------------------------------------------


def test_no_form_is_taken_from_another_site(user: User) -> None:
    """Each address under /accounts/ that a form is sent to, without its token: refused, and nothing changed."""
    acme = organisation()
    boss, key = member(acme, Role.ADMINISTRATOR), services.make_api_key(user=user, name="excel")[0]
    _, token = invitations.invite(organisation=acme, email="new@example.com", role=Role.VIEWER, by=boss, link=lambda token: token)
    membership, invitation = user.memberships.create(organisation=acme, role="viewer"), Invitation.objects.get()
    queued()
    mallory = Client(enforce_csrf_checks=True)
    paths = {
        LOGIN: {"username": "trader", "password": PASSWORD},
        "/accounts/reset/": {"email": user.email},
        f"/accounts/invitation/{token}/": {"username": "in", "password1": PASSWORD, "password2": PASSWORD},
    }
    assert [mallory.post(path, fields).status_code for path, fields in paths.items()] == [403] * 3
    mallory.force_login(boss)
    inside = {
        "/accounts/logout/": {},
        "/accounts/password/": {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW},
        "/accounts/keys/": {"name": "theirs", "scope": "write", "lifetime": "never"},
        f"/accounts/keys/{key.pk}/revoke/": {},
        "/accounts/people/acme/invite/": {"email": "evil@example.com", "role": "administrator"},
        f"/accounts/people/acme/members/{membership.pk}/role/": {"role": "administrator"},
        f"/accounts/people/acme/members/{membership.pk}/remove/": {},
        f"/accounts/people/acme/invitations/{invitation.pk}/withdraw/": {},
    }
    assert {path: mallory.post(path, fields).status_code for path, fields in inside.items()} == dict.fromkeys(inside, 403)
    membership.refresh_from_db()
    boss.refresh_from_db()
    assert (queued(), Invitation.objects.filter(withdrawn_at=None).count(), APIKey.objects.get().revoked_at) == ([], 1, None)
    assert (membership.role, boss.check_password(PASSWORD), get_user(mallory).pk) == ("viewer", True, boss.pk)


def test_the_helper_forgives_one_name_only(client: Client, user: User) -> None:
    fail(client, 5)
    attempt(client, username="nobody")
    assert (lockout.forgive("trader"), AccessAttempt.objects.get().username) == (1, "nobody")
    assert attempt(client, PASSWORD).status_code == 302
