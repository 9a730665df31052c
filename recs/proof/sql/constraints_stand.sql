-- Each named constraint, foreign key and NOT NULL of the release is there, valid and enforced
-- looks at: constraints
-- :constraints, :foreign_keys, :not_null: what the models of this release declare (recs/proof/released.py)
WITH relations AS (SELECT oid, relname::text AS relation FROM pg_class
                   WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname LIKE 'recs\_%'),
there AS (
  SELECT r.relation, k.conname::text AS name, k.convalidated
           AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
           AND coalesce((SELECT i.indisvalid AND i.indisready FROM pg_index i WHERE i.indexrelid = k.conindid), true) AS stands
  FROM pg_constraint k JOIN relations r ON r.oid = k.conrelid WHERE k.contype IN ('c', 'u', 'x', 'p')
  UNION ALL  -- a unique constraint with a condition is an index
  SELECT r.relation, x.relname::text, i.indisvalid AND i.indisready FROM pg_index i
  JOIN relations r ON r.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
  WHERE i.indisunique AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
)
SELECT concat(w.relation, '.', w.name) AS id,
       format('constraint %s on %s is %s', w.name, w.relation, CASE WHEN t.name IS NULL THEN 'not there' ELSE 'not valid' END) AS found
FROM jsonb_to_recordset(:constraints) AS w (relation text, name text) LEFT JOIN there t USING (relation, name)
WHERE t.stands IS NOT TRUE
UNION ALL
SELECT concat(w.relation, '.', w.name), format('%s of %s refers to nothing: its foreign key is not there, or not valid', w.name, w.relation)
FROM jsonb_to_recordset(:foreign_keys) AS w (relation text, name text)
WHERE NOT EXISTS (
  SELECT FROM pg_constraint k JOIN relations r ON r.oid = k.conrelid JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = k.conkey[1]
  WHERE k.contype = 'f' AND k.convalidated AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
    AND r.relation = w.relation AND a.attname = w.name)
UNION ALL
SELECT concat(w.relation, '.', w.name), format('%s of %s may be empty', w.name, w.relation)
FROM jsonb_to_recordset(:not_null) AS w (relation text, name text)
WHERE NOT EXISTS (SELECT FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid
                  WHERE r.relation = w.relation AND a.attname = w.name AND a.attnotnull)
