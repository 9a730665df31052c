"""Commands: what was asked for, where it stands, and how it came there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from recs.queries.reading import LARGEST, read, read_prepared
from recs.queries.rows import CommandRow, CommandStep, Piece
from recs.queries.serials import written
from recs.types import Purpose

# {roots}: the numbers of the commands `c`. Where a command stands is what its last step said.
_ROWS = """
SELECT c.id, c.kind, recs_status(c), last.awaiting, c.organisation_id, o.slug, o.name, c.counterparty_id, coalesce(p.slug, ''),
       c.from_account_id, coalesce(f.name, ''), c.to_account_id, coalesce(t.name, ''), c.quantity, c.price_cents, c.reason,
       last.reference, last.reference_date, last.expires_at, c.self_approved OR last.self_approved,
       CASE WHEN c.organisation_id = ANY (recs_scope()) THEN coalesce(u.username, '') ELSE '' END,
       c.created_at, last.created_at, c.reverses_id,
       (SELECT coalesce(v.root_id, v.id) FROM recs_command v WHERE v.reverses_id = c.id AND v.awaiting = '{{}}'),
       c.export_id, c.to_registry_id, c.organisation_id = ANY (recs_scope()),
       coalesce(c.counterparty_id = ANY (recs_scope()) AND last.awaiting[1] = 'acceptance', false)
FROM ({roots}) r JOIN recs_command c ON c.id = r.id
JOIN organisations_organisation o ON o.id = c.organisation_id LEFT JOIN organisations_organisation p ON p.id = c.counterparty_id
LEFT JOIN recs_account f ON f.id = c.from_account_id AND (f.organisation_id IS NULL OR f.organisation_id = ANY (recs_scope()))
LEFT JOIN recs_account t ON t.id = c.to_account_id AND (t.organisation_id IS NULL OR t.organisation_id = ANY (recs_scope()))
LEFT JOIN organisations_user u ON u.id = c.made_by_id
CROSS JOIN LATERAL (
  SELECT s.* FROM ((SELECT k.* FROM recs_command k WHERE k.root_id = c.id ORDER BY k.id DESC LIMIT 1) UNION ALL SELECT c.*) s
  ORDER BY s.id DESC LIMIT 1) last
ORDER BY c.id DESC
"""
# A counterparty hears of a command when whoever asked has approved it; the row policy says the same
_OFFERED = "(c.awaiting[1] IS DISTINCT FROM 'approval' OR recs_my_offered(c.id))"
_ONE = f"""
SELECT c.id FROM recs_command c
WHERE c.id = %(command)s AND c.root_id IS NULL
  AND (c.organisation_id = ANY (recs_scope()) OR (c.counterparty_id = ANY (recs_scope()) AND {_OFFERED}))
"""  # noqa: S608 -- made of constants
_OUTCOME = _ROWS.format(roots=_ONE)
# Organisation by organisation and side by side, so that the indexes give the newest of each
_LISTED = f"""
SELECT DISTINCT k.id FROM (SELECT w FROM unnest(%(organisations)s::bigint[]) w WHERE w = ANY (recs_scope())) w CROSS JOIN LATERAL (
  (SELECT c.id FROM recs_command c WHERE c.organisation_id = w.w AND {{suits}} ORDER BY c.id DESC LIMIT %(limit)s)
  UNION ALL
  (SELECT c.id FROM recs_command c WHERE c.counterparty_id = w.w AND {_OFFERED} AND {{suits}} ORDER BY c.id DESC LIMIT %(limit)s)) k
ORDER BY 1 DESC LIMIT %(limit)s
"""  # noqa: S608 -- made of constants
_OPEN = """
SELECT c.id FROM recs_my_open_roots() o JOIN recs_command c ON c.id = o.root
WHERE (c.organisation_id = ANY (%(organisations)s) OR c.counterparty_id = ANY (%(organisations)s)) AND c.id < %(after)s
  AND (%(kind)s::text IS NULL OR c.kind = %(kind)s) AND (%(status)s::text IS NULL OR recs_status(c) = %(status)s)
ORDER BY 1 DESC LIMIT %(limit)s
"""
# What ended without being done, and what was taken back, is rare among what was done: it is found by the step that ended it
_ENDS = {"rejected": "'reject', 'refuse'", "cancelled": "'cancel'", "expired": "'expire'"}
_ENDED = f"""
SELECT c.id FROM recs_command s JOIN recs_command c ON c.id = s.root_id
WHERE s.kind IN ({{ends}}) AND (s.organisation_id = ANY (%(organisations)s) OR s.counterparty_id = ANY (%(organisations)s))
  AND (s.organisation_id = ANY (recs_scope()) OR (s.counterparty_id = ANY (recs_scope()) AND {_OFFERED}))
  AND c.id < %(after)s AND (%(kind)s::text IS NULL OR c.kind = %(kind)s)
ORDER BY 1 DESC LIMIT %(limit)s
"""  # noqa: S608 -- made of constants
_REVERSED = """
SELECT c.id FROM recs_command v JOIN recs_command c ON c.id = v.reverses_id
WHERE v.reverses_id IS NOT NULL AND v.awaiting = '{{}}'
  AND (c.organisation_id = ANY (%(organisations)s) OR c.counterparty_id = ANY (%(organisations)s))
  AND (c.organisation_id = ANY (recs_scope()) OR c.counterparty_id = ANY (recs_scope()))
  AND c.id < %(after)s AND (%(kind)s::text IS NULL OR c.kind = %(kind)s)
ORDER BY 1 DESC LIMIT %(limit)s
"""
_PIECES = """
SELECT p.root, p.batch, lower(p.r), upper(p.r) - 1, p.registry, p.base, p.own, lower(p.whole), upper(p.whole) - 1,
       p.vintage, p.fuel, p.state, p.generator
FROM (SELECT root, batch, registry, base, own, whole, vintage, fuel, state, generator, unnest(range_agg(serials)) AS r
      FROM recs_my_pieces(%(roots)s) GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10) p
ORDER BY 1, 2, 3
"""
# Whoever accepts, or rejects an offer, is of the other side; all else is done by whoever asked
ACTING = """
JOIN organisations_organisation w ON w.id = CASE
  WHEN s.kind = 'accept' OR (s.kind = 'reject' AND before.awaiting[1] = 'acceptance') THEN s.counterparty_id ELSE s.organisation_id END
LEFT JOIN organisations_user u ON u.id = s.made_by_id AND w.id = ANY (recs_scope())
"""
# Why somebody approved is said among their own
REASON = "CASE WHEN s.kind <> 'approve' OR w.id = ANY (recs_scope()) THEN s.reason ELSE '' END"
_STEPS = f"""
SELECT s.id, s.kind, s.created_at, w.name, coalesce(u.username, ''), {REASON}, s.reference, s.reference_date, s.awaiting, s.self_approved,
       CASE WHEN w.id = ANY (recs_scope()) THEN s.request_id ELSE '' END, CASE WHEN w.id = ANY (recs_scope()) THEN s.api_key ELSE '' END
FROM recs_command s LEFT JOIN recs_command before ON before.id = s.resolves_id {ACTING}
WHERE s.id = %(command)s OR s.root_id = %(command)s ORDER BY s.id
"""  # noqa: S608 -- made of constants
_PURPOSE = "SELECT beneficiary, reason, programme, state, compliance_year, tier FROM recs_retirement WHERE command_id = %(command)s"
_WITH_KEY = """
SELECT c.id, (SELECT e.batch_id FROM recs_entry e WHERE e.command_id = c.id LIMIT 1) FROM recs_command c
WHERE c.key = %(key)s AND c.organisation_id = ANY (recs_scope())
"""


def commands(
    organisations: Iterable[int],
    *,
    kind: str | None = None,
    status: str | None = None,
    after: int | None = None,
    limit: int = 1000,
) -> list[CommandRow]:
    """What organisations asked for or take part in, the newest first, before the number `after`."""
    suits = "c.root_id IS NULL AND c.id < %(after)s"
    suits += " AND c.kind = %(kind)s" if kind else ""
    suits += " AND recs_status(c) = %(status)s" if status else ""
    roots = _OPEN if status in ("pending", "instructed") else _REVERSED if status == "reversed" else _LISTED
    roots = _ENDED.format(ends=_ENDS[status]) if status in _ENDS else roots.format(suits=suits)
    return _rows(roots, _asked(organisations, kind, status, after, limit))


def open_commands(
    organisations: Iterable[int],
    *,
    kind: str | None = None,
    status: str | None = None,
    after: int | None = None,
    limit: int = 1000,
) -> list[CommandRow]:
    """Those that await something, the newest first: found by what is held, however many are over."""
    return _rows(_OPEN, _asked(organisations, kind, status, after, limit))


def _asked(organisations: Iterable[int], kind: str | None, status: str | None, after: int | None, limit: int) -> dict[str, Any]:
    return {"organisations": list(organisations), "kind": kind, "status": status, "after": after or LARGEST, "limit": limit}


def command(number: int) -> CommandRow | None:
    """One with its ranges, steps and purpose; None: there is none that the asker may see."""
    found = outcome(number)
    if found is None:
        return None
    steps = tuple(_step(*row) for row in read(_STEPS, {"command": number}))
    purpose = [Purpose(**dict(zip(Purpose.__slots__, row, strict=True))) for row in read(_PURPOSE, {"command": number})]
    return replace(found, steps=steps, purpose=purpose[0] if purpose else None)


def outcome(number: int) -> CommandRow | None:
    """One with its ranges: what whoever has just acted is told."""
    found = [_row(*row) for row in read_prepared(_OUTCOME, {"command": number})]
    return replace(found[0], ranges=pieces([number]).get(number, ())) if found else None


def outcomes(numbers: Sequence[int]) -> list[CommandRow]:
    """Several with their ranges, in the order of the numbers."""
    found = {row.id: row for row in _rows(_ONE.replace("= %(command)s", "= ANY (%(command)s)"), {"command": list(numbers)})}
    ranges = pieces(numbers)
    return [replace(found[number], ranges=ranges.get(number, ())) for number in numbers]


def pieces(roots: Iterable[int]) -> dict[int, tuple[Piece, ...]]:
    """Which certificates commands are about, by command. Whoever is offered some sees them before they are theirs."""
    found: dict[int, list[Piece]] = {}
    for root, batch, first, last, registry, base, own, lowest, highest, *more in read_prepared(_PIECES, {"roots": list(roots)}):
        told = written(registry, base, own, (lowest, highest), (first, last))
        found.setdefault(root, []).append(Piece(batch, first, last, told, last - first + 1, registry, *more))
    return {root: tuple(told) for root, told in found.items()}


def with_key(key: UUID) -> tuple[int, int | None] | None:
    """The command that was made with a key, and the batch it is about."""
    found = read(_WITH_KEY, {"key": key})
    return (found[0][0], found[0][1]) if found else None


def _step(*row: Any) -> CommandStep:
    told = dict(zip(CommandStep.__slots__, row, strict=True))
    return CommandStep(**told | {"awaiting": tuple(told["awaiting"])})


def _rows(roots: str, parameters: dict[str, Any]) -> list[CommandRow]:
    return [_row(*row) for row in read(_ROWS.format(roots=roots), parameters)]


def _row(*row: Any) -> CommandRow:
    told = dict(zip(CommandRow.__slots__, row, strict=False))
    cents = told["price_usd"]
    return CommandRow(**told | {"awaiting": tuple(told["awaiting"]), "price_usd": None if cents is None else Decimal(cents) / 100})
