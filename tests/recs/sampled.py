"""The sandbox pair as a first start makes it."""

from __future__ import annotations

from energyopti.organisations import firststart
from energyopti.organisations.models import User


def people() -> dict[str, User]:
    """The pair's people by name: east-trader, west-viewer, …"""
    list(firststart._sandbox_people())
    return {user.username: user for user in User.objects.all()}
