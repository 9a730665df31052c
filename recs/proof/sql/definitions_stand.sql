-- Functions, row policies, constraints, indexes, triggers and computed columns do what they do in this release
-- looks at: definitions
-- worded by PostgreSQL: another major version may say the same in other words
-- :definitions: what they say in a new database (recs/proof/released.json)
SELECT t.name AS id, CASE WHEN w.name IS NULL THEN format('%s is none of ours', t.name)
                          WHEN t.name LIKE 'function %' THEN format('%s does something else than in this release', t.name)
                          ELSE format('%s says %s, not %s', t.name, t.said, w.said) END AS found
FROM (:there) t LEFT JOIN jsonb_each_text(:definitions) w (name, said) USING (name)
WHERE t.said <> w.said OR (w.name IS NULL AND t.name LIKE 'function %')
