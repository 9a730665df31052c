"""The life of one certificate, as far as the organisations of whoever asks took part in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recs import queries
from recs.models import Batch, Retirement
from recs.queries import Step
from recs.queries.serials import MOST_FOUND

LONGEST = 200  # characters of what is typed


@dataclass(frozen=True, slots=True)
class Candidate:
    """A batch that what was typed may mean, and the serial in it."""

    batch: Batch
    serial: int

    @property
    def serials(self) -> str:
        return queries.serials_text(self.batch, self.serial, self.serial)


@dataclass(frozen=True, slots=True)
class Shown:
    """A step of the timeline. `gap`: before it, others had the certificate. `purpose`: of a retirement."""

    step: Step
    gap: bool
    purpose: Retirement | None


def context(query: Mapping[str, str]) -> dict[str, Any]:
    typed = query.get("q", "").replace("\0", "").strip()[:LONGEST]
    found = [Candidate(batch, serial) for batch, serial in queries.find_serial(typed)] if typed else []
    chosen = _chosen(found, query.get("batch", ""))
    steps = queries.life(chosen.batch.pk, chosen.serial) if chosen else []
    return {
        "typed": typed,
        "found": found,
        "chosen": chosen,
        "size": chosen.batch.serials.upper - chosen.batch.serials.lower if chosen else 0,
        "steps": _shown(steps),
        "now": next((step for step in reversed(steps) if step.entry_id is not None), None),
        "most": MOST_FOUND,
    }


def _chosen(found: Sequence[Candidate], batch: str) -> Candidate | None:
    """The only one, or the one that was picked from the list."""
    if len(found) == 1:
        return found[0]
    return next((one for one in found if str(one.batch.pk) == batch), None)


def _shown(steps: Sequence[Step]) -> list[Shown]:
    purposes = Retirement.objects.in_bulk([step.command_id for step in steps if step.kind == "retire"])
    gaps = _gaps(steps)
    return [Shown(step, place in gaps, purposes.get(step.command_id) if step.command_id else None) for place, step in enumerate(steps)]


def _gaps(steps: Sequence[Step]) -> set[int]:
    """A certificate that comes from elsewhere than the last step seen brought it was with others: before the command that moved it."""
    gaps: set[int] = set()
    lies: tuple[int | None, str] = (None, "")  # it was issued
    begun = {step.root_id: place for place, step in reversed(list(enumerate(steps)))}
    for step in steps:
        if step.entry_id is not None:
            if lies != (step.from_account_id, step.from_status):
                gaps.add(begun[step.root_id])
            lies = (step.to_account_id, step.to_status)
    return gaps
