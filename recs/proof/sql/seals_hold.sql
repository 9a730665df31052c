-- Each seal is the digest of what is there: nothing sealed was changed, taken away or put in between
-- looks at: seals
SELECT id, format('seal %s of %s (entries to %s, commands to %s, cash entries to %s) was broken: something after the seal before it is not '
                  'as it was', id, to_char(created_at, 'YYYY-MM-DD HH24:MI'), upto_entry, upto_command, upto_cash_entry) AS found
FROM (SELECT *, lag(id) OVER w AS before, lag(digest, 1, ''::bytea) OVER w AS before_digest,
             lag(upto_entry, 1, 0::bigint) OVER w AS entry_after, lag(upto_command, 1, 0::bigint) OVER w AS command_after,
             lag(upto_cash_entry, 1, 0::bigint) OVER w AS cash_after,
             lag(entries, 1, 0::bigint) OVER w AS entries_before, lag(commands, 1, 0::bigint) OVER w AS commands_before
      FROM recs_seal WINDOW w AS (ORDER BY id)) s
WHERE digest <> recs_digest(before_digest, entry_after, upto_entry, command_after, upto_command, cash_after, upto_cash_entry)
   OR entries <> entries_before + (SELECT count(*) FROM recs_entry e WHERE e.id > s.entry_after AND e.id <= s.upto_entry)
   OR commands <> commands_before + (SELECT count(*) FROM recs_command c WHERE c.id > s.command_after AND c.id <= s.upto_command)

-- since the newest seal:
SELECT id, format('seal %s of %s was broken', id, to_char(created_at, 'YYYY-MM-DD HH24:MI')) AS found
FROM (SELECT *, lag(digest, 1, ''::bytea) OVER w AS before_digest,
             lag(upto_entry, 1, 0::bigint) OVER w AS entry_after, lag(upto_command, 1, 0::bigint) OVER w AS command_after,
             lag(upto_cash_entry, 1, 0::bigint) OVER w AS cash_after
      FROM (SELECT * FROM recs_seal ORDER BY id DESC LIMIT 2) newest WINDOW w AS (ORDER BY id) ORDER BY id DESC LIMIT 1) s
WHERE digest <> recs_digest(before_digest, entry_after, upto_entry, command_after, upto_command, cash_after, upto_cash_entry)
