-- Each retired serial has one purpose: that of the command which retired it
-- looks at: retirements
SELECT coalesce(r.root, p.command_id) AS id,
       CASE WHEN p.command_id IS NULL THEN format('command %s retired %s certificates without a purpose', r.root, r.quantity)
            WHEN c.kind IS DISTINCT FROM 'retire' THEN format('a purpose for command %s, a %s', p.command_id, c.kind)
            ELSE format('retire %s says %s, retired are %s', c.id, c.quantity, r.quantity) END AS found
FROM (
  SELECT coalesce(s.root_id, s.id, e.command_id) AS root, sum(h.quantity) AS quantity
  FROM recs_holding h LEFT JOIN recs_entry e ON e.id = h.entry_id LEFT JOIN recs_command s ON s.id = e.command_id
  WHERE h.bucket = 9 GROUP BY 1
) r
FULL JOIN recs_retirement p ON p.command_id = r.root
LEFT JOIN recs_command c ON c.id = coalesce(r.root, p.command_id)
WHERE p.command_id IS NULL OR c.kind IS DISTINCT FROM 'retire' OR (r.root IS NOT NULL AND r.quantity <> c.quantity)
UNION ALL
SELECT c.id, format('retire %s has no purpose', c.id) FROM recs_command c
WHERE c.kind = 'retire' AND NOT EXISTS (SELECT FROM recs_retirement p WHERE p.command_id = c.id)

-- since the newest seal:
SELECT e.command_id AS id, format('command %s retired %s of batch %s without a purpose', e.command_id, e.serials, e.batch_id) AS found
FROM recs_entry e
LEFT JOIN LATERAL (SELECT coalesce(x.root_id, x.id) AS id FROM recs_command x WHERE x.id = e.command_id OFFSET 0) root ON true
LEFT JOIN LATERAL (SELECT x.command_id FROM recs_retirement x WHERE x.command_id = root.id OFFSET 0) p ON true
WHERE e.id > :entry AND e.to_bucket = 9 AND p.command_id IS NULL
UNION ALL
SELECT c.id, format('%s %s has a purpose, or has none', c.kind, c.id) FROM recs_command c
WHERE c.id > :command AND (c.kind = 'retire') <> EXISTS (SELECT FROM recs_retirement p WHERE p.command_id = c.id)
