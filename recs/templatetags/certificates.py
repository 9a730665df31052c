"""How the ledger's words are written in pages."""

from __future__ import annotations

from django import template

from recs.models import Kind
from recs.models.journal import Stage
from recs.pages import fuels
from recs.pages.registries import NAMES

register = template.Library()
LABELS = dict(Kind.choices)
STAGES = dict(Stage.choices)
STANDING = {"completed": "complete", "pending": "pending", "instructed": "pending", "reversed": "warn"}


@register.filter
def kind(name: str) -> str:
    return LABELS.get(name, name)


@register.filter
def registry(code: str | None) -> str:
    return NAMES.get(code or "", code or "–")


@register.filter
def fuel(name: str) -> str:
    return fuels.words(name)


@register.filter
def stage(name: str) -> str:
    return STAGES.get(name, name)


@register.filter
def standing(status: str) -> str:
    """The class of a command's status: what came to nothing stands in the colour of a failure."""
    return STANDING.get(status, "failed")
