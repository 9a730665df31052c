"""People and organisations for tests."""

from __future__ import annotations

import re
from typing import Any

import factory
from factory.django import DjangoModelFactory

from energyopti.organisations import services
from energyopti.organisations.models import Membership, Organisation, User

PASSWORD = "correct horse battery"
Role = Membership.Role


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person-{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        return model_class.objects.create_user(*args, **{"password": PASSWORD, **kwargs})


def organisation(slug: str = "acme") -> Organisation:
    return services.create_organisation(slug=slug, name=slug.capitalize())


def member(of: Organisation, role: Role = Role.VIEWER, **fields: Any) -> User:
    user = UserFactory.create(**fields)
    services.add_member(user=user, organisation=of, role=role)
    return user


def link_in(text: str) -> str:
    """The path of the one link in a mail."""
    (found,) = re.findall(r"https?://[^/\s]+(/\S+)", text)
    return str(found)
