-- The hash of each retirement's purpose is that of its row
-- looks at: retirements
SELECT r.command_id AS id, format('the purpose of retirement %s is not as it was written', r.command_id) AS found
FROM recs_retirement r WHERE r.command_id > :command AND r.hash <> recs_retirement_hash(r)
