"""The records that people keep: registries, accounts, generators, and what was changed in them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db.models import Model

from energyopti.organisations.models import User
from recs.errors import UnknownRegistry
from recs.models import Generator, Registry
from recs.queries.reading import LARGEST, VISIBLE, read
from recs.queries.rows import AccountRow, Change, Eligible, GeneratorRow, Unit
from recs.reference import REGISTRIES
from recs.types import ALIASES

_ACCOUNTS = """
SELECT a.id, o.slug, a.name, a.kind, a.registry_id, a.registry_account, a.sandbox, a.opened_at, a.closed_at,
       coalesce(h.active, 0)::bigint, coalesce(h.held, 0)::bigint, coalesce(h.retired, 0)::bigint
FROM recs_account a JOIN organisations_organisation o ON o.id = a.organisation_id
CROSS JOIN LATERAL (
  SELECT sum(quantity) FILTER (WHERE bucket = 1) AS active,
         sum(quantity) FILTER (WHERE bucket = 2) AS held,
         sum(quantity) FILTER (WHERE bucket = 9) AS retired
  FROM recs_holding WHERE account_id = a.id) h
WHERE a.organisation_id = ANY (%(organisations)s) AND a.organisation_id = ANY (recs_scope())
  AND a.id > %(after)s AND (%(account)s::bigint IS NULL OR a.id = %(account)s)
ORDER BY a.id LIMIT %(limit)s
"""
_GENERATORS = """
SELECT g.id, o.slug, g.name, g.fuel, g.technology, g.state, g.capacity_mw, g.commissioned_on, g.sandbox,
       (SELECT jsonb_agg(jsonb_build_array(r.registry_id, r.unit_id) ORDER BY r.registry_id, r.unit_id)
        FROM recs_registration r WHERE r.generator_id = g.id),
       (SELECT jsonb_agg(jsonb_build_array(y.programme, lower(y.valid), upper(y.valid) - 1, y.certification) ORDER BY y.programme, y.valid)
        FROM recs_eligibility y WHERE y.generator_id = g.id)
FROM recs_generator g JOIN organisations_organisation o ON o.id = g.organisation_id
WHERE g.organisation_id = ANY (%(organisations)s) AND g.organisation_id = ANY (recs_scope())
  AND g.id > %(after)s AND (%(generator)s::bigint IS NULL OR g.id = %(generator)s)
ORDER BY g.id LIMIT %(limit)s
"""
_USABLE = f"""
SELECT g.id FROM recs_generator g WHERE g.id = %(generator)s AND (g.organisation_id = %(organisation)s
  OR (%(export)s AND EXISTS (SELECT FROM recs_batch b WHERE b.generator_id = g.id AND {VISIBLE})))
"""  # noqa: S608 -- made of constants


def registries() -> list[Registry]:
    return list(Registry.objects.order_by("code"))


def registry_code(typed: str, *, field: str = "registry") -> str:
    """The code that somebody means, other names for it included. Raises UnknownRegistry, which names the known ones."""
    code = ALIASES.get(typed.strip().lower(), typed.strip().lower())
    known = [str(told["code"]) for told in REGISTRIES]
    if code not in known:
        also = ", ".join(f"{alias} for {meant}" for alias, meant in ALIASES.items())
        raise UnknownRegistry(f"no registry is called {typed!r}; known are {', '.join(known)} ({also})", field=field)
    return code


def accounts(organisations: Iterable[int], *, account: int | None = None, after: int = 0, limit: int | None = None) -> list[AccountRow]:
    """By number, with what lies in each; `account`: that one alone."""
    asked = {"organisations": list(organisations), "account": account, "after": min(after, LARGEST), "limit": limit}
    return [AccountRow(*row) for row in read(_ACCOUNTS, asked)]


def generators(
    organisations: Iterable[int], *, generator: int | None = None, after: int = 0, limit: int | None = None
) -> list[GeneratorRow]:
    """By number, with their names at registries and their certifications. One statement."""
    asked = {"organisations": list(organisations), "generator": generator, "after": min(after, LARGEST), "limit": limit}
    return [_generator(*row) for row in read(_GENERATORS, asked)]


def _generator(*row: Any) -> GeneratorRow:
    units = tuple(Unit(*told) for told in _listed(row[9]))
    eligible = tuple(Eligible(programme, _day(first), _day(last), told) for programme, first, last, told in _listed(row[10]))
    told = dict(zip(GeneratorRow.__slots__, row, strict=True))
    return GeneratorRow(**told | {"registrations": units, "eligibilities": eligible})


def _listed(text: str | None) -> list[Any]:
    """Django leaves JSON as text where no field of a model reads it."""
    return [] if text is None else list(json.loads(text))


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def usable_generator(number: int, *, organisation: int, export: bool) -> Generator | None:
    """One of the organisation's; for an import also one whose certificates the asker ever got."""
    found = read(_USABLE, {"generator": number, "organisation": organisation, "export": export})
    return Generator.objects.filter(pk=number).first() if found else None


def field_history(model: type[Model], pk: Any) -> list[Change]:
    """What was changed in a record, field by field, the oldest first. Three statements at most."""
    history: Any = model.history  # type: ignore[attr-defined]  # simple-history's manager
    rows = list(history.filter(**{model._meta.pk.attname: pk}).order_by("history_date", "history_id"))
    names = User.objects.in_bulk({row.history_user_id for row in rows} - {None})
    changes = []
    for before, row in zip([None, *rows], rows, strict=False):
        who = names.get(row.history_user_id)
        made_by = (row.history_date, who.username if who else "", row.history_change_reason or "", row.request_id, row.api_key)
        for field in row.tracked_fields:
            old, new = (None if one is None else getattr(one, field.attname) for one in (before, row))
            if row.history_type == "-":
                changes.append(Change(*made_by, field.name, _said(new), None))
            elif old != new:
                changes.append(Change(*made_by, field.name, _said(old), _said(new)))
    return changes


def _said(value: Any) -> str | None:
    return None if value is None else str(value)
