"""The back office of people and keys."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from energyopti.organisations import services
from energyopti.organisations.models import APIKey, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def key() -> APIKey:
    return services.make_api_key(user=User.objects.create_user("trader"), name="excel")[0]


def test_a_keys_hash_is_not_shown(office: Client, key: APIKey) -> None:
    page = office.get(reverse("admin:organisations_apikey_changelist")).content.decode()
    form = office.get(reverse("admin:organisations_apikey_change", args=[key.pk])).content.decode()
    assert key.prefix in page
    assert key.hash not in page + form


def test_a_key_cannot_be_edited_made_or_deleted(office: Client, key: APIKey) -> None:
    url = reverse("admin:organisations_apikey_change", args=[key.pk])
    answers = [
        office.post(url, {"scope": "write"}),
        office.get(reverse("admin:organisations_apikey_add")),
        office.post(reverse("admin:organisations_apikey_delete", args=[key.pk]), {"post": "yes"}),
    ]
    key.refresh_from_db()
    assert ([answer.status_code for answer in answers], key.scope) == ([403, 403, 403], "read")


def test_revoking_is_an_action_with_a_history(office: Client, key: APIKey) -> None:
    url, selected = reverse("admin:organisations_apikey_changelist"), {"action": "revoke", "_selected_action": [key.pk]}
    shown = office.post(url, selected).context["shown"]
    office.post(url, {**selected, "_confirm": "1", "_shown": shown, "reason": "lost with a laptop"})
    key.refresh_from_db()
    last = key.history.latest()
    assert key.revoked_at is not None
    assert (last.history_user.username, last.history_change_reason) == ("root", "lost with a laptop")
    assert len(last.request_id) == 32


@pytest.mark.parametrize("page", ["user", "organisation", "apikey"])
def test_every_list_opens(office: Client, key: APIKey, page: str) -> None:
    services.create_organisation(slug="acme", name="Acme")
    assert office.get(reverse(f"admin:organisations_{page}_changelist")).status_code == 200


def test_an_organisations_slug_stays(office: Client) -> None:
    acme = services.create_organisation(slug="acme", name="Acme")
    members = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    answer = office.post(reverse("admin:organisations_organisation_change", args=[acme.pk]), {"name": "Acme Two", "slug": "two", **members})
    acme.refresh_from_db()
    assert (answer.status_code, acme.name, acme.slug) == (302, "Acme Two", "acme")


def test_nobody_is_deleted(office: Client) -> None:
    user = User.objects.create_user("trader")
    assert office.post(reverse("admin:organisations_user_delete", args=[user.pk]), {"post": "yes"}).status_code == 403
