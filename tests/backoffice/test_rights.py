"""Whoever comes to the back office leaves it with the rights they came with."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.test import Client
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from energyopti.organisations import services
from energyopti.organisations.models import Membership, Organisation, User
from tests.backoffice.people import office, selected, staff

pytestmark = pytest.mark.django_db
Role = Membership.Role
MEMBERS = (
    "organisations.view_organisation",
    "organisations.change_organisation",
    "organisations.view_user",
    "organisations.view_membership",
)
MEMBERS += ("organisations.change_membership", "organisations.add_membership")
PEOPLE = ("organisations.view_user", "organisations.change_user", "organisations.add_user")


@pytest.fixture
def acme() -> Organisation:
    return services.create_organisation(slug="acme", name="Acme")


@pytest.fixture
def other() -> Organisation:
    return services.create_organisation(slug="other", name="Other")


def join(user: User, organisation: Organisation, role: Role = Role.VIEWER) -> Membership:
    return services.add_member(user=user, organisation=organisation, role=role)


def person(name: str, *organisations: Organisation, **fields: Any) -> User:
    user = User.objects.create_user(name, password="the first password", **fields)
    for each in organisations:
        join(user, each)
    return user


def new_password(client: Client, user: User) -> bool:
    given = {"password1": "another long password", "password2": "another long password", "usable_password": "true"}
    client.post(f"/admin/organisations/user/{user.pk}/password/", given)
    return User.objects.get(pk=user.pk).check_password("another long password")


# --- groups ----------------------------------------------------------------------------------------


def test_who_edits_groups_does_not_give_themselves_rights() -> None:
    clerk = staff("clerk", "auth.view_group", "auth.change_group", "auth.add_group")
    group = Group.objects.create(name="clerks")
    clerk.groups.add(group)
    right = Permission.objects.get(codename="change_user")
    answer = office(clerk).post(f"/admin/auth/group/{group.pk}/change/", {"name": "clerks", "permissions": [right.pk]})
    assert (answer.status_code, list(group.permissions.all())) == (403, [])
    assert office(clerk).post("/admin/auth/group/add/", {"name": "mine", "permissions": [right.pk]}).status_code == 403
    assert office(clerk).get(f"/admin/auth/group/{group.pk}/change/").status_code == 200


def test_a_superuser_edits_groups() -> None:
    root, right = User.objects.create_superuser("root"), Permission.objects.get(codename="change_user")
    office(root).post("/admin/auth/group/add/", {"name": "clerks", "permissions": [right.pk]})
    assert list(Group.objects.get(name="clerks").permissions.all()) == [right]


# --- other people's accounts -----------------------------------------------------------------------


def test_nobody_reaches_another_organisation_by_a_colleagues_password(acme: Organisation, other: Organisation) -> None:
    clerk = staff("clerk", *PEOPLE, of=acme)
    both, mine = person("both", acme, other), person("mine", acme)
    assert (new_password(office(clerk), both), new_password(office(clerk), mine)) == (False, True)


def test_nobody_takes_a_higher_role_by_a_colleagues_password(acme: Organisation) -> None:
    """A clerk who is a viewer does not become the organisation's administrator."""
    clerk, boss = staff("clerk", *PEOPLE), person("boss")
    join(clerk, acme)
    join(boss, acme, Role.ADMINISTRATOR)
    assert new_password(office(clerk), boss) is False
    fields = {"username": "boss", "email": "clerk@example.com", "is_active": "on"}
    assert office(clerk).post(f"/admin/organisations/user/{boss.pk}/change/", fields).status_code == 403
    assert User.objects.get(pk=boss.pk).email == ""


def test_nobody_takes_the_rights_of_a_colleague_by_a_new_password(acme: Organisation) -> None:
    clerk = staff("clerk", *PEOPLE, of=acme)
    richer = staff("richer", *PEOPLE, "feeds.add_syncrun", of=acme)
    alike = staff("alike", "organisations.view_user", of=acme)
    assert (new_password(office(clerk), richer), new_password(office(clerk), alike)) == (False, True)


# --- roles -----------------------------------------------------------------------------------------


def rows(organisation: Organisation, *members: tuple[Any, Any, Any]) -> dict[str, Any]:
    """The form of an organisation: (pk, user, role) of each member, an empty pk for a new one."""
    old = sum(bool(pk) for pk, _, _ in members)
    fields: dict[str, Any] = {"name": organisation.name, "memberships-TOTAL_FORMS": len(members), "memberships-INITIAL_FORMS": old}
    for place, (pk, user, role) in enumerate(members):
        prefix = f"memberships-{place}"
        fields |= {f"{prefix}-id": pk, f"{prefix}-organisation": organisation.pk, f"{prefix}-user": user, f"{prefix}-role": role}
    return fields


def page(organisation: Organisation) -> str:
    return f"/admin/organisations/organisation/{organisation.pk}/change/"


def test_only_an_administrator_gives_roles(acme: Organisation) -> None:
    clerk, new = staff("clerk", *MEMBERS), person("new")
    mine = join(clerk, acme)
    join(person("boss"), acme, Role.ADMINISTRATOR)
    asked = rows(acme, (mine.pk, clerk.pk, Role.ADMINISTRATOR), ("", new.pk, Role.ADMINISTRATOR))
    answer = office(clerk).post(page(acme), asked | {"name": "Acme Power"})
    assert answer.status_code == 302
    assert set(acme.memberships.values_list("user__username", "role")) == {("clerk", "viewer"), ("boss", "administrator")}


def test_an_administrator_with_the_permission_gives_roles(acme: Organisation) -> None:
    clerk = staff("clerk", *MEMBERS, of=acme)
    theirs = join(person("new"), acme)
    mine = acme.memberships.get(user=clerk)
    office(clerk).post(page(acme), rows(acme, (mine.pk, clerk.pk, Role.ADMINISTRATOR), (theirs.pk, theirs.user_id, Role.TRADER)))
    theirs.refresh_from_db()
    assert theirs.role == Role.TRADER


def test_a_half_filled_row_of_members_is_told(acme: Organisation) -> None:
    root, boss = User.objects.create_superuser("root"), person("boss")
    first = join(boss, acme, Role.ADMINISTRATOR)
    for user, role in (("", Role.ADMINISTRATOR), (person("new").pk, ""), (boss.pk, "emperor")):
        answer = office(root).post(page(acme), rows(acme, (first.pk, boss.pk, Role.ADMINISTRATOR), ("", user, role)))
        assert (answer.status_code, Membership.objects.count()) == (200, 1)


def test_two_swap_their_roles_in_one_form(acme: Organisation) -> None:
    root, boss, heir = User.objects.create_superuser("root"), person("boss"), person("heir")
    one, two = join(boss, acme, Role.ADMINISTRATOR), join(heir, acme)
    answer = office(root).post(page(acme), rows(acme, (one.pk, boss.pk, Role.VIEWER), (two.pk, heir.pk, Role.ADMINISTRATOR)))
    assert answer.status_code == 302
    assert list(Membership.objects.order_by("pk").values_list("role", flat=True)) == ["viewer", "administrator"]


# --- the schedule ----------------------------------------------------------------------------------


@pytest.fixture
def entry() -> PeriodicTask:
    return PeriodicTask.objects.create(
        name="gaps", task="energyopti.feeds.tasks.requeue_gaps", crontab=CrontabSchedule.objects.create(), enabled=True
    )


@pytest.mark.parametrize("action", ["run_tasks", "disable_tasks", "enable_tasks", "toggle_tasks"])
def test_who_may_look_at_the_schedule_starts_and_stops_nothing(entry: PeriodicTask, action: str, eager: None, monkeypatch: Any) -> None:
    ran: list[str] = []
    monkeypatch.setattr("energyopti.feeds.upkeep.fill_gaps", lambda **_: ran.append("gaps") or 0)
    PeriodicTask.objects.update(enabled=action != "enable_tasks")
    office(staff("reader", "django_celery_beat.view_periodictask")).post("/admin/django_celery_beat/periodictask/", selected(action, entry))
    assert (ran, PeriodicTask.objects.get().enabled) == ([], action != "enable_tasks")


def test_only_a_superuser_says_what_a_task_does(entry: PeriodicTask) -> None:
    """A reset mail with a link to elsewhere, a sync in somebody's name: a task does whatever its arguments say."""
    planner = staff("planner", *(f"django_celery_beat.{right}_periodictask" for right in ("view", "change", "add")))
    evil = {"task": "energyopti.organisations.tasks.send_password_reset", "args": '["root@example.com", "https://evil.example"]'}
    fields = {"name": "gaps", "kwargs": "{}", "headers": "{}", "crontab": entry.crontab_id, "enabled": "", **evil}
    office(planner).post(f"/admin/django_celery_beat/periodictask/{entry.pk}/change/", fields)
    entry.refresh_from_db()
    assert (entry.task, entry.args, entry.enabled) == ("energyopti.feeds.tasks.requeue_gaps", "[]", False)
    assert office(planner).post("/admin/django_celery_beat/periodictask/add/", {**fields, "name": "mine"}).status_code == 403
    assert PeriodicTask.objects.count() == 1


# --- what lists give away --------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["apikey/?hash__startswith=a", "invitation/?hash__startswith=a", "user/?password__startswith=a"])
def test_a_list_is_not_asked_about_hashes(path: str) -> None:
    assert office(User.objects.create_superuser("root")).get(f"/admin/organisations/{path}").status_code == 400


def test_checks_stay_clean() -> None:
    call_command("check")


def test_who_may_only_look_has_no_action_anywhere(rf: Any) -> None:
    """An action that names no permission is everybody's. Withdrawing an invitation asks the organisation's rule instead."""
    reader = staff("reader")
    reader.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    request = rf.get("/")
    request.user = reader
    offered = {name for page in admin.site._registry.values() for name in page.get_actions(request)}
    assert offered == {"withdraw"}
