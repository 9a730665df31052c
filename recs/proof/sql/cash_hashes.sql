-- The hash of each cash entry is that of its row
-- looks at: cash entries
SELECT x.id, format('cash entry %s of command %s is not as it was written', x.id, x.command_id) AS found
FROM recs_cashentry x WHERE x.id > :cash_entry AND x.hash <> recs_cashentry_hash(x)
