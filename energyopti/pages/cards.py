"""The overview is made of cards that the apps contribute.

An AppConfig names its cards by string: `cards = "markets.cards:CARDS"`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString

from energyopti.organisations.models import User


@dataclass(frozen=True, slots=True)
class Card:
    """One card. `context` gives the template what this user may see; `order` sorts, lowest first."""

    title: str
    template: str
    context: Callable[[User], Mapping[str, Any]]
    order: int = 100


@dataclass(frozen=True, slots=True)
class Shown:
    title: str
    body: SafeString


@functools.cache
def contributed() -> tuple[Card, ...]:
    named = [name for config in apps.get_app_configs() if (name := getattr(config, "cards", ""))]
    cards = [card for name in named for card in import_string(name.replace(":", "."))]
    return tuple(sorted(cards, key=lambda card: (card.order, card.title)))


def render(request: HttpRequest, user: User) -> list[Shown]:
    return [Shown(card.title, render_to_string(card.template, dict(card.context(user)), request)) for card in contributed()]
