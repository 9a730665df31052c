"""What happened to certificates: to one serial number, or to all of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recs.queries.commands import ACTING, REASON
from recs.queries.reading import LARGEST, VISIBLE, read, read_prepared
from recs.queries.rows import Step
from recs.queries.serials import written

_BATCH = f"""
SELECT b.registry_id, b.serial_base, b.registry_text, lower(b.serials), upper(b.serials) - 1, b.created_at,
       o.name, coalesce(u.username, ''), coalesce(h.history_change_reason, '')
FROM recs_batch b JOIN organisations_organisation o ON o.id = b.organisation_id
LEFT JOIN recs_historicalbatch h ON h.id = b.id AND h.history_type = '+' AND b.organisation_id = ANY (recs_scope())
LEFT JOIN organisations_user u ON u.id = h.history_user_id
WHERE b.id = %(batch)s AND {VISIBLE}
"""  # noqa: S608 -- made of constants
_STEPS = f"""
SELECT s.created_at, s.kind, s.id, coalesce(s.root_id, s.id), e.id, lower(e.serials), upper(e.serials) - 1,
       e.from_account_id, coalesce(f.name, ''), e.from_bucket, e.to_account_id, coalesce(t.name, ''), e.to_bucket,
       w.name, coalesce(u.username, ''), coalesce(nullif({REASON}, ''), z.reason, ''),
       coalesce(z.beneficiary, ''), s.reference, s.reference_date
FROM {{entries}} e {{join}} JOIN recs_command s ON {{command}}
LEFT JOIN recs_command before ON before.id = s.resolves_id {ACTING}
LEFT JOIN recs_retirement z ON z.command_id = s.id
LEFT JOIN recs_account f ON f.id = e.from_account_id AND (f.organisation_id IS NULL OR f.organisation_id = ANY (recs_scope()))
LEFT JOIN recs_account t ON t.id = e.to_account_id AND (t.organisation_id IS NULL OR t.organisation_id = ANY (recs_scope()))
"""  # noqa: S608 -- made of constants
# All steps of the commands that moved the serial, those too that moved nothing: an approval that another stage follows
_LIFE = f"""
WITH e AS MATERIALIZED (SELECT * FROM recs_my_life(%(batch)s, %(serial)s)),
roots AS (SELECT DISTINCT coalesce(c.root_id, c.id) AS id FROM e JOIN recs_command c ON c.id = e.command_id),
s AS (SELECT c.id FROM roots r JOIN recs_command c ON c.id = r.id UNION SELECT c.id FROM roots r JOIN recs_command c ON c.root_id = r.id)
{_STEPS.format(entries="s i LEFT JOIN", join="ON e.command_id = i.id", command="s.id = i.id")}
ORDER BY s.id, e.id
"""  # noqa: S608 -- made of constants
_HISTORY = f"""
{_STEPS.format(entries="recs_entry", join="", command="s.id = e.command_id")}
WHERE e.batch_id = %(batch)s AND e.id > %(after)s
  AND (e.from_account_id = ANY (recs_my_accounts()) OR e.to_account_id = ANY (recs_my_accounts()))
ORDER BY e.id LIMIT %(limit)s
"""
_UNITS = f"""
SELECT b.id, min(r.unit_id) FROM recs_batch b
JOIN recs_registration r ON r.generator_id = b.generator_id AND r.registry_id = b.registry_id
WHERE b.id = ANY (%(batches)s) AND {VISIBLE} GROUP BY b.id
"""  # noqa: S608 -- made of constants
_STATUSES = {None: "", 1: "active", 2: "held", 8: "exported", 9: "retired"}


def life(batch: int, serial: int) -> list[Step]:
    """From the record of its batch on, as far as the asker's accounts took part; empty: there is nothing to see."""
    told = _batch(batch)
    if told is None or not told.lowest <= serial <= told.highest:
        return []
    steps = [told.step(*row, only=serial) for row in read_prepared(_LIFE, {"batch": batch, "serial": serial})]
    return [told.recorded(only=serial), *steps]


def batch_seen(batch: int) -> bool:
    """Whether there is such a batch for the asker."""
    return _batch(batch) is not None


def batch_history(batch: int, after: int | None = None, limit: int = 1000) -> list[Step] | None:
    """What moved certificates of a batch, the oldest first, behind the entry `after`; None: no batch that the asker may see.

    The first is how it was written down: its entry counts as 0.
    """
    told = _batch(batch)
    if told is None:
        return None
    first = [told.recorded()] if after is None else []
    rows = read(_HISTORY, {"batch": batch, "after": min(after or 0, LARGEST), "limit": limit - len(first)})
    return [*first, *(told.step(*row) for row in rows)]


def units(batches: Sequence[int]) -> dict[int, str]:
    """What the registries of batches call the generators behind them, by batch; where they have a name for it."""
    return dict(read(_UNITS, {"batches": list(batches)}))


@dataclass(frozen=True, slots=True)
class _Told:
    """A batch as its steps need it."""

    registry: str
    base: str
    own: str
    lowest: int
    highest: int
    recorded_at: datetime
    organisation: str
    recorded_by: str
    reason: str

    def recorded(self, *, only: int | None = None) -> Step:
        first, last = (self.lowest, self.highest) if only is None else (only, only)
        what = [self.recorded_at, "recorded", None, None, None, *self._range(first, last)]
        told: list[Any] = [*what, None, "", "", None, "", "", self.organisation, self.recorded_by, self.reason, "", "", None]
        return Step(*told)

    def step(self, *row: Any, only: int | None = None) -> Step:
        at, kind, command, root, entry, first, last, source, source_name, out_of, target, target_name, into, *more = row
        if only is not None or entry is None:
            first = last = only
        return Step(
            *(at, kind, command, root, entry),
            *self._range(first, last),
            *(source, source_name, _STATUSES[out_of]),
            *(target, target_name, _STATUSES[into]),
            *more,
        )

    def _range(self, first: int, last: int) -> tuple[int, int, str, int]:
        told = written(self.registry, self.base, self.own, (self.lowest, self.highest), (first, last))
        return first, last, told, last - first + 1


def _batch(number: int) -> _Told | None:
    found: Sequence[Any] = read_prepared(_BATCH, {"batch": number})
    return _Told(*found[0]) if found else None
