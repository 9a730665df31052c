"""Whether the ledger is whole: what must be true of the tables alone, asked of the tables alone.

Shorter than the product's own proof (recs/proof), and written without looking at it: tests ask this one after every attack and race.
"""

from __future__ import annotations

from django.db import connection

# What is wrong, by rule; each query counts the rows that break it
RULES = {
    "owned once": """
        SELECT count(*) FROM recs_holding a JOIN recs_holding b ON a.batch_id = b.batch_id AND a.id < b.id AND a.serials && b.serials""",
    "none lost, none made": """
        SELECT count(*) FROM (SELECT batch_id, range_agg(serials) AS issued FROM recs_entry WHERE prev_id IS NULL GROUP BY 1) i
        FULL JOIN (SELECT batch_id, range_agg(serials) AS held FROM recs_holding GROUP BY 1) h USING (batch_id)
        WHERE issued IS DISTINCT FROM held""",
    "issued once": """
        SELECT count(*) FROM recs_entry a JOIN recs_entry b
        ON a.batch_id = b.batch_id AND a.id < b.id AND a.serials && b.serials WHERE a.prev_id IS NULL AND b.prev_id IS NULL""",
    "inside its batch": """
        SELECT count(*) FROM recs_entry e LEFT JOIN recs_batch b ON b.id = e.batch_id WHERE (b.serials @> e.serials) IS NOT TRUE""",
    "continues": """
        SELECT count(*) FROM recs_entry e LEFT JOIN recs_entry p ON p.id = e.prev_id
        WHERE e.prev_id IS NOT NULL AND (p.id < e.id AND p.batch_id = e.batch_id AND p.serials @> e.serials
              AND (p.to_account_id, p.to_bucket) = (e.from_account_id, e.from_bucket)) IS NOT TRUE""",
    "conserved": """
        SELECT count(*) FROM recs_entry e WHERE upper(serials) - lower(serials) <>
          coalesce((SELECT sum(upper(n.serials) - lower(n.serials)) FROM recs_entry n WHERE n.prev_id = e.id), 0)
          + coalesce((SELECT sum(quantity) FROM recs_holding h WHERE h.entry_id = e.id), 0)""",
    "follows its entry": """
        SELECT count(*) FROM recs_holding h LEFT JOIN recs_entry e ON e.id = h.entry_id
        WHERE (e.batch_id = h.batch_id AND e.serials @> h.serials
               AND (e.to_account_id, e.to_bucket) = (h.account_id, h.bucket)) IS NOT TRUE""",
    "received less sent is held": """
        SELECT count(*) FROM (
          SELECT account, batch_id, bucket FROM (
            SELECT to_account_id AS account, batch_id, to_bucket AS bucket, upper(serials) - lower(serials) AS moved FROM recs_entry
            UNION ALL SELECT from_account_id, batch_id, from_bucket, lower(serials) - upper(serials) FROM recs_entry
                      WHERE prev_id IS NOT NULL
            UNION ALL SELECT account_id, batch_id, bucket, -quantity FROM recs_holding) x
          GROUP BY 1, 2, 3 HAVING sum(moved) <> 0) y""",
    "retired stays": "SELECT count(*) FROM recs_entry WHERE from_bucket IN (8, 9)",
    "retired for one purpose": """
        SELECT count(*) FROM (
          SELECT coalesce(c.root_id, c.id) AS command FROM recs_entry e JOIN recs_command c ON c.id = e.command_id WHERE e.to_bucket = 9) r
        LEFT JOIN recs_retirement p ON p.command_id = r.command WHERE p.command_id IS NULL""",
    "does what it says": """
        SELECT count(*) FROM recs_command c LEFT JOIN LATERAL (
          SELECT coalesce(sum(upper(serials) - lower(serials)), 0) AS moved FROM recs_entry e WHERE e.command_id = c.id) e ON true
        WHERE moved <> CASE WHEN resolves_id IS NOT NULL AND awaiting <> '{}' THEN 0 ELSE quantity END""",
    "resolved once": """
        SELECT count(*) FROM (SELECT resolves_id FROM recs_command WHERE resolves_id IS NOT NULL GROUP BY 1 HAVING count(*) > 1) x""",
    "reversed once": """
        SELECT count(*) FROM (SELECT reverses_id FROM recs_command WHERE reverses_id IS NOT NULL AND awaiting = '{}'
                              GROUP BY 1 HAVING count(*) > 1) x""",
    "one effect a key": "SELECT count(*) FROM (SELECT key FROM recs_command GROUP BY 1 HAVING count(*) > 1) x",
    "cash sums to zero": "SELECT count(*) FROM (SELECT command_id FROM recs_cashentry GROUP BY 1 HAVING sum(amount_cents) <> 0) x",
    "balance is its entries": """
        SELECT count(*) FROM recs_cashaccount a WHERE balance_cents <>
          coalesce((SELECT sum(amount_cents) FROM recs_cashentry e WHERE e.account_id = a.id), 0)""",
    "within credit": """
        SELECT count(*) FROM recs_cashaccount WHERE kind = 'party' AND external_id IS NULL AND balance_cents < -credit_limit_cents""",
    "worlds apart": """
        SELECT count(*) FROM recs_entry e JOIN recs_batch b ON b.id = e.batch_id JOIN recs_account a ON a.id = e.to_account_id
        WHERE a.sandbox <> b.sandbox""",
    "closed is empty": """
        SELECT count(*) FROM recs_holding h JOIN recs_account a ON a.id = h.account_id
        WHERE a.closed_at IS NOT NULL AND h.bucket IN (1, 2)""",
}
EVERYTHING = " UNION ALL ".join(f"SELECT '{rule}', ({query}) AS broken" for rule, query in RULES.items())


def violations() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({EVERYTHING}) r (rule, broken) WHERE broken <> 0")
        return {rule for rule, _ in cursor.fetchall()}


def fingerprint() -> dict[str, str]:
    """Each table of the ledger, and the outbox: how many rows, and a digest over all of them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND (relname LIKE 'recs\\_%' OR relname = 'events_event')")
        tables = [table for (table,) in cursor.fetchall()]
        digest = "SELECT '{0}', count(*) || ' ' || coalesce(md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))), '') FROM {0} t"
        cursor.execute(" UNION ALL ".join(digest.format(table) for table in tables))
        return dict(cursor.fetchall())
