-- Each cash balance is the sum of its entries, what one is owed the other owes, and a credit limit is what was granted last
-- looks at: cash accounts
SELECT a.id, format('cash account %s says %s cents up to entry %s, its entries %s up to %s',
                    a.id, a.balance_cents, coalesce(a.last_entry, 0), coalesce(x.cents, 0), coalesce(x.newest, 0)) AS found
FROM recs_cashaccount a
LEFT JOIN (SELECT account_id, sum(amount_cents) AS cents, max(id) AS newest FROM recs_cashentry GROUP BY account_id) x
  ON x.account_id = a.id
WHERE a.balance_cents <> coalesce(x.cents, 0) OR a.last_entry IS DISTINCT FROM x.newest
UNION ALL
SELECT a.id, format('organisation %s is owed %s cents by organisation %s, which owes it %s', a.organisation_id, a.balance_cents,
                    a.counterparty_id, -coalesce(m.balance_cents, 0))
FROM recs_cashaccount a
LEFT JOIN recs_cashaccount m ON (m.organisation_id, m.counterparty_id, m.kind) = (a.counterparty_id, a.organisation_id, 'party')
WHERE a.kind = 'party' AND a.counterparty_id IS NOT NULL AND a.balance_cents <> -coalesce(m.balance_cents, 0)
UNION ALL
SELECT a.id, format('cash account %s may go to -%s cents, granted were %s', a.id, a.credit_limit_cents, coalesce(g.price_cents, 0))
FROM recs_cashaccount a
LEFT JOIN LATERAL (SELECT c.price_cents FROM recs_command c
                   WHERE c.kind = 'credit' AND c.organisation_id = a.counterparty_id AND c.counterparty_id = a.organisation_id
                   ORDER BY c.id DESC LIMIT 1) g ON a.kind = 'party'
WHERE a.credit_limit_cents <> coalesce(g.price_cents, 0)
UNION ALL
SELECT a.id, format('cash account %s is with account %s, which is no external one of organisation %s', a.id, a.external_id, a.organisation_id)
FROM recs_cashaccount a JOIN recs_account e ON e.id = a.external_id
WHERE e.kind <> 'external' OR e.organisation_id <> a.organisation_id
