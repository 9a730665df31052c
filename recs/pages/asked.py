"""What the address of /recs/ asks for: the whole state of the page is in it, so that a link shows the same."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar
from urllib.parse import urlencode

from energyopti.organisations.models import Organisation
from recs.types import ALIASES, Criteria

STATUSES = ("active", "held", "retired", "exported")
OURS = ("active", "held")  # what the organisation has: shown where no status is asked for
WORDS = {"": "active or held", "active": "active", "held": "held", "retired": "retired", "exported": "exported", "all": "any of these"}
MONTH = re.compile(r"(\d{4})-(\d{2})")
Default = TypeVar("Default")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """`status` "": what the organisation has now. `problems`: what could not be understood, one sentence each."""

    organisation: Organisation
    registry: str = ""
    fuel_type: str = ""
    state: str = ""
    vintage_from: date | None = None
    vintage_to: date | None = None
    status: str = ""
    problems: tuple[str, ...] = ()

    @property
    def statuses(self) -> tuple[str, ...]:
        return {"": OURS, "all": STATUSES}.get(self.status, (self.status,))

    @property
    def words(self) -> str:
        return WORDS[self.status]

    @property
    def criteria(self) -> Criteria:
        return Criteria(
            registry=self.registry or None,
            fuel_type=self.fuel_type or None,
            state=self.state or None,
            vintage_from=self.vintage_from,
            vintage_to=self.vintage_to,
        )

    @property
    def narrowed(self) -> bool:
        """Whether anything but the organisation was asked for."""
        return len(self.filters()) > 1

    def filters(self) -> dict[str, str]:
        """By the API's names; what stands at its default is left out."""
        named = {
            "owner_id": self.organisation.slug,
            "registry": self.registry,
            "fuel_type": self.fuel_type,
            "state": self.state,
            "vintage_from": month_text(self.vintage_from),
            "vintage_to": month_text(self.vintage_to),
            "status": self.status,
        }
        return {name: value for name, value in named.items() if value}

    def link(self, **changes: str) -> str:
        """The address of this page with something changed."""
        state = self.filters() | changes
        return "?" + urlencode({name: value for name, value in state.items() if value})


def month_text(month: date | None) -> str:
    return f"{month:%Y-%m}" if month else ""


class Reader:
    """Reads one address, and keeps a sentence for each thing in it that is wrong: the page is shown all the same."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self.query = query
        self.problems: list[str] = []

    def text(self, name: str) -> str:
        return self.query.get(name, "").replace("\0", "").strip()[:100]

    def choice(self, name: str, choices: Sequence[str]) -> str:
        text = self.text(name)
        return text if not text or text in choices else self.refuse(f"{name}: {text!r} is none of {', '.join(choices)}", "")

    def month(self, name: str) -> date | None:
        text = self.text(name)
        if not text:
            return None
        found = MONTH.fullmatch(text)
        if found and 1990 <= int(found[1]) <= 2199 and 1 <= int(found[2]) <= 12:
            return date(int(found[1]), int(found[2]), 1)
        return self.refuse(f"{name}: {text!r} is not a month; write it as 2024-03", None)

    def refuse(self, sentence: str, default: Default) -> Default:
        self.problems.append(sentence)
        return default


def read(query: Mapping[str, str], *, organisation: Organisation, registries: Sequence[str]) -> Asked:
    reader = Reader(query)
    registry = ALIASES.get(reader.text("registry").lower(), reader.text("registry").lower())
    if registry and registry not in registries:
        registry = reader.refuse(f"registry: {registry!r} is none of {', '.join(registries)}", "")
    first, last = reader.month("vintage_from"), reader.month("vintage_to")
    if first and last and first > last:
        first, last = reader.refuse(f"the first vintage, {first:%Y-%m}, is after the last, {last:%Y-%m}", (None, None))
    return Asked(
        organisation=organisation,
        registry=registry,
        fuel_type=reader.text("fuel_type").lower(),
        state=reader.text("state").upper(),
        vintage_from=first,
        vintage_to=last,
        status=reader.choice("status", tuple(WORDS)),
        problems=tuple(reader.problems),
    )
