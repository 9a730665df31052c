-- Received less sent is held: for each account, batch and bucket
-- looks at: entries
-- whole only: each sum needs every entry; what is new is proved entry by entry
SELECT batch_id AS id, format('account %s, batch %s, %s: by the journal %s, held %s', account, batch_id,
                              CASE bucket WHEN 1 THEN 'active' WHEN 2 THEN 'held' WHEN 8 THEN 'exported' ELSE 'retired' END, sum(moved), sum(held)) AS found
FROM (
  SELECT to_account_id AS account, batch_id, to_bucket AS bucket, upper(serials) - lower(serials) AS moved, 0 AS held FROM recs_entry
  UNION ALL
  SELECT from_account_id, batch_id, from_bucket, lower(serials) - upper(serials), 0 FROM recs_entry WHERE from_account_id IS NOT NULL
  UNION ALL
  SELECT account_id, batch_id, bucket, 0, quantity FROM recs_holding
) each_of
GROUP BY account, batch_id, bucket HAVING sum(moved) <> sum(held)
