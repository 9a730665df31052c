"""Whose certificates the page is about, and what the person may do with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import Http404

from energyopti.organisations.models import Membership, Organisation, User
from energyopti.organisations.queries import memberships_of

Role = Membership.Role


@dataclass(frozen=True, slots=True)
class Belonging:
    """`role` None: a superuser who looks after the installation, and gives no commands."""

    organisations: Sequence[Organisation]
    chosen: Organisation
    role: Role | None

    @property
    def acts(self) -> bool:
        return self.role not in (None, Role.VIEWER)

    @property
    def retires(self) -> bool:
        return self.acts and self.role != Role.TRADER


def belonging(user: User, slug: str) -> Belonging | None:
    """None: the user belongs nowhere. What is not the user's is not there: Http404. Real ones first where none is named."""
    roles = {one.organisation: Role(one.role) for one in memberships_of(user)}
    seen = list(Organisation.objects.all()) if user.is_superuser else list(roles)
    if not seen and not slug:
        return None
    chosen = next((one for one in seen if one.slug == slug), None) if slug else min(seen, key=lambda one: one.sandbox)
    if chosen is None:
        raise Http404(f"organisation {slug}")
    return Belonging(seen, chosen, roles.get(chosen))
