"""Who may do what with certificates in the back office: roles in organisations decide, as they do in the API.

Staff need no further permission of Django's; a superuser, who looks after the installation, sees all and edits records, but
a command of the ledger is for members alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import cast

from django.http import HttpRequest

from energyopti.organisations.models import Membership, Organisation, User
from energyopti.organisations.queries import memberships_of

Role = Membership.Role
WRITERS = frozenset({Role.TRADER, Role.COMPLIANCE_OFFICER, Role.ADMINISTRATOR})
RETIRERS = frozenset({Role.COMPLIANCE_OFFICER, Role.ADMINISTRATOR})
ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})


def person(request: HttpRequest) -> User:
    return cast(User, request.user)


def roles(request: HttpRequest) -> Mapping[int, Role]:
    """The person's role by organisation; asked once a request."""
    if not hasattr(request, "ledger_roles"):
        user = person(request)
        held = memberships_of(user).values_list("organisation_id", "role") if user.is_active else ()
        request.ledger_roles = {organisation: Role(role) for organisation, role in held}  # type: ignore[attr-defined]
    return cast("Mapping[int, Role]", request.ledger_roles)  # type: ignore[attr-defined]


def looks(request: HttpRequest) -> bool:
    """Whether there is anything to see."""
    return request.user.is_superuser or bool(roles(request))


def seen(request: HttpRequest) -> list[int]:
    """The organisations whose rows the person sees."""
    if request.user.is_superuser:
        return list(Organisation.objects.values_list("pk", flat=True))
    return sorted(roles(request))


def acting(request: HttpRequest, among: Collection[Role] = WRITERS) -> list[int]:
    """The organisations for which the person gives commands to the ledger."""
    return sorted(organisation for organisation, role in roles(request).items() if role in among)


def edits(request: HttpRequest, organisation: int | None = None, among: Collection[Role] = WRITERS) -> bool:
    """Whether the person edits records of the organisation; None: of any."""
    if request.user.is_superuser:
        return True
    mine = acting(request, among)
    return bool(mine) if organisation is None else organisation in mine
