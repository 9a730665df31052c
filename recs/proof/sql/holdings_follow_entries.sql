-- Each holding is where its entry brought it
-- looks at: holdings
SELECT h.id, format('holding %s (batch %s, %s, account %s, bucket %s) is not what entry %s says: batch %s, %s, account %s, bucket %s',
                    h.id, h.batch_id, h.serials, h.account_id, h.bucket, h.entry_id,
                    e.batch_id, e.serials, e.to_account_id, e.to_bucket) AS found
FROM recs_holding h LEFT JOIN recs_entry e ON e.id = h.entry_id
WHERE NOT coalesce(e.batch_id = h.batch_id AND e.to_account_id = h.account_id AND e.to_bucket = h.bucket AND e.serials @> h.serials
             AND upper(h.serials) > lower(h.serials), false)

-- since the newest seal:
SELECT h.id, format('holding %s (batch %s, %s, account %s, bucket %s) is not what entry %s says',
                    h.id, h.batch_id, h.serials, h.account_id, h.bucket, h.entry_id) AS found
FROM recs_holding h
LEFT JOIN LATERAL (SELECT * FROM recs_entry x WHERE x.id = h.entry_id OFFSET 0) e ON true
WHERE h.entry_id > :entry
  AND NOT coalesce(e.batch_id = h.batch_id AND e.to_account_id = h.account_id AND e.to_bucket = h.bucket AND e.serials @> h.serials
             AND upper(h.serials) > lower(h.serials), false)
