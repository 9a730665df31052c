"""How the queries of certificates read: one statement each, under `seeing(...)` of the caller.

The database's row policies bind the application's roles. What a statement shows is narrowed to the scope in its own words as
well, so that the owner of the tables, whom no policy binds, sees no more through these queries than anybody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import connection

from recs import exact
from recs.calls import ONLY_WHEN_TOLD
from recs.types import Criteria

STATUSES = ("active", "held", "retired", "exported")
BUCKETS = {"active": 1, "held": 2, "retired": 9}
LARGEST = exact.LARGEST
ANY = Criteria()

# Certificates in an external account are a counterparty's, though the record of that account is ours
OWN_ACCOUNTS = """
SELECT id, name, organisation_id FROM recs_account
WHERE organisation_id = ANY (%(organisations)s) AND organisation_id = ANY (recs_scope()) AND kind NOT IN ('external', 'world')
  AND (%(account)s::bigint IS NULL OR id = %(account)s)
"""

# A batch `b` is there for who wrote it down, and for whoever ever got certificates of it
VISIBLE = """
(b.organisation_id = ANY (recs_scope())
 OR EXISTS (SELECT FROM recs_entry e WHERE e.batch_id = b.id AND e.to_account_id = ANY (recs_my_accounts())))
"""

EXPORTED = f"""
SELECT x.batch AS batch_id, x.serials, a.id AS account_id, a.name AS account, a.organisation_id
FROM recs_my_exported() x JOIN ({OWN_ACCOUNTS}) a ON a.id = x.account
"""  # noqa: S608 -- made of constants

_CRITERIA = {
    "registry": "b.registry_id = %(registry)s",
    "fuel_type": "b.fuel = %(fuel_type)s",
    "state": "b.state = %(state)s",
    "vintage_from": "b.vintage >= %(vintage_from)s",
    "vintage_to": "b.vintage <= %(vintage_to)s",
    "batch_id": "b.id = %(batch_id)s",
    "eligibility": "EXISTS (SELECT FROM recs_eligibility y WHERE y.generator_id = b.generator_id"
    " AND y.programme = %(eligibility)s AND y.valid @> b.vintage)",
}


def read(statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def read_prepared(statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The same, for what is asked often and says the same each time: to parse and plan it takes longer than to read a few rows."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    connection.connection.prepare_threshold = ONLY_WHEN_TOLD
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, parameters, prepare=True)
        return list(cursor.fetchall())


def suits(criteria: Criteria) -> tuple[str, dict[str, Any]]:
    """A condition on the batch `b`, and its parameters."""
    given = {name: value for name in _CRITERIA if (value := getattr(criteria, name)) is not None}
    return " AND ".join([_CRITERIA[name] for name in given] or ["true"]), given
