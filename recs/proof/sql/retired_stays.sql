-- Nothing leaves what is retired, or exported to another registry
-- looks at: entries
SELECT id, format('entry %s takes %s of batch %s out of what is %s, in account %s', id, serials, batch_id,
                  CASE from_bucket WHEN 9 THEN 'retired' ELSE 'exported' END, from_account_id) AS found
FROM recs_entry WHERE from_bucket NOT IN (1, 2) AND id > :entry
