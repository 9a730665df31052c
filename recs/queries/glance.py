"""The certificates of organisations in a few figures, for the overview."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from recs.queries.reading import read

# This year's commands of an organisation are those behind its last one of earlier years: the index finds that one backwards
_GLANCE = """
SELECT o.id, o.slug, o.name, o.sandbox, coalesce(h.active, 0)::bigint, coalesce(h.held, 0)::bigint, coalesce(r.retired, 0)::bigint
FROM organisations_organisation o
CROSS JOIN LATERAL (
  SELECT sum(h.quantity) FILTER (WHERE h.bucket = 1) AS active,
         sum(h.quantity) FILTER (WHERE h.bucket = 2) AS held
  FROM recs_account a JOIN recs_holding h ON h.account_id = a.id AND h.bucket IN (1, 2)
  WHERE a.organisation_id = o.id AND a.kind NOT IN ('external', 'world')) h
CROSS JOIN LATERAL (
  SELECT sum(c.quantity) AS retired FROM recs_command c
  WHERE c.organisation_id = o.id AND c.to_bucket = 9 AND c.awaiting = '{}' AND c.id > coalesce((
    SELECT b.id FROM recs_command b WHERE b.organisation_id = o.id AND b.created_at < %(since)s ORDER BY b.id DESC LIMIT 1), 0)) r
WHERE o.id = ANY (%(organisations)s) AND o.id = ANY (recs_scope())
ORDER BY o.sandbox, o.name
"""
_SEAL = "SELECT id, created_at, upto_command, encode(digest, 'hex') FROM recs_seal ORDER BY id DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Glance:
    """`retired_mwh`: since the first instant asked for."""

    organisation_id: int
    owner_id: str
    owner: str
    sandbox: bool
    active_mwh: int
    held_mwh: int
    retired_mwh: int


@dataclass(frozen=True, slots=True)
class SealSeen:
    id: int
    created_at: datetime
    upto_command: int
    digest: str


def glance(organisations: Iterable[int], *, since: datetime) -> list[Glance]:
    """One statement; real organisations first."""
    return [Glance(*row) for row in read(_GLANCE, {"organisations": list(organisations), "since": since})]


def newest_seal() -> SealSeen | None:
    found = read(_SEAL, {})
    return SealSeen(*found[0]) if found else None
