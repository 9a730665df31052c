-- Row policies hide what belongs to others
-- looks at: row policies
WITH wanted (relation, policies) AS (VALUES
  ('recs_account', 'mine, world'), ('recs_policy', 'mine'), ('recs_generator', 'mine, received'), ('recs_registration', 'mine, received'),
  ('recs_eligibility', 'mine, received'), ('recs_generationread', 'mine'), ('recs_batch', 'mine, received'), ('recs_command', 'mine'),
  ('recs_entry', 'mine'), ('recs_holding', 'mine'), ('recs_retirement', 'mine'), ('recs_cashaccount', 'mine'), ('recs_cashentry', 'mine'),
  ('recs_historicalaccount', 'mine'), ('recs_historicalpolicy', 'mine'), ('recs_historicalgenerator', 'mine'),
  ('recs_historicalregistration', 'mine'), ('recs_historicaleligibility', 'mine'), ('recs_historicalgenerationread', 'mine'),
  ('recs_historicalbatch', 'mine'), ('events_event', 'recs_mine')
), there AS (
  SELECT c.relname::text AS relation, c.relrowsecurity AS guarded, string_agg(p.polname::text, ', ' ORDER BY p.polname::text COLLATE "C") AS policies,
         bool_or(pg_get_expr(p.polqual, p.polrelid) = 'true') AS open
  FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid
  WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND (c.relname LIKE 'recs\_%' OR c.relname = 'events_event') GROUP BY c.oid
)
SELECT relation AS id, CASE WHEN NOT t.guarded THEN format('anybody sees all rows of %s', relation)
                            ELSE format('%s has the row policies %s, not %s', relation, coalesce(t.policies, 'none'), coalesce(w.policies, 'none')) END AS found
FROM wanted w FULL JOIN there t USING (relation)
WHERE w.policies IS DISTINCT FROM t.policies OR (w.policies IS NOT NULL AND NOT coalesce(t.guarded AND NOT t.open, false))
