"""Whose data somebody may see: what is not theirs is not there."""

from __future__ import annotations

import pytest
from django.test import Client

from energyopti.organisations import services
from energyopti.organisations.models import Membership, User

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.probe")]


def test_an_organisation_is_there_for_its_members_alone(program: Client, user: User) -> None:
    mine, _ = (services.create_organisation(slug=slug, name=slug) for slug in ("mine", "theirs"))
    services.add_member(user=user, organisation=mine, role=Membership.Role.VIEWER)
    assert program.get("/api/v1/probe/owned/mine").json() == {"owner_id": "mine"}
    not_theirs, not_there = (program.get(f"/api/v1/probe/owned/{slug}") for slug in ("theirs", "nobody"))
    assert (not_theirs.status_code, not_there.status_code) == (404, 404)
    assert not_theirs.json()["detail"] == not_there.json()["detail"]
