-- The hash of each command is that of its row
-- looks at: commands
SELECT c.id, format('%s %s is not as it was written', c.kind, c.id) AS found
FROM recs_command c WHERE c.id > :command AND c.hash <> recs_command_hash(c)
