"""Who gets in, and how far."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from energyopti.organisations import services
from energyopti.organisations.models import APIKey, Membership, Organisation, User

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.probe")]
ORDERS = {"orders": [{"quantity": 3}]}


def test_without_a_key_it_is_401_with_the_way_in(client: Client) -> None:
    answer = client.get("/api/v1/me")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="EnergyOpti"')
    assert answer.json()["type"] == "urn:energyopti:problem:not-authenticated"


def test_with_a_key_one_is_its_user(program: Client, user: User) -> None:
    acme = services.create_organisation(slug="acme", name="Acme Wind")
    services.add_member(user=user, organisation=acme, role=Membership.Role.TRADER)
    me = program.get("/api/v1/me").json()
    assert (me["username"], me["api_key"]["scope"]) == ("trader", "read")
    assert me["organisations"] == [{"owner_id": "acme", "name": "Acme Wind", "sandbox": False, "role": "trader"}]


def test_a_logged_in_browser_gets_in_without_a_key(client: Client, user: User) -> None:
    client.force_login(user)
    assert client.get("/api/v1/me").json()["api_key"] is None


@pytest.mark.parametrize("header", ["Bearer", "Bearer eo_12345678_x", "Bearer  ", "bearer nonsense"])
def test_a_wrong_key_is_401_even_beside_a_session(client: Client, user: User, header: str) -> None:
    client.force_login(user)
    answer = client.get("/api/v1/me", headers={"Authorization": header})
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="EnergyOpti"')
    assert answer.json()["type"] == "urn:energyopti:problem:bad-key"


def test_a_revoked_key_is_401(program: Client) -> None:
    services.revoke(key=APIKey.objects.get())
    assert program.get("/api/v1/me").status_code == 401


def test_the_key_of_somebody_inactive_is_401(program: Client, user: User) -> None:
    user.is_active = False
    user.save()
    assert program.get("/api/v1/me").status_code == 401


def test_use_is_remembered(program: Client) -> None:
    program.get("/api/v1/me")
    assert APIKey.objects.get().last_used_at is not None


@pytest.mark.parametrize(("scope", "status"), [("read", 403), ("write", 201)])
def test_writing_needs_the_scope(with_key: Callable[..., Client], scope: str, status: int) -> None:
    answer = with_key(scope).post("/api/v1/probe/writes", ORDERS, content_type="application/json")
    assert answer.status_code == status


def test_a_scope_too_small_says_what_to_do(program: Client) -> None:
    problem = program.post("/api/v1/probe/writes", ORDERS, content_type="application/json").json()
    assert problem["type"] == "urn:energyopti:problem:scope-too-small"
    assert problem["detail"] == "this API key may only read; make one with the scope write"


def test_a_post_that_only_reads_needs_no_more_than_reading(program: Client) -> None:
    assert program.post("/api/v1/probe/asks", ORDERS, content_type="application/json").status_code == 201


def test_a_browser_that_writes_needs_the_forms_token(user: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user)
    answer = browser.post("/api/v1/probe/writes", ORDERS, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")


def test_a_program_that_writes_needs_none(user: User) -> None:
    _, secret = services.make_api_key(user=user, name="robot", scope=APIKey.Scope.WRITE)
    program = Client(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {secret}"})
    assert program.post("/api/v1/probe/writes", ORDERS, content_type="application/json").status_code == 201


def test_who_acted_by_a_key_stands_in_the_history(with_key: Callable[..., Client], user: User) -> None:
    answer = with_key("write").post("/api/v1/probe/founds", headers={"X-Request-ID": "req-42"})
    row, key = Organisation.objects.get().history.get(), APIKey.objects.get()
    assert answer.status_code == 200
    assert (row.history_user, row.api_key, row.request_id, row.history_change_reason) == (user, key.prefix, "req-42", "founded")
