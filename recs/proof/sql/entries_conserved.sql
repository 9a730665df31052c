-- What each entry gave out was moved on by later entries, or is still held
-- looks at: entries
SELECT e.id, format('entry %s gave out %s in %s, of which %s are accounted for',
                    e.id, upper(e.serials) - lower(e.serials), e.serials, coalesce(o.quantity, 0)) AS found
FROM recs_entry e
LEFT JOIN (
  SELECT entry, sum(quantity) AS quantity FROM (
    SELECT prev_id AS entry, upper(serials) - lower(serials) AS quantity FROM recs_entry WHERE prev_id IS NOT NULL
    UNION ALL SELECT entry_id, quantity FROM recs_holding) each_of GROUP BY entry
) o ON o.entry = e.id
WHERE o.quantity IS DISTINCT FROM upper(e.serials) - lower(e.serials)

-- since the newest seal:
-- For each new entry, inside its range alone: itself, and the one that it continues
SELECT p.id, format('entry %s gave out %s in %s, of which %s are accounted for',
                    p.id, upper(e.serials) - lower(e.serials), e.serials, moved.quantity + held.quantity) AS found
FROM recs_entry e
CROSS JOIN LATERAL (VALUES (e.id), (e.prev_id)) p (id)
CROSS JOIN LATERAL (
  SELECT coalesce(sum(upper(c.serials) - lower(c.serials)), 0) AS quantity FROM recs_entry c
  WHERE c.prev_id = p.id AND lower(c.serials) >= lower(e.serials) AND lower(c.serials) < upper(e.serials)) moved
CROSS JOIN LATERAL (
  SELECT coalesce(sum(upper(h.serials) - lower(h.serials)), 0) AS quantity FROM recs_holding h
  WHERE h.entry_id = p.id AND lower(h.serials) >= lower(e.serials) AND lower(h.serials) < upper(e.serials)) held
WHERE e.id > :entry AND p.id IS NOT NULL AND moved.quantity + held.quantity <> upper(e.serials) - lower(e.serials)
