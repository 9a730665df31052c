-- Of each batch exactly what was issued is somewhere: no serial twice, none missing
-- looks at: batches
SELECT coalesce(h.batch_id, i.batch_id) AS id,
       format('batch %s: %s issued, %s held, issued %s, held %s', coalesce(h.batch_id, i.batch_id),
              coalesce(i.quantity, 0), coalesce(h.quantity, 0), left(i.serials::text, 80), left(h.serials::text, 80)) AS found
FROM (SELECT batch_id, range_agg(serials) AS serials, sum(quantity) AS quantity FROM recs_holding GROUP BY batch_id) h
FULL JOIN (SELECT batch_id, range_agg(serials) AS serials, sum(upper(serials) - lower(serials)) AS quantity
           FROM recs_entry WHERE prev_id IS NULL GROUP BY batch_id) i USING (batch_id)
WHERE (h.serials, h.quantity) IS DISTINCT FROM (i.serials, i.quantity)

-- since the newest seal:
-- By sums and ends, which several processes add up at once; owned_once keeps serials from overlapping.
WITH touched AS MATERIALIZED (SELECT DISTINCT batch_id FROM recs_entry WHERE id > :entry)
SELECT batch_id AS id, format('batch %s: %s issued, from %s to %s; %s held, from %s to %s', batch_id, coalesce(i.quantity, 0), i.first, i.behind,
                              coalesce(h.quantity, 0), h.first, h.behind) AS found
FROM touched
LEFT JOIN (SELECT batch_id, sum(quantity) AS quantity, min(lower(serials)) AS first, max(upper(serials)) AS behind
           FROM recs_holding GROUP BY batch_id) h USING (batch_id)
LEFT JOIN (SELECT batch_id, sum(upper(serials) - lower(serials)) AS quantity, min(lower(serials)) AS first, max(upper(serials)) AS behind
           FROM recs_entry WHERE prev_id IS NULL AND batch_id IN (SELECT batch_id FROM touched) GROUP BY batch_id) i USING (batch_id)
WHERE (h.quantity, h.first, h.behind) IS DISTINCT FROM (i.quantity, i.first, i.behind)
