"""What organisations have: by month, fuel and state, or range by range."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from recs.queries.reading import ANY, BUCKETS, EXPORTED, LARGEST, OWN_ACCOUNTS, STATUSES, read, read_prepared, suits
from recs.queries.rows import HoldingRow, PortfolioLine
from recs.queries.serials import written
from recs.types import Criteria

# Counted by batch first: the index holding_best_fit alone is read, and a hundred thousand ranges meet few batches
_PORTFOLIO = """
SELECT b.registry_id, b.vintage, b.fuel, b.state, p.status, sum(p.quantity)::bigint, count(*)
FROM (SELECT batch_id, CASE bucket WHEN 1 THEN 'active' WHEN 2 THEN 'held' ELSE 'retired' END AS status,
             sum(quantity) AS quantity
      FROM recs_holding WHERE account_id = ANY (ARRAY(SELECT id FROM ({accounts}) a)) AND bucket = ANY (%(buckets)s)
      GROUP BY batch_id, bucket
      UNION ALL
      SELECT batch_id, 'exported', sum(upper(serials) - lower(serials)) FROM ({exported}) x WHERE %(exported)s GROUP BY batch_id) p
JOIN recs_batch b ON b.id = p.batch_id
WHERE {suits}
GROUP BY 1, 2, 3, 4, 5 ORDER BY 2, 1, 3, 4, 5
"""

# Account by account, so that the index gives each its next ranges and nothing has to be sorted that is not shown
_HOLDINGS = """
SELECT r.id, r.batch_id, b.registry_id, lower(r.serials), upper(r.serials) - 1, b.serial_base, b.registry_text, lower(b.serials),
       upper(b.serials) - 1, b.vintage, b.fuel, b.state, g.name, r.account_id, r.account, o.slug, r.status
FROM (SELECT h.id, h.batch_id, h.serials, a.id AS account_id, a.name AS account, a.organisation_id,
             CASE h.bucket WHEN 1 THEN 'active' WHEN 2 THEN 'held' ELSE 'retired' END AS status
      FROM ({accounts}) a CROSS JOIN LATERAL (
        SELECT h.* FROM recs_holding h JOIN recs_batch b ON b.id = h.batch_id
        WHERE h.account_id = a.id AND h.bucket = ANY (%(buckets)s) AND h.batch_id >= %(batch)s
          AND (h.batch_id > %(batch)s OR lower(h.serials) > %(serial)s) AND {suits}
        ORDER BY h.batch_id, lower(h.serials) LIMIT %(limit)s) h
      UNION ALL
      SELECT NULL, x.batch_id, x.serials, x.account_id, x.account, x.organisation_id, 'exported'
      FROM ({exported}) x JOIN recs_batch b ON b.id = x.batch_id
      WHERE %(exported)s AND (x.batch_id, lower(x.serials)) > (%(batch)s, %(serial)s) AND {suits}) r
JOIN recs_batch b ON b.id = r.batch_id JOIN recs_generator g ON g.id = b.generator_id
JOIN organisations_organisation o ON o.id = r.organisation_id
ORDER BY r.batch_id, lower(r.serials) LIMIT %(limit)s
"""


def portfolio(
    organisations: Iterable[int], *, criteria: Criteria = ANY, statuses: Sequence[str] = STATUSES, account: int | None = None
) -> list[PortfolioLine]:
    """By vintage, registry, fuel and state; `account`: of that one alone. One statement."""
    condition, given = suits(criteria)
    statement = _PORTFOLIO.format(accounts=OWN_ACCOUNTS, exported=EXPORTED, suits=condition)
    return [PortfolioLine(*row) for row in read_prepared(statement, given | _whose(organisations, statuses, account))]


def holdings(
    organisations: Iterable[int],
    *,
    criteria: Criteria = ANY,
    statuses: Sequence[str] = STATUSES,
    after: tuple[int, int] | None = None,
    limit: int = 1000,
    account: int | None = None,
) -> list[HoldingRow]:
    """Ranges by batch and first serial, behind `after` (the batch and first serial of the last one that was shown)."""
    condition, given = suits(criteria)
    batch, serial = after or (0, -1)
    statement = _HOLDINGS.format(accounts=OWN_ACCOUNTS, exported=EXPORTED, suits=condition)
    place = {"batch": batch, "serial": min(serial, LARGEST), "limit": limit}
    return [_holding(*row) for row in read(statement, given | _whose(organisations, statuses, account) | place)]


def _whose(organisations: Iterable[int], statuses: Sequence[str], account: int | None) -> dict[str, object]:
    buckets = [BUCKETS[status] for status in statuses if status in BUCKETS]
    return {"organisations": list(organisations), "buckets": buckets, "exported": "exported" in statuses, "account": account}


def _holding(
    pk: int | None, batch: int, registry: str, first: int, last: int, base: str, own: str, lowest: int, highest: int, *more: object
) -> HoldingRow:
    told = written(registry, base, own, (lowest, highest), (first, last))
    return HoldingRow(pk, batch, registry, first, last, told, last - first + 1, *more)  # type: ignore[arg-type]  # a row as it was read
