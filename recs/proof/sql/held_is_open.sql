-- What is held is what open commands say, and nothing else is open
-- looks at: commands
SELECT coalesce(h.root, o.id) AS id,
       format('command %s %s: %s are held for it', coalesce(h.root, o.id),
              CASE WHEN o.id IS NULL THEN 'awaits nothing' ELSE format('awaits %s with %s', o.awaiting[1], o.quantity) END,
              coalesce(h.quantity, 0)) AS found
FROM (SELECT e.command_id AS root, sum(h.quantity) AS quantity FROM recs_holding h LEFT JOIN recs_entry e ON e.id = h.entry_id
      WHERE h.bucket = 2 GROUP BY e.command_id) h
FULL JOIN (SELECT coalesce(c.root_id, c.id) AS id, c.quantity, c.awaiting FROM recs_command c
           WHERE c.awaiting <> '{}' AND NOT EXISTS (SELECT FROM recs_command x WHERE x.resolves_id = c.id)) o ON o.id = h.root
WHERE o.quantity IS DISTINCT FROM h.quantity
