-- Each command says what its kind needs, and names what is there
-- looks at: commands
SELECT c.id, format('%s %s %s', c.kind, c.id, concat_ws(', ',
         CASE WHEN o.id IS NULL OR (c.counterparty_id IS NOT NULL AND p.id IS NULL) THEN 'names an organisation that is not there' END,
         CASE WHEN c.made_by_id IS NOT NULL AND u.id IS NULL THEN 'names a person who is not there' END,
         CASE WHEN (c.from_account_id IS NOT NULL AND f.id IS NULL) OR (c.to_account_id IS NOT NULL AND t.id IS NULL)
              THEN 'names an account that is not there' END,
         CASE WHEN c.export_id IS NOT NULL AND x.id IS NULL THEN 'names an export that is not there' END,
         CASE WHEN NOT said.sense THEN 'does not say what its kind needs' END)) AS found
FROM recs_command c
LEFT JOIN organisations_organisation o ON o.id = c.organisation_id LEFT JOIN organisations_organisation p ON p.id = c.counterparty_id
LEFT JOIN organisations_user u ON u.id = c.made_by_id
LEFT JOIN recs_account f ON f.id = c.from_account_id LEFT JOIN recs_account t ON t.id = c.to_account_id
LEFT JOIN recs_command x ON x.id = c.export_id AND x.kind = 'export'
CROSS JOIN LATERAL (SELECT coalesce(
  CASE c.kind
    WHEN 'pay' THEN c.quantity = 0 AND c.to_account_id IS NULL AND c.to_bucket IS NULL AND c.price_cents > 0
    WHEN 'credit' THEN c.quantity = 0 AND c.to_account_id IS NULL AND c.to_bucket IS NULL AND c.counterparty_id IS NOT NULL
    WHEN 'retire' THEN c.to_bucket = 9
    WHEN 'export' THEN c.to_bucket = 8 AND c.to_registry_id IS NOT NULL
    WHEN 'import' THEN c.to_bucket = 1 AND c.export_id IS NOT NULL
    WHEN 'transfer' THEN c.to_bucket = 1 AND c.from_account_id <> c.to_account_id
    WHEN 'approve' THEN c.to_bucket IN (1, 8, 9)
    WHEN 'confirm' THEN c.to_bucket IN (1, 8, 9) AND c.reference <> '' AND c.reference_date IS NOT NULL
    ELSE c.to_bucket = 1 AND c.kind IN ('issue', 'receive', 'reserve', 'reverse', 'accept', 'release', 'reject', 'cancel', 'expire', 'refuse')
  END
  AND (c.kind IN ('pay', 'credit') OR (c.quantity > 0 AND c.to_account_id IS NOT NULL))
  AND (c.kind = 'expire') = (c.made_by_id IS NULL)
  AND coalesce(c.price_cents, 0) >= 0
  AND c.awaiting <@ '{approval, acceptance, registry, release}', false) AS sense) said
WHERE c.id > :command AND (o.id IS NULL OR (c.counterparty_id IS NOT NULL AND p.id IS NULL) OR (c.made_by_id IS NOT NULL AND u.id IS NULL)
  OR (c.from_account_id IS NOT NULL AND f.id IS NULL) OR (c.to_account_id IS NOT NULL AND t.id IS NULL)
  OR (c.export_id IS NOT NULL AND x.id IS NULL) OR NOT said.sense)
