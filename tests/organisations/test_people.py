"""Who belongs to an organisation: seen and changed by its administrators alone, and one of them always stays."""

from __future__ import annotations

import re
import threading

import pytest
from django.core import mail
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client

from energyopti.organisations import queries, services
from energyopti.organisations.errors import LastAdministrator, NotAdministrator
from energyopti.organisations.models import Invitation, Membership, Organisation, User
from tests.organisations.people import Role, UserFactory, member, organisation

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Organisation:
    return organisation()


@pytest.fixture
def boss(acme: Organisation) -> User:
    return member(acme, Role.ADMINISTRATOR, username="boss")


@pytest.fixture
def trader(acme: Organisation) -> User:
    return member(acme, Role.TRADER, username="trader")


@pytest.fixture
def office(client: Client, boss: User) -> Client:
    client.force_login(boss)
    return client


def of(user: User) -> Membership:
    return Membership.objects.get(user=user)


# --- one administrator stays -----------------------------------------------------------------------


def test_the_last_administrator_is_not_removed(acme: Organisation, boss: User) -> None:
    with pytest.raises(LastAdministrator):
        services.remove_member(membership=of(boss), by=boss)
    assert queries.role_in(boss, acme) is Role.ADMINISTRATOR


def test_the_last_administrator_keeps_the_role(acme: Organisation, boss: User) -> None:
    for act in (
        lambda: services.change_role(membership=of(boss), role=Role.VIEWER, by=boss),
        lambda: services.add_member(user=boss, organisation=acme, role=Role.VIEWER),
    ):
        with pytest.raises(LastAdministrator):
            act()
    assert queries.role_in(boss, acme) is Role.ADMINISTRATOR


def test_one_of_two_may_go(acme: Organisation, boss: User) -> None:
    other = member(acme, Role.ADMINISTRATOR)
    services.remove_member(membership=of(boss), by=boss, reason="left")
    assert (queries.role_in(boss, acme), queries.role_in(other, acme)) == (None, Role.ADMINISTRATOR)
    assert Membership.history.filter(user=boss).latest().history_change_reason == "left"


def test_an_administrator_who_cannot_log_in_does_not_count(acme: Organisation, boss: User) -> None:
    member(acme, Role.ADMINISTRATOR, is_active=False)
    with pytest.raises(LastAdministrator):
        services.remove_member(membership=of(boss), by=boss)
    assert queries.role_in(boss, acme) is Role.ADMINISTRATOR


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM organisations_membership WHERE role = 'administrator'",
        "UPDATE organisations_membership SET role = 'viewer'",
        "UPDATE organisations_membership SET user_id = (SELECT id FROM organisations_user WHERE NOT is_active) "
        "WHERE role = 'administrator'",
    ],
)
def test_the_database_keeps_one_too(acme: Organisation, boss: User, trader: User, statement: str) -> None:
    UserFactory.create(is_active=False)
    with pytest.raises(IntegrityError, match="membership_keeps_an_administrator"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_two_administrators_change_places_in_one_statement(acme: Organisation, boss: User, trader: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE organisations_membership SET role = CASE role WHEN 'administrator' THEN 'viewer' ELSE 'administrator' END")
    assert (queries.role_in(boss, acme), queries.role_in(trader, acme)) == (Role.VIEWER, Role.ADMINISTRATOR)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["service", "sql"])
def test_two_who_remove_each_other_at_once_do_not_both_succeed(way: str) -> None:
    acme = organisation()
    first, second = member(acme, Role.ADMINISTRATOR), member(acme, Role.ADMINISTRATOR)
    results: list[str] = []
    together = threading.Barrier(2)

    def by_service(by: User, target: User) -> None:
        services.remove_member(membership=of(target), by=by)

    def by_sql(by: User, target: User) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM organisations_membership WHERE user_id = %s", [target.pk])

    def remove(by: User, target: User) -> None:
        together.wait()
        try:
            {"service": by_service, "sql": by_sql}[way](by, target)
            results.append("removed")
        except (LastAdministrator, NotAdministrator, IntegrityError) as problem:
            results.append("refused" if "administrator" in str(problem) else str(problem))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=remove, args=pair) for pair in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sorted(results), Membership.objects.filter(organisation=acme).count()) == (["refused", "removed"], 1)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.TRADER, Role.COMPLIANCE_OFFICER])
def test_services_ask_who_acts(acme: Organisation, boss: User, role: Role) -> None:
    by = member(acme, role)
    for act in (
        lambda: services.change_role(membership=of(by), role=Role.ADMINISTRATOR, by=by),
        lambda: services.remove_member(membership=of(boss), by=by),
    ):
        with pytest.raises(NotAdministrator):
            act()
    assert (queries.role_in(by, acme), queries.role_in(boss, acme)) == (role, Role.ADMINISTRATOR)


# --- the page --------------------------------------------------------------------------------------


def test_the_page_lists_members_roles_and_open_invitations(office: Client, trader: User) -> None:
    office.post("/accounts/people/acme/invite/", {"email": "new@example.com", "role": "viewer"})
    page = office.get("/accounts/people/").content.decode()
    assert all(text in page for text in ("People of Acme", "boss@example.com", "trader@example.com", "new@example.com"))
    assert page.count('<option value="trader" selected>') == 1


def test_the_page_takes_the_same_queries_however_many_they_are(office: Client, acme: Organisation, django_assert_num_queries) -> None:
    for _ in range(10):
        member(acme)
    with django_assert_num_queries(6):  # session, user, may I, organisations, members, invitations
        office.get("/accounts/people/acme/")


def test_a_role_is_changed(office: Client, acme: Organisation, trader: User) -> None:
    answer = office.post(f"/accounts/people/acme/members/{of(trader).pk}/role/", {"role": "compliance_officer"})
    assert (answer.status_code, queries.role_in(trader, acme)) == (302, Role.COMPLIANCE_OFFICER)
    last = of(trader).history.latest()
    assert (last.history_user.username, last.history_change_reason) == ("boss", "on the people page")


def test_a_member_is_removed_and_stays_a_user(office: Client, acme: Organisation, trader: User) -> None:
    answer = office.post(f"/accounts/people/acme/members/{of(trader).pk}/remove/")
    assert (answer.status_code, queries.role_in(trader, acme), User.objects.filter(pk=trader.pk).exists()) == (302, None, True)


def test_an_invitation_is_withdrawn(office: Client) -> None:
    office.post("/accounts/people/acme/invite/", {"email": "new@example.com", "role": "viewer"})
    invitation = Invitation.objects.get()
    assert office.post(f"/accounts/people/acme/invitations/{invitation.pk}/withdraw/").status_code == 302
    invitation.refresh_from_db()
    assert (invitation.withdrawn_at is None, office.post(f"/accounts/people/acme/invitations/{invitation.pk}/withdraw/").status_code) == (
        False,
        404,
    )


def test_removing_the_last_administrator_is_told(office: Client, acme: Organisation, boss: User) -> None:
    answer = office.post(f"/accounts/people/acme/members/{of(boss).pk}/remove/")
    assert (answer.status_code, queries.role_in(boss, acme)) == (409, Role.ADMINISTRATOR)
    assert "An organisation keeps an administrator" in answer.content.decode()


@pytest.mark.parametrize(
    ("email", "role", "status"), [("nonsense", "viewer", 400), ("a@example.com", "owner", 400), ("trader@example.com", "viewer", 409)]
)
def test_an_invitation_that_is_none_is_told(office: Client, trader: User, email: str, role: str, status: int) -> None:
    answer = office.post("/accounts/people/acme/invite/", {"email": email, "role": role})
    assert (answer.status_code, Invitation.objects.count(), mail.outbox) == (status, 0, [])


def test_without_a_mail_server_the_link_is_shown_once(office: Client, settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    page = office.post("/accounts/people/acme/invite/", {"email": "new@example.com", "role": "viewer"})
    token = page.content.decode().partition("/accounts/invitation/")[2].partition("/")[0]
    assert queries.invitation_for(token) == Invitation.objects.get()
    assert token not in office.get("/accounts/people/acme/").content.decode()
    assert token in capsys.readouterr().out


def test_with_a_mail_server_only_the_mail_has_the_link(office: Client) -> None:
    answer = office.post("/accounts/people/acme/invite/", {"email": "new@example.com", "role": "viewer"}, follow=True)
    assert "/accounts/invitation/" not in answer.content.decode()
    assert "/accounts/invitation/" in mail.outbox[0].body


DENIED = [None, "viewer", "trader", "compliance_officer", "elsewhere"]


@pytest.mark.parametrize("who", DENIED)
def test_nobody_else_sees_or_changes_anything(client: Client, acme: Organisation, boss: User, trader: User, who: str | None) -> None:
    """A member with another role, the administrator of another organisation, a stranger."""
    if who:
        user = member(organisation("other"), Role.ADMINISTRATOR) if who == "elsewhere" else member(acme, Role(who))
        client.force_login(user)
    services_before = list(Membership.objects.order_by("pk").values_list("pk", "role"))
    answers = [
        client.get("/accounts/people/acme/"),
        client.post("/accounts/people/acme/invite/", {"email": "new@example.com", "role": "administrator"}),
        client.post(f"/accounts/people/acme/members/{of(trader).pk}/role/", {"role": "administrator"}),
        client.post(f"/accounts/people/acme/members/{of(trader).pk}/remove/"),
    ]
    assert {answer.status_code for answer in answers} == ({404} if who else {302})
    assert list(Membership.objects.order_by("pk").values_list("pk", "role")) == services_before
    assert (Invitation.objects.count(), mail.outbox) == (0, [])


def test_a_member_of_another_organisation_is_not_reached_through_ones_own(office: Client, acme: Organisation) -> None:
    stranger = member(organisation("other"), Role.VIEWER)
    paths = [f"/accounts/people/acme/members/{of(stranger).pk}/{what}/" for what in ("role", "remove")]
    assert [office.post(path, {"role": "trader"}).status_code for path in paths] == [404, 404]
    assert of(stranger).role == "viewer"


def test_who_administers_nothing_sees_whom_to_ask(client: Client, boss: User, trader: User, django_assert_num_queries) -> None:
    other = organisation("other")
    member(other, Role.ADMINISTRATOR, username="chief")
    services.add_member(user=trader, organisation=other, role=Role.VIEWER)
    client.force_login(trader)
    with django_assert_num_queries(5):  # session, user, administers, memberships, administrators
        page = client.get("/accounts/people/").content.decode()
    assert re.findall(r"<tr><th scope=\"row\">(\w+)</th><td>(\w+)</td>\s*<td>(\w+)</td></tr>", page) == [
        ("Acme", "Trader", "boss"),
        ("Other", "Viewer", "chief"),
    ]
    assert "boss@example.com" not in page


def test_a_superuser_administers_all(client: Client, acme: Organisation, boss: User) -> None:
    organisation("other")
    client.force_login(User.objects.create_superuser("root"))
    assert [client.get(f"/accounts/people/{slug}/").status_code for slug in ("acme", "other")] == [200, 200]


def test_who_gives_up_administering_is_sent_to_the_overview(office: Client, acme: Organisation, boss: User) -> None:
    member(acme, Role.ADMINISTRATOR)
    assert office.post(f"/accounts/people/acme/members/{of(boss).pk}/role/", {"role": "viewer"})["Location"] == "/"


# --- addresses -------------------------------------------------------------------------------------


def test_an_address_is_one_users_whatever_the_case() -> None:
    UserFactory.create(email="one@example.com")
    with pytest.raises(IntegrityError, match="user_email_once"), transaction.atomic():
        UserFactory.create(email="ONE@example.com")


def test_many_may_have_none() -> None:
    UserFactory.create_batch(2, email="")
    assert User.objects.filter(email="").count() == 2
    assert queries.user_with_email("") is None
