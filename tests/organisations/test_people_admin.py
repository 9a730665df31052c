"""Invitations, members and locked doors in the back office."""

from __future__ import annotations

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from energyopti.organisations import invitations, queries
from energyopti.organisations.models import Invitation, Membership, Organisation, User
from tests.organisations.people import PASSWORD, Role, member, organisation

pytestmark = pytest.mark.django_db
LIST = "/admin/organisations/invitation/"


@pytest.fixture
def acme() -> Organisation:
    return organisation()


@pytest.fixture
def boss(acme: Organisation) -> User:
    return member(acme, Role.ADMINISTRATOR, username="boss")


@pytest.fixture
def office(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def invitation(acme: Organisation, boss: User) -> Invitation:
    made, _ = invitations.invite(organisation=acme, email="new@example.com", role=Role.TRADER, by=boss, link=str)
    return made


def test_the_list_shows_who_was_invited_and_no_hash(office: Client, invitation: Invitation) -> None:
    page = office.get(LIST).content.decode()
    form = office.get(f"{LIST}{invitation.pk}/change/").content.decode()
    assert "new@example.com" in page
    assert invitation.hash not in page + form


def test_the_button_leads_to_the_page_that_invites(office: Client, boss: User) -> None:
    assert office.get(f"{LIST}add/")["Location"] == "/accounts/people/"


def test_an_invitation_is_withdrawn_by_an_action(office: Client, invitation: Invitation) -> None:
    office.post(LIST, {"action": "withdraw", "_selected_action": [invitation.pk]})
    assert not queries.pending_invitations().exists()
    assert invitation.history.latest().history_change_reason == "in the back office"


def test_staff_who_administer_nothing_withdraw_nothing(client: Client, acme: Organisation, invitation: Invitation) -> None:
    clerk = member(acme, Role.VIEWER, is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(content_type__app_label="organisations"))
    client.force_login(clerk)
    client.post(LIST, {"action": "withdraw", "_selected_action": [invitation.pk]})
    assert queries.pending_invitations().get() == invitation


def test_an_invitation_is_not_edited_or_deleted(office: Client, invitation: Invitation) -> None:
    answers = [office.post(f"{LIST}{invitation.pk}/{what}/", {"role": "administrator", "post": "yes"}) for what in ("change", "delete")]
    invitation.refresh_from_db()
    assert ([answer.status_code for answer in answers], invitation.role) == ([403, 403], "trader")


def test_the_form_of_an_organisation_keeps_its_administrator(office: Client, acme: Organisation, boss: User) -> None:
    membership = Membership.objects.get(user=boss)
    rows = {"memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "1", "memberships-0-id": str(membership.pk)}
    fields = {"name": "Acme", **rows, "memberships-0-organisation": str(acme.pk), "memberships-0-user": str(boss.pk)}
    answer = office.post(reverse("admin:organisations_organisation_change", args=[acme.pk]), {**fields, "memberships-0-role": "viewer"})
    membership.refresh_from_db()
    assert (answer.status_code, membership.role) == (200, "administrator")
    assert "An organisation keeps an administrator" in answer.content.decode()


def test_somebody_locked_out_is_let_in_again(office: Client, boss: User) -> None:
    for _ in range(5):
        Client().post("/accounts/login/", {"username": "boss", "password": "wrong"})
    assert AccessAttempt.objects.get().failures_since_start == 5
    office.post(reverse("admin:organisations_user_changelist"), {"action": "unlock", "_selected_action": [boss.pk]})
    assert AccessAttempt.objects.count() == 0


def test_staff_who_edit_people_do_not_give_themselves_rights(client: Client, acme: Organisation) -> None:
    clerk = member(acme, Role.VIEWER, is_staff=True, username="clerk")
    root = member(acme, Role.VIEWER, is_staff=True, is_superuser=True, username="root")
    clerk.user_permissions.set(Permission.objects.filter(content_type__app_label="organisations"))
    client.force_login(clerk)
    fields = {"username": "clerk", "email": "", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    own = client.post(reverse("admin:organisations_user_change", args=[clerk.pk]), fields)
    others = client.post(reverse("admin:organisations_user_change", args=[root.pk]), {**fields, "username": "mine"})
    word = client.post(
        reverse("admin:auth_user_password_change", args=[root.pk]), {"password1": "mine-mine-mine", "password2": "mine-mine-mine"}
    )
    clerk.refresh_from_db()
    root.refresh_from_db()
    assert (own.status_code, others.status_code, word.status_code) == (302, 403, 403)
    assert (clerk.is_superuser, root.username, root.check_password(PASSWORD)) == (False, "root", True)
