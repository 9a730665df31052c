"""Who comes to the back office in tests."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission
from django.test import Client

from energyopti.organisations import services
from energyopti.organisations.models import Membership, Organisation, User


def staff(name: str, *permissions: str, of: Organisation | None = None) -> User:
    """`permissions` as "feeds.view_syncrun"."""
    user = User.objects.create_user(name, password="a long password", is_staff=True)
    for each in permissions:
        app, code = each.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=code))
    if of:
        services.add_member(user=user, organisation=of, role=Membership.Role.ADMINISTRATOR)
    return user


def office(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def confirmed(client: Client, url: str, reason: str = "a good reason", **fields: Any) -> Any:
    """Look at what will happen, then confirm exactly that."""
    shown = client.post(url, {**fields, "_show": "1"})
    return client.post(url, {**fields, "_confirm": "1", "_shown": shown.context["shown"], "reason": reason})


def selected(action: str, *rows: Any) -> dict[str, Any]:
    return {"action": action, "_selected_action": [str(row.pk) for row in rows]}
