"""Who belongs where, and what the history tells of it."""

from __future__ import annotations

import pytest
import structlog
from django.db import IntegrityError, connection, transaction

from energyopti.organisations import services
from energyopti.organisations.errors import NameTaken, UnknownUser
from energyopti.organisations.models import Membership, Organisation, User
from energyopti.organisations.queries import active_user, organisations_of, role_in

pytestmark = pytest.mark.django_db
Role = Membership.Role


@pytest.fixture
def user() -> User:
    return User.objects.create_user("trader")


@pytest.fixture
def acme() -> Organisation:
    return services.create_organisation(slug="acme", name="Acme Wind")


def test_a_member_sees_the_own_organisations_only(user: User, acme: Organisation) -> None:
    services.create_organisation(slug="other", name="Other")
    services.add_member(user=user, organisation=acme, role=Role.TRADER)
    assert list(organisations_of(user)) == [acme]


def test_a_superuser_belongs_nowhere_by_that_alone(acme: Organisation) -> None:
    root = User.objects.create_superuser("root")
    assert (list(organisations_of(root)), role_in(root, acme)) == ([], None)


def test_a_member_has_one_role_that_can_change(user: User, acme: Organisation) -> None:
    services.add_member(user=user, organisation=acme, role=Role.VIEWER)
    services.add_member(user=user, organisation=acme, role=Role.TRADER, reason="promoted")
    membership = Membership.objects.get()
    assert role_in(user, acme) is Role.TRADER
    assert list(membership.history.order_by("history_id").values_list("role", "history_change_reason")) == [
        ("viewer", ""),
        ("trader", "promoted"),
    ]


def test_somebody_inactive_has_no_role(user: User, acme: Organisation) -> None:
    services.add_member(user=user, organisation=acme, role=Role.TRADER)
    User.objects.update(is_active=False)
    assert (role_in(user, acme), list(organisations_of(user))) == (None, [])


def test_a_slug_is_taken_once(acme: Organisation) -> None:
    with pytest.raises(NameTaken) as caught:
        services.create_organisation(slug="acme", name="Another")
    assert (caught.value.field, caught.value.status) == ("slug", 409)


def test_an_unknown_user_is_named() -> None:
    with pytest.raises(UnknownUser, match="no active user is called 'nobody'"):
        active_user("nobody")


def test_history_names_the_request_and_the_key(user: User) -> None:
    with structlog.contextvars.bound_contextvars(request_id="req-1", api_key="0a1b2c3d"):
        acme = services.create_organisation(slug="acme", name="Acme Wind")
    row = acme.history.get()
    assert (row.request_id, row.api_key) == ("req-1", "0a1b2c3d")


@pytest.mark.parametrize("statement", ["UPDATE {} SET name = 'x'", "DELETE FROM {}"])
def test_history_is_append_only(acme: Organisation, statement: str) -> None:
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format("organisations_historicalorganisation"))


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE organisations_membership SET role = 'owner'", "membership_role_known"),
        ("UPDATE organisations_organisation SET slug = 'A b'", "organisation_slug_plain"),
        ("UPDATE organisations_organisation SET name = ''", "organisation_named"),
        ("INSERT INTO organisations_installation (id) VALUES (2)", "installation_is_one"),
        (
            "INSERT INTO organisations_membership (user_id, organisation_id, role, created_at) "
            "SELECT user_id, organisation_id, role, now() FROM organisations_membership",
            "membership_once",
        ),
    ],
)
def test_the_database_refuses(user: User, acme: Organisation, statement: str, constraint: str) -> None:
    services.add_member(user=user, organisation=acme, role=Role.TRADER)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
