-- Each entry continues an earlier one, or issues serials of its batch; its hash covers it and that earlier one
-- looks at: entries
SELECT e.id, format('entry %s (batch %s, %s, continues %s): ', e.id, e.batch_id, e.serials, coalesce(e.prev_id::text, 'none')) || concat_ws(', ',
         CASE WHEN NOT (e.hash = recs_entry_hash(p.hash, e)) THEN 'its hash is another' END,
         CASE WHEN b.id IS NULL OR (e.prev_id IS NULL AND NOT b.serials @> e.serials) THEN 'not in its batch' END,
         CASE WHEN e.prev_id IS NOT NULL AND p.id IS NULL THEN 'what it continues is not there' END,
         CASE WHEN p.batch_id <> e.batch_id OR NOT p.serials @> e.serials THEN 'not in the range that it continues' END,
         CASE WHEN (p.to_account_id, p.to_bucket) <> (e.from_account_id, e.from_bucket) THEN 'not from where that one went' END,
         CASE WHEN NOT coalesce(upper(e.serials) > lower(e.serials), false) THEN 'no serials with a first and a last' END,
         CASE WHEN (e.from_account_id, e.from_bucket) = (e.to_account_id, e.to_bucket) THEN 'to where they lie' END) AS found
FROM recs_entry e LEFT JOIN recs_entry p ON p.id = e.prev_id LEFT JOIN recs_batch b ON b.id = e.batch_id
WHERE e.hash <> recs_entry_hash(p.hash, e)
   OR NOT coalesce(upper(e.serials) > lower(e.serials), false) OR (e.from_account_id = e.to_account_id AND e.from_bucket = e.to_bucket)
   OR CASE WHEN e.prev_id IS NULL
           THEN NOT coalesce(b.serials @> e.serials, false) OR e.from_account_id IS NOT NULL OR e.from_bucket IS NOT NULL
           ELSE NOT coalesce(p.batch_id = e.batch_id AND p.serials @> e.serials AND p.id < e.id
                             AND p.to_account_id = e.from_account_id AND p.to_bucket = e.from_bucket AND b.id IS NOT NULL, false) END

-- since the newest seal:
SELECT e.id, format('entry %s (batch %s, %s) does not continue entry %s, or its hash is another',
                    e.id, e.batch_id, e.serials, coalesce(e.prev_id::text, 'none')) AS found
FROM recs_entry e
LEFT JOIN LATERAL (SELECT * FROM recs_entry x WHERE x.id = e.prev_id OFFSET 0) p ON true
LEFT JOIN recs_batch b ON b.id = e.batch_id
WHERE e.id > :entry AND (
  e.hash <> recs_entry_hash(p.hash, e)
  OR NOT coalesce(upper(e.serials) > lower(e.serials), false) OR (e.from_account_id = e.to_account_id AND e.from_bucket = e.to_bucket)
  OR CASE WHEN e.prev_id IS NULL
          THEN NOT coalesce(b.serials @> e.serials, false) OR e.from_account_id IS NOT NULL OR e.from_bucket IS NOT NULL
          ELSE NOT coalesce(p.batch_id = e.batch_id AND p.serials @> e.serials AND p.id < e.id
                            AND p.to_account_id = e.from_account_id AND p.to_bucket = e.from_bucket AND b.id IS NOT NULL, false) END)
