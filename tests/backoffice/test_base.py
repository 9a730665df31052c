"""Who sees which rows, and that no page of a model can forget to say so."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from energyopti import schedule
from energyopti.backoffice.base import OfficeAdmin
from energyopti.organisations import services
from energyopti.organisations.models import APIKey, Membership, Organisation, User
from tests.backoffice.people import confirmed, office, selected, staff

pytestmark = pytest.mark.django_db
ALL = tuple(f"organisations.{do}_{what}" for do in ("view", "change") for what in ("user", "organisation", "apikey", "membership"))


@pytest.fixture
def acme() -> Organisation:
    return services.create_organisation(slug="acme", name="Acme")


@pytest.fixture
def other() -> Organisation:
    return services.create_organisation(slug="other", name="Otherwise Power")


@pytest.fixture
def clerk(acme: Organisation) -> Client:
    return office(staff("clerk", *ALL, of=acme))


def member(name: str, *organisations: Organisation) -> User:
    user = User.objects.create_user(name)
    for organisation in organisations:
        services.add_member(user=user, organisation=organisation, role=Membership.Role.TRADER)
    return user


def key(user: User) -> APIKey:
    return services.make_api_key(user=user, name=f"{user.username}'s excel")[0]


def listed(client: Client, model: str) -> set[str]:
    answer = client.get(reverse(f"admin:organisations_{model}_changelist"))
    return {str(row) for row in answer.context["cl"].result_list}


def test_staff_see_people_keys_and_organisations_of_their_own(clerk: Client, acme: Organisation, other: Organisation) -> None:
    ours, theirs = member("ours", acme), member("theirs", other)
    key(ours), key(theirs)
    assert listed(clerk, "user") == {"clerk", "ours"}
    assert listed(clerk, "organisation") == {"Acme"}
    assert {name.split(" ")[0] for name in listed(clerk, "apikey")} == {"ours's"}


def test_a_superuser_sees_all(acme: Organisation, other: Organisation) -> None:
    boss = office(User.objects.create_superuser("boss"))
    key(member("theirs", other))
    assert listed(boss, "organisation") == {"Acme", "Otherwise Power"}
    assert len(listed(boss, "apikey")) == 1


def test_somebody_in_two_of_my_organisations_stands_once(acme: Organisation, other: Organisation) -> None:
    clerk = staff("clerk", *ALL, of=acme)
    services.add_member(user=clerk, organisation=other, role=Membership.Role.VIEWER)
    member("both", acme, other)
    rows = office(clerk).get(reverse("admin:organisations_user_changelist")).context["cl"].result_list
    assert sorted(row.username for row in rows) == ["both", "clerk"]


def test_anothers_row_is_not_there_and_stays_as_it_is(clerk: Client, other: Organisation) -> None:
    theirs = key(member("theirs", other))
    page = clerk.get(reverse("admin:organisations_organisation_change", args=[other.pk]), follow=True)
    assert "doesn’t exist" in page.content.decode()
    clerk.post(
        reverse("admin:organisations_organisation_change", args=[other.pk]),
        {"name": "Mine now", "memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"},
    )
    confirmed_or_not = clerk.post(
        reverse("admin:organisations_apikey_changelist"), {**selected("revoke", theirs), "_confirm": "1", "_shown": "x", "reason": "mine"}
    )
    other.refresh_from_db(), theirs.refresh_from_db()
    assert (other.name, theirs.revoked_at, confirmed_or_not.status_code) == ("Otherwise Power", None, 200)


def test_filters_name_only_organisations_that_i_see(clerk: Client, other: Organisation) -> None:
    assert "Otherwise Power" not in clerk.get(reverse("admin:organisations_user_changelist")).content.decode()


def test_only_people_that_i_see_can_be_made_members(clerk: Client, acme: Organisation, other: Organisation) -> None:
    theirs = member("theirs", other)
    fields = {
        "name": "Acme",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0",
        "memberships-0-user": theirs.pk,
        "memberships-0-organisation": acme.pk,
        "memberships-0-role": "trader",
    }
    clerk.post(reverse("admin:organisations_organisation_change", args=[acme.pk]), fields)
    assert not Membership.objects.filter(user=theirs, organisation=acme).exists()
    found = clerk.get(
        reverse("admin:autocomplete"), {"app_label": "organisations", "model_name": "membership", "field_name": "user", "term": "theirs"}
    )
    assert found.json()["results"] == []


@pytest.mark.parametrize("path", ["/admin/", "/admin/feeds/feed/", "/admin/feeds/upload/add/", "/admin/organisations/apikey/"])
def test_who_is_not_staff_is_sent_away(client: Client, path: str) -> None:
    client.force_login(User.objects.create_user("trader"))
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/admin/login/?next={path}")


def test_a_member_without_the_permission_may_not_look(acme: Organisation) -> None:
    plain = office(staff("plain", of=acme))
    paths = ["feeds/feed/", "feeds/syncrun/", "feeds/coverage/", "feeds/upload/", "feeds/upload/add/", "organisations/apikey/"]
    assert {plain.get(f"/admin/{path}").status_code for path in paths} == {403}


def test_every_page_of_ours_has_the_one_base() -> None:
    ours = {model: page for model, page in admin.site._registry.items() if model.__module__.startswith(("energyopti.", "markets."))}
    assert len(ours) >= 9
    assert [model for model, page in ours.items() if not isinstance(page, OfficeAdmin)] == []
    assert [message for page in ours.values() for message in page.check()] == []


def test_a_page_that_forgets_whose_rows_it_shows_is_an_error() -> None:
    class Forgetful(OfficeAdmin):
        pass

    assert [message.id for message in Forgetful(Group, admin.site).check()] == ["backoffice.E001"]


def test_the_index_is_arranged_by_what_people_look_for(acme: Organisation) -> None:
    page = office(User.objects.create_superuser("boss")).get("/admin/")
    shelves = {shelf["name"]: [str(entry["name"]) for entry in shelf["models"]] for shelf in page.context["app_list"]}
    assert list(shelves)[:5] == ["Certificates", "What came in", "What is missing", "What was refused", "Nodes"]
    assert shelves["Certificates"][:4] == ["What waits", "Portfolios", "Commands", "Accounts"]
    assert shelves["What came in"] == ["Feeds", "Sync runs", "Uploads", "Payloads"]
    assert "Periodic tasks" in shelves["Schedule"]
    assert "Other" not in shelves


def test_the_index_shows_what_one_may_see() -> None:
    page = office(staff("reader", "feeds.view_quarantine")).get("/admin/")
    assert [shelf["name"] for shelf in page.context["app_list"]] == ["What was refused"]


def test_revoking_keys_asks_why_and_keeps_it(clerk: Client, acme: Organisation) -> None:
    mine = key(member("ours", acme))
    answer = confirmed(clerk, reverse("admin:organisations_apikey_changelist"), "the laptop is gone", **selected("revoke", mine))
    mine.refresh_from_db()
    assert answer.status_code == 302
    assert mine.revoked_at is not None
    assert (mine.history.latest().history_user.username, mine.history.latest().history_change_reason) == ("clerk", "the laptop is gone")


def test_the_first_look_revokes_nothing(clerk: Client, acme: Organisation) -> None:
    mine = key(member("ours", acme))
    page = clerk.post(reverse("admin:organisations_apikey_changelist"), selected("revoke", mine)).content.decode()
    mine.refresh_from_db()
    assert "these keys open nothing" in page
    assert mine.revoked_at is None


@pytest.mark.parametrize("path", ["/admin/", "/admin/feeds/feed/", "/admin/feeds/upload/add/", "/admin/feeds/syncrun/"])
def test_nothing_is_inline(path: str) -> None:
    page = office(User.objects.create_superuser("boss")).get(path).content.decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*(src=|application/json))", page)


def test_the_schedules_form_has_no_inline_script() -> None:
    schedule.ensure()
    boss = office(User.objects.create_superuser("boss"))
    entry = boss.get("/admin/django_celery_beat/periodictask/").context["cl"].result_list[0]
    page = boss.get(f"/admin/django_celery_beat/periodictask/{entry.pk}/change/").content.decode()
    assert "eo-crontab.js" in page
    assert not re.search(r"<script(?![^>]*(src=|application/json))", page)


def test_a_password_is_changed_on_the_one_page_that_says_the_rules(clerk: Client) -> None:
    page = clerk.get("/admin/password_change/", follow=True)
    assert page.redirect_chain == [("/accounts/password/", 302)]
    assert "at least 12 characters" in page.content.decode()
