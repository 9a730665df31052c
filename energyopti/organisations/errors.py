"""Rules of organisations, people and keys."""

from __future__ import annotations

from energyopti.errors import InvalidInput


class UnknownUser(InvalidInput):
    """Nobody of this name, or somebody who may no longer log in."""

    code = "unknown-user"


class NameTaken(InvalidInput):
    """The name, or the place, is already somebody's."""

    code = "name-taken"
    status = 409
