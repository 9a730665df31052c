-- A command's entries move as many certificates as it says, from where and to where it says; a step those that its root holds
-- looks at: commands
SELECT coalesce(c.id, m.command_id) AS id,
       CASE WHEN c.id IS NULL THEN format('entries of command %s, which is not there', m.command_id)
            ELSE format('%s %s says %s from account %s to %s, its entries move %s from %s to %s', c.kind, c.id, c.quantity,
                        coalesce(c.from_account_id::text, 'none'), c.to_account_id,
                        coalesce(m.moved, 0), coalesce(m.from_least::text, 'none'), m.to_least) END AS found
FROM recs_command c
FULL JOIN (
  SELECT command_id, sum(upper(serials) - lower(serials)) AS moved, count(*) AS pieces, count(from_account_id) AS sent,
         min(from_account_id) AS from_least, max(from_account_id) AS from_most, min(from_bucket) AS out_of_least, max(from_bucket) AS out_of_most,
         min(to_account_id) AS to_least, max(to_account_id) AS to_most, min(to_bucket) AS into_least, max(to_bucket) AS into_most
  FROM recs_entry GROUP BY command_id
) m ON m.command_id = c.id
WHERE c.id IS NULL
   OR coalesce(m.moved, 0) <> CASE WHEN c.awaiting <> '{}' AND c.resolves_id IS NOT NULL THEN 0 ELSE c.quantity END
   OR (m.pieces > 0 AND NOT coalesce(
         CASE WHEN c.from_account_id IS NULL THEN m.sent = 0
              ELSE m.sent = m.pieces AND m.from_least = c.from_account_id AND m.from_most = c.from_account_id
                   AND m.out_of_least = m.out_of_most AND m.out_of_least = CASE WHEN c.root_id IS NULL THEN 1 ELSE 2 END END
         AND m.to_least = m.to_most AND m.into_least = m.into_most
         AND CASE WHEN c.awaiting <> '{}' THEN m.into_least = 2 AND m.to_least = coalesce(c.from_account_id, c.to_account_id)
                  ELSE m.into_least = c.to_bucket AND m.to_least = c.to_account_id END, false))
UNION ALL
SELECT e.command_id, format('entry %s of %s %s takes what is held for command %s, not for %s', e.id, c.kind, c.id, p.command_id, c.root_id)
FROM recs_entry e JOIN recs_command c ON c.id = e.command_id JOIN recs_entry p ON p.id = e.prev_id
WHERE e.from_bucket = 2 AND p.command_id IS DISTINCT FROM c.root_id

-- since the newest seal:
SELECT c.id, format('%s %s says %s, its entries move %s, or elsewhere', c.kind, c.id, c.quantity, m.moved) AS found
FROM recs_command c
CROSS JOIN LATERAL (
  SELECT coalesce(sum(upper(e.serials) - lower(e.serials)), 0) AS moved,
         coalesce(bool_and(
           e.from_account_id IS NOT DISTINCT FROM c.from_account_id
           AND coalesce(e.from_bucket, 0) = CASE WHEN c.root_id IS NOT NULL THEN 2 WHEN c.from_account_id IS NULL THEN 0 ELSE 1 END
           AND CASE WHEN c.awaiting <> '{}' THEN e.to_bucket = 2 AND e.to_account_id = coalesce(c.from_account_id, c.to_account_id)
                    ELSE e.to_bucket = c.to_bucket AND e.to_account_id = c.to_account_id END
           AND (e.from_bucket IS DISTINCT FROM 2 OR p.command_id IS NOT DISTINCT FROM c.root_id)), true) AS rightly
  FROM recs_entry e LEFT JOIN LATERAL (SELECT x.command_id FROM recs_entry x WHERE x.id = e.prev_id OFFSET 0) p ON true
  WHERE e.command_id = c.id OFFSET 0) m
WHERE c.id > :command
  AND (NOT coalesce(m.rightly, false)
       OR m.moved <> CASE WHEN c.awaiting <> '{}' AND c.resolves_id IS NOT NULL THEN 0 ELSE c.quantity END)
UNION ALL
SELECT e.command_id, format('entry %s is newer than the seal, its command %s is not, or is not there', e.id, e.command_id)
FROM recs_entry e LEFT JOIN LATERAL (SELECT x.id FROM recs_command x WHERE x.id = e.command_id OFFSET 0) c ON true
WHERE e.id > :entry AND NOT coalesce(c.id > :command, false)
