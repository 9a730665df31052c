-- Each priced command has its cash, for each side twice its price and summing to zero; no other command has any
-- looks at: commands
WITH due AS MATERIALIZED (  -- commands that post a price, whose it is, and what each side's line with the other moves by
  SELECT c.id, coalesce(r.price_cents, 0) AS cents,
         CASE WHEN c.kind = 'pay' THEN c.organisation_id WHEN f.kind NOT IN ('external', 'world') THEN f.organisation_id END AS up,
         CASE WHEN c.kind = 'pay' THEN c.counterparty_id WHEN t.kind NOT IN ('external', 'world') THEN t.organisation_id END AS down,
         CASE WHEN c.kind = 'pay' THEN -1 ELSE 1 END AS sign
  FROM recs_command c JOIN recs_command r ON r.id = coalesce(c.root_id, c.id)
  LEFT JOIN recs_account f ON f.id = r.from_account_id LEFT JOIN recs_account t ON t.id = r.to_account_id
  WHERE c.id > :command AND c.awaiting = '{}' AND c.kind NOT IN ('credit', 'reject', 'cancel', 'expire', 'refuse') AND r.price_cents > 0
), legs AS MATERIALIZED (
  SELECT x.command_id, a.organisation_id, count(*) AS legs, sum(x.amount_cents) AS total,
         sum(x.amount_cents) FILTER (WHERE a.kind = 'party') AS party,
         count(*) FILTER (WHERE a.kind = 'party') AS parties, min(a.counterparty_id) AS counterparty, min(a.external_id) AS external
  FROM recs_cashentry x JOIN recs_cashaccount a ON a.id = x.account_id
  WHERE x.id > :cash_entry GROUP BY x.command_id, a.organisation_id
), sides AS (
  SELECT id, up AS organisation, down AS other, sign * cents AS cents FROM due WHERE up IS NOT NULL
  UNION ALL SELECT id, down, up, -sign * cents FROM due WHERE down IS NOT NULL
)
SELECT coalesce(s.id, l.command_id) AS id,
       format('command %s, organisation %s: its line with the other should move by %s cents, moves by %s; all legs sum to %s',
              coalesce(s.id, l.command_id), coalesce(s.organisation, l.organisation_id), coalesce(s.cents, 0), coalesce(l.party, 0),
              coalesce(l.total, 0)) AS found
FROM sides s FULL JOIN legs l ON l.command_id = s.id AND l.organisation_id = s.organisation
WHERE (l.legs, l.parties, l.total, l.party) IS DISTINCT FROM (2::bigint, 1::bigint, 0::numeric, s.cents::numeric)
   OR l.counterparty IS DISTINCT FROM s.other OR (s.other IS NULL) <> (l.external IS NOT NULL)
