-- Sandbox and real never meet, and accounts have only certificates that suit them
-- looks at: accounts
SELECT x.to_account_id AS id, format('account %s (%s) has certificates of batch %s (%s) as %s', x.to_account_id,
         concat_ws(', ', coalesce(a.kind, 'not there'), a.registry_id, CASE WHEN a.sandbox THEN 'sandbox' ELSE 'real' END), x.batch_id,
         concat_ws(', ', b.registry_id, CASE WHEN b.sandbox THEN 'sandbox' ELSE 'real' END),
         CASE x.to_bucket WHEN 1 THEN 'active' WHEN 2 THEN 'held' WHEN 8 THEN 'exported' WHEN 9 THEN 'retired' ELSE 'nothing known' END) AS found
FROM (SELECT DISTINCT batch_id, to_account_id, to_bucket FROM recs_entry WHERE id > :entry) x
LEFT JOIN recs_account a ON a.id = x.to_account_id LEFT JOIN recs_batch b ON b.id = x.batch_id
WHERE a.sandbox IS DISTINCT FROM b.sandbox OR a.registry_id <> b.registry_id OR x.to_bucket NOT IN (1, 2, 8, 9)
   OR (a.kind = 'retirement' AND x.to_bucket <> 9) OR (a.kind IN ('external', 'world', 'export') AND x.to_bucket = 9)
   OR (a.kind <> 'world' AND x.to_bucket = 8)
UNION ALL
SELECT a.id, format('account %s is of the other world than its organisation', a.id)
FROM recs_account a JOIN organisations_organisation o ON o.id = a.organisation_id WHERE a.sandbox <> o.sandbox
UNION ALL
SELECT g.id, format('generator %s is of the other world than its organisation', g.id)
FROM recs_generator g JOIN organisations_organisation o ON o.id = g.organisation_id WHERE g.sandbox <> o.sandbox
UNION ALL
SELECT r.id, format('registration %s is of the other world than its generator', r.id)
FROM recs_registration r JOIN recs_generator g ON g.id = r.generator_id WHERE r.sandbox <> g.sandbox
UNION ALL
SELECT b.id, format('batch %s is of the other world than its generator or organisation', b.id)
FROM recs_batch b JOIN recs_generator g ON g.id = b.generator_id JOIN organisations_organisation o ON o.id = b.organisation_id
WHERE b.sandbox <> g.sandbox OR b.sandbox <> o.sandbox
UNION ALL
SELECT c.id, format('%s %s joins organisations %s and %s of both worlds', c.kind, c.id, o.slug, p.slug)
FROM (SELECT min(id) AS id, min(kind) AS kind, organisation_id, counterparty_id FROM recs_command
      WHERE counterparty_id IS NOT NULL GROUP BY organisation_id, counterparty_id) c
JOIN organisations_organisation o ON o.id = c.organisation_id JOIN organisations_organisation p ON p.id = c.counterparty_id
WHERE o.sandbox <> p.sandbox
