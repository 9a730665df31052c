-- Each step of a command ends the stage before it, by whoever may: one way, once, the second person another than the first
-- looks at: commands
SELECT c.id, format('%s %s ends the stage %s of command %s', c.kind, c.id,
                    coalesce(before.awaiting[1], 'none'), coalesce(c.root_id::text, 'none')) AS found
FROM recs_command c LEFT JOIN recs_command root ON root.id = c.root_id LEFT JOIN recs_command before ON before.id = c.resolves_id
LEFT JOIN recs_command undone ON undone.id = c.reverses_id
WHERE CASE WHEN c.kind IN ('approve', 'accept', 'confirm', 'release', 'reject', 'cancel', 'expire', 'refuse') THEN NOT coalesce(
    root.root_id IS NULL AND (before.id = root.id OR before.root_id = root.id) AND before.id < c.id
    AND c.organisation_id = root.organisation_id AND c.counterparty_id IS NOT DISTINCT FROM root.counterparty_id
    AND c.quantity = root.quantity AND c.from_account_id = coalesce(root.from_account_id, root.to_account_id)
    AND CASE c.kind WHEN 'approve' THEN before.awaiting[1] = 'approval' AND c.made_by_id <> root.made_by_id
                    WHEN 'accept' THEN before.awaiting[1] = 'acceptance'
                    WHEN 'confirm' THEN before.awaiting[1] = 'registry' AND c.self_approved = (c.made_by_id = root.made_by_id)
                    WHEN 'refuse' THEN before.awaiting[1] = 'registry'
                    WHEN 'release' THEN before.awaiting[1] = 'release'
                    -- by the clock, a moment later than its transaction began
                    WHEN 'expire' THEN before.awaiting[1] IN ('approval', 'acceptance')
                                       AND before.expires_at <= c.created_at + interval '1 hour'
                    ELSE before.awaiting[1] IN ('approval', 'acceptance') END
    AND CASE WHEN c.kind IN ('approve', 'accept', 'confirm', 'release')
             THEN c.awaiting = before.awaiting[2:] AND (c.to_account_id, c.to_bucket) = (root.to_account_id, root.to_bucket)
                  AND c.reverses_id IS NOT DISTINCT FROM root.reverses_id
             ELSE c.awaiting = '{}' AND c.to_bucket = 1 AND c.to_account_id = coalesce(root.from_account_id, c.to_account_id) END, false)
  ELSE c.root_id IS NOT NULL OR c.resolves_id IS NOT NULL OR (c.kind = 'reverse') <> (c.reverses_id IS NOT NULL)
    OR (c.kind = 'reverse' AND NOT coalesce(undone.root_id IS NULL AND undone.quantity = c.quantity AND undone.id < c.id
                                            AND undone.to_account_id = c.from_account_id, false)) END
UNION ALL
SELECT min(id), format('command %s was ended %s times, by %s', resolves_id, count(*), string_agg(id::text, ', '))
FROM recs_command WHERE resolves_id IS NOT NULL GROUP BY resolves_id HAVING count(*) > 1
UNION ALL
SELECT min(id), format('command %s was reversed %s times, by %s', reverses_id, count(*), string_agg(id::text, ', '))
FROM recs_command WHERE reverses_id IS NOT NULL AND awaiting = '{}' GROUP BY reverses_id HAVING count(*) > 1
UNION ALL
SELECT min(id), format('the key %s belongs to %s commands', key, count(*)) FROM recs_command GROUP BY key HAVING count(*) > 1

-- since the newest seal:
SELECT c.id, format('%s %s ends the stage %s of command %s', c.kind, c.id,
                    coalesce(before.awaiting[1], 'none'), coalesce(c.root_id::text, 'none')) AS found
FROM recs_command c
LEFT JOIN LATERAL (SELECT * FROM recs_command x WHERE x.id = c.root_id OFFSET 0) root ON true
LEFT JOIN LATERAL (SELECT * FROM recs_command x WHERE x.id = c.resolves_id OFFSET 0) before ON true
LEFT JOIN LATERAL (SELECT * FROM recs_command x WHERE x.id = c.reverses_id OFFSET 0) undone ON true
WHERE c.id > :command
AND CASE WHEN c.kind IN ('approve', 'accept', 'confirm', 'release', 'reject', 'cancel', 'expire', 'refuse') THEN NOT coalesce(
    root.root_id IS NULL AND (before.id = root.id OR before.root_id = root.id) AND before.id < c.id
    AND c.organisation_id = root.organisation_id AND c.counterparty_id IS NOT DISTINCT FROM root.counterparty_id
    AND c.quantity = root.quantity AND c.from_account_id = coalesce(root.from_account_id, root.to_account_id)
    AND CASE c.kind WHEN 'approve' THEN before.awaiting[1] = 'approval' AND c.made_by_id <> root.made_by_id
                    WHEN 'accept' THEN before.awaiting[1] = 'acceptance'
                    WHEN 'confirm' THEN before.awaiting[1] = 'registry' AND c.self_approved = (c.made_by_id = root.made_by_id)
                    WHEN 'refuse' THEN before.awaiting[1] = 'registry'
                    WHEN 'release' THEN before.awaiting[1] = 'release'
                    -- by the clock, a moment later than its transaction began
                    WHEN 'expire' THEN before.awaiting[1] IN ('approval', 'acceptance')
                                       AND before.expires_at <= c.created_at + interval '1 hour'
                    ELSE before.awaiting[1] IN ('approval', 'acceptance') END
    AND CASE WHEN c.kind IN ('approve', 'accept', 'confirm', 'release')
             THEN c.awaiting = before.awaiting[2:] AND (c.to_account_id, c.to_bucket) = (root.to_account_id, root.to_bucket)
                  AND c.reverses_id IS NOT DISTINCT FROM root.reverses_id
             ELSE c.awaiting = '{}' AND c.to_bucket = 1 AND c.to_account_id = coalesce(root.from_account_id, c.to_account_id) END, false)
  ELSE c.root_id IS NOT NULL OR c.resolves_id IS NOT NULL OR (c.kind = 'reverse') <> (c.reverses_id IS NOT NULL)
    OR (c.kind = 'reverse' AND NOT coalesce(undone.root_id IS NULL AND undone.quantity = c.quantity AND undone.id < c.id
                                            AND undone.to_account_id = c.from_account_id, false)) END
