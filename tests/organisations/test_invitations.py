"""Invitations: one address, one link, one use."""

from __future__ import annotations

import smtplib
import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client
from django.utils import timezone

from energyopti.errors import InvalidInput
from energyopti.organisations import invitations, queries
from energyopti.organisations.errors import AlreadyMember, InvitationClosed, MailNotSent, NameTaken, NotAdministrator, OtherAccount
from energyopti.organisations.models import Invitation, Membership, Organisation, User
from tests.organisations.people import PASSWORD, Role, UserFactory, link_in, member, organisation

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Organisation:
    return organisation()


@pytest.fixture
def boss(acme: Organisation) -> User:
    return member(acme, Role.ADMINISTRATOR, username="boss")


def invite(acme: Organisation, by: User, email: str = "new@example.com", role: Role = Role.TRADER) -> str:
    """The token of a new invitation."""
    _, token = invitations.invite(organisation=acme, email=email, role=role, by=by, link=lambda token: token)
    return token


def test_accepting_makes_a_user_with_the_address_and_the_role(acme: Organisation, boss: User) -> None:
    user = invitations.accept_as_new(token=invite(acme, boss), username="newcomer", password=PASSWORD)
    assert (user.email, user.check_password(PASSWORD), user.is_staff, user.is_superuser) == ("new@example.com", True, False, False)
    assert queries.role_in(user, acme) is Role.TRADER


def test_the_mail_says_who_where_and_until_when(acme: Organisation, boss: User) -> None:
    token = invite(acme, boss)
    (letter,) = mail.outbox
    until = Invitation.objects.get().expires_at
    assert (letter.to, letter.subject) == (["new@example.com"], "boss invites you to Acme")
    assert f"as trader of Acme.\n\nTo accept, open this link:\n\n{token}\n" in letter.body
    assert f"until {until.day} {until:%B %Y, %H:%M} UTC" in letter.body


def test_a_link_opens_once(acme: Organisation, boss: User) -> None:
    token = invite(acme, boss)
    invitations.accept_as_new(token=token, username="first", password=PASSWORD)
    with pytest.raises(InvitationClosed):
        invitations.accept_as_new(token=token, username="second", password=PASSWORD)
    assert not User.objects.filter(username="second").exists()


def test_a_link_ends_when_it_expires(acme: Organisation, boss: User) -> None:
    token = invite(acme, boss)
    Invitation.objects.update(created_at=timezone.now() - timedelta(days=8), expires_at=timezone.now())
    with pytest.raises(InvitationClosed):
        invitations.accept_as_new(token=token, username="late", password=PASSWORD)
    assert (User.objects.count(), Invitation.objects.get().accepted_at) == (1, None)


def test_a_link_is_open_for_seven_days(acme: Organisation, boss: User) -> None:
    invite(acme, boss)
    made = Invitation.objects.get()
    assert made.expires_at - made.created_at == timedelta(days=7)


def test_inviting_again_replaces_whatever_the_case(acme: Organisation, boss: User) -> None:
    first, second = invite(acme, boss), invite(acme, boss, "New@Example.com", Role.VIEWER)
    with pytest.raises(InvitationClosed):
        invitations.accept_as_new(token=first, username="newcomer", password=PASSWORD)
    user = invitations.accept_as_new(token=second, username="newcomer", password=PASSWORD)
    assert queries.role_in(user, acme) is Role.VIEWER


def test_a_withdrawn_link_opens_nothing(acme: Organisation, boss: User) -> None:
    token = invite(acme, boss)
    invitations.withdraw(invitation=Invitation.objects.get(), by=boss)
    with pytest.raises(InvitationClosed):
        queries.invitation_for(token)


@pytest.mark.parametrize("shut_out", ["removed", "inactive", "a viewer"])
def test_who_is_no_longer_an_administrator_left_no_way_in(acme: Organisation, boss: User, client: Client, shut_out: str) -> None:
    """Somebody who is about to go could invite an address of theirs first."""
    _, token = invitations.invite(organisation=acme, email="mine@example.org", role=Role.ADMINISTRATOR, by=boss, link=lambda token: token)
    member(acme, Role.ADMINISTRATOR)
    {
        "removed": boss.memberships.all().delete,
        "inactive": lambda: User.objects.filter(pk=boss.pk).update(is_active=False),
        "a viewer": lambda: boss.memberships.update(role=Role.VIEWER),
    }[shut_out]()
    assert client.get(f"/accounts/invitation/{token}/").status_code == 410
    with pytest.raises(InvitationClosed):
        invitations.accept_as_new(token=token, username="again", password=PASSWORD)
    assert not User.objects.filter(username="again").exists()


def test_withdrawing_what_was_accepted_changes_nothing(acme: Organisation, boss: User) -> None:
    user = invitations.accept_as_new(token=invite(acme, boss), username="newcomer", password=PASSWORD)
    invitations.withdraw(invitation=Invitation.objects.get(), by=boss)
    found = Invitation.objects.get()
    assert (found.withdrawn_at, found.accepted_by) == (None, user)


@pytest.mark.parametrize("change", ["{token}x", "x{token}", "{secret}.AAAA", "{secret}", "."])
def test_a_forged_link_is_not_looked_for(acme: Organisation, boss: User, change: str, django_assert_num_queries) -> None:
    token = invite(acme, boss)
    with django_assert_num_queries(0), pytest.raises(InvitationClosed):
        queries.invitation_for(change.format(token=token, secret=token.partition(".")[0]))


def test_the_secret_is_nowhere_in_the_database(acme: Organisation, boss: User) -> None:
    secret = invite(acme, boss).partition(".")[0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(i)::text FROM organisations_invitation i")
        row = cursor.fetchone()[0]
        cursor.execute("SELECT row_to_json(i)::text FROM organisations_historicalinvitation i")
        history = cursor.fetchone()[0]
    assert secret not in row + history
    assert Invitation.objects.get().hash not in history


@pytest.mark.parametrize("role", [Role.VIEWER, Role.TRADER, Role.COMPLIANCE_OFFICER, None])
def test_only_an_administrator_of_the_organisation_invites(acme: Organisation, role: Role | None) -> None:
    by = member(acme, role) if role else member(organisation("other"), Role.ADMINISTRATOR)
    with pytest.raises(NotAdministrator):
        invite(acme, by)
    assert (Invitation.objects.count(), mail.outbox) == (0, [])


def test_a_superuser_invites_everywhere_unless_inactive(acme: Organisation) -> None:
    root = User.objects.create_superuser("root")
    invite(acme, root)
    root.is_active = False
    with pytest.raises(NotAdministrator):
        invite(acme, root)


def test_a_member_is_not_invited(acme: Organisation, boss: User) -> None:
    member(acme, email="here@example.com")
    with pytest.raises(AlreadyMember) as caught:
        invite(acme, boss, "Here@example.com")
    assert (caught.value.field, Invitation.objects.count()) == ("email", 0)


def test_somebody_with_an_account_joins_with_it(acme: Organisation, boss: User) -> None:
    elsewhere = member(organisation("other"), email="new@example.com")
    token = invite(acme, boss, "NEW@example.com")
    with pytest.raises(OtherAccount):
        invitations.accept_as_new(token=token, username="double", password=PASSWORD)
    invitations.accept_as(token=token, user=elsewhere)
    assert queries.role_in(elsewhere, acme) is Role.TRADER


def test_somebody_else_does_not_join_with_it(acme: Organisation, boss: User) -> None:
    token, stranger = invite(acme, boss), UserFactory.create()
    with pytest.raises(OtherAccount):
        invitations.accept_as(token=token, user=stranger)
    assert (queries.role_in(stranger, acme), Invitation.objects.get().accepted_at) == (None, None)


@pytest.mark.parametrize(
    ("username", "password", "error"), [("boss", PASSWORD, NameTaken), ("a b", PASSWORD, InvalidInput), ("ok", "short", InvalidInput)]
)
def test_a_refused_name_or_password_leaves_the_link_open(acme: Organisation, boss: User, username: str, password: str, error) -> None:
    token = invite(acme, boss)
    with pytest.raises(error):
        invitations.accept_as_new(token=token, username=username, password=password)
    assert (queries.invitation_for(token).accepted_at, User.objects.count()) == (None, 1)


def test_a_mail_server_that_is_away_is_said(acme: Organisation, boss: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(self: EmailBackend, messages: object) -> int:
        raise smtplib.SMTPServerDisconnected("smtp://user:hunter2@mail")

    monkeypatch.setattr(EmailBackend, "send_messages", away)
    with pytest.raises(MailNotSent) as caught:
        invite(acme, boss)
    assert "hunter2" not in str(caught.value)
    assert queries.pending_invitations().count() == 1


def test_the_history_tells_the_way(acme: Organisation, boss: User) -> None:
    invite(acme, boss)
    user = invitations.accept_as_new(token=invite(acme, boss), username="newcomer", password=PASSWORD)
    reasons = Invitation.history.order_by("history_id").values_list("history_type", "history_change_reason")
    assert list(reasons) == [("+", ""), ("~", "replaced by a newer invitation"), ("+", ""), ("~", "accepted")]
    last = Invitation.objects.latest("id")
    assert Membership.objects.get(user=user).history.get().history_change_reason == f"invitation {last.pk} by boss"


@pytest.mark.django_db(transaction=True)
def test_two_who_use_a_link_at_once_make_one_user() -> None:
    acme = organisation()
    token = invite(acme, member(acme, Role.ADMINISTRATOR))
    results: list[str] = []
    together = threading.Barrier(2)

    def accept(name: str) -> None:
        together.wait()
        try:
            invitations.accept_as_new(token=token, username=name, password=PASSWORD)
            results.append("in")
        except InvitationClosed:
            results.append("closed")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=accept, args=[name]) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sorted(results), User.objects.filter(username__in=["one", "two"]).count()) == (["closed", "in"], 1)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE organisations_invitation SET hash = 'x'", "invitation_hash_is_sha256"),
        ("UPDATE organisations_invitation SET role = 'owner'", "invitation_role_known"),
        ("UPDATE organisations_invitation SET expires_at = created_at", "invitation_expires_after_creation"),
        ("UPDATE organisations_invitation SET accepted_at = now()", "invitation_accepted_by_somebody"),
        (
            "UPDATE organisations_invitation SET accepted_at = now(), accepted_by_id = invited_by_id, withdrawn_at = now()",
            "invitation_ends_once",
        ),
        (
            "INSERT INTO organisations_invitation (organisation_id, email, role, hash, invited_by_id, created_at, expires_at) SELECT "
            "organisation_id, upper(email), role, repeat('0', 64), invited_by_id, created_at, expires_at FROM organisations_invitation",
            "invitation_open_once",
        ),
        (
            "INSERT INTO organisations_invitation (organisation_id, email, role, hash, invited_by_id, created_at, expires_at) SELECT "
            "organisation_id, 'x' || email, role, hash, invited_by_id, created_at, expires_at FROM organisations_invitation",
            "invitation_hash_once",
        ),
        ("UPDATE organisations_historicalinvitation SET role = 'viewer'", "append-only"),
        ("DELETE FROM organisations_historicalinvitation", "append-only"),
    ],
)
def test_the_database_refuses(acme: Organisation, boss: User, statement: str, constraint: str) -> None:
    invite(acme, boss)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


# --- the page --------------------------------------------------------------------------------------


def test_a_newcomer_accepts_on_the_page_and_is_in(acme: Organisation, boss: User, client: Client) -> None:
    path = f"/accounts/invitation/{invite(acme, boss)}/"
    page = client.get(path)
    assert "Your password must contain at least 12 characters." in page.content.decode()
    assert page["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    answer = client.post(path, {"username": "newcomer", "password1": PASSWORD, "password2": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/api/v1/me").json()["organisations"][0]["role"] == "trader"
    assert client.get(path).status_code == 410


def test_a_weak_password_is_told_and_changes_nothing(acme: Organisation, boss: User, client: Client) -> None:
    path = f"/accounts/invitation/{invite(acme, boss)}/"
    answer = client.post(path, {"username": "newcomer", "password1": "password", "password2": "password"})
    assert (answer.status_code, User.objects.count()) == (400, 1)
    assert "too common" in answer.content.decode()


def test_a_name_that_is_taken_is_told(acme: Organisation, boss: User, client: Client) -> None:
    answer = client.post(f"/accounts/invitation/{invite(acme, boss)}/", {"username": "boss", "password1": PASSWORD, "password2": PASSWORD})
    assert (answer.status_code, User.objects.count()) == (400, 1)


def test_a_link_that_is_none_says_so(client: Client) -> None:
    answer = client.get("/accounts/invitation/nonsense/")
    assert (answer.status_code, "no longer open" in answer.content.decode()) == (410, True)


def test_who_has_an_account_logs_in_and_joins(acme: Organisation, boss: User, client: Client) -> None:
    elsewhere = member(organisation("other"), email="new@example.com")
    path = f"/accounts/invitation/{invite(acme, boss)}/"
    assert f"/accounts/login/?next={path}" in client.get(path).content.decode()
    client.post(path, {"username": "double", "password1": PASSWORD, "password2": PASSWORD})
    assert (User.objects.count(), queries.role_in(elsewhere, acme)) == (2, None)
    client.force_login(elsewhere)
    assert client.post(path)["Location"] == "/"
    assert queries.role_in(elsewhere, acme) is Role.TRADER


def test_logged_in_as_somebody_else_nothing_is_joined(acme: Organisation, boss: User, client: Client) -> None:
    elsewhere = member(organisation("other"), email="new@example.com")
    client.force_login(boss)
    answer = client.post(f"/accounts/invitation/{invite(acme, boss)}/")
    assert (answer.status_code, queries.role_in(elsewhere, acme), queries.role_in(boss, acme)) == (409, None, Role.ADMINISTRATOR)


def test_the_link_in_the_mail_is_the_page(acme: Organisation, boss: User, client: Client, settings) -> None:
    client.force_login(boss)
    client.post("/accounts/people/acme/invite/", {"email": "new@example.com", "role": "viewer"})
    assert Client().get(link_in(mail.outbox[0].body)).status_code == 200
