-- The outer seal, and what an auditor's export needs beyond the rows that its reader sees.

-- What a seal says of the rows since the one before: SHA-256 over the digest before and all hashes since, each table in the order
-- of its numbers. recs/proof/verify_pack.py computes the same from an export.
CREATE FUNCTION recs_digest(before bytea, entry_after bigint, entry_upto bigint, command_after bigint, command_upto bigint,
                            cash_after bigint, cash_upto bigint)
RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT sha256(before
    || coalesce((SELECT string_agg(hash, ''::bytea ORDER BY id) FROM recs_entry WHERE id > entry_after AND id <= entry_upto), '')
    || coalesce((SELECT string_agg(hash, ''::bytea ORDER BY id) FROM recs_command WHERE id > command_after AND id <= command_upto), '')
    || coalesce((SELECT string_agg(hash, ''::bytea ORDER BY command_id) FROM recs_retirement
                 WHERE command_id > command_after AND command_id <= command_upto), '')
    || coalesce((SELECT string_agg(hash, ''::bytea ORDER BY id) FROM recs_cashentry WHERE id > cash_after AND id <= cash_upto), ''))
$$;

-- How far a seal goes after `b`, with some `most` commands: to where no entry or cash of a later command has a lower number than one
-- of an earlier command. Numbers of commands that ran side by side lie among each other: such commands are sealed together.
CREATE FUNCTION recs_seal_cut(b recs_seal, settled recs_seal, most bigint) RETURNS recs_seal LANGUAGE plpgsql STABLE AS $$
DECLARE
  s recs_seal := b;
  reached bigint;
BEGIN
  SELECT max(id) INTO reached FROM (SELECT id FROM recs_command WHERE id > b.upto_command ORDER BY id LIMIT most) following;
  LOOP
    IF reached IS NULL OR reached >= settled.upto_command THEN
      RETURN settled;
    END IF;
    s.upto_command := reached;
    s.upto_entry := greatest(s.upto_entry, (SELECT max(id) FROM recs_entry WHERE command_id > b.upto_command AND command_id <= reached));
    s.upto_cash_entry := greatest(s.upto_cash_entry,
                                  (SELECT max(id) FROM recs_cashentry WHERE command_id > b.upto_command AND command_id <= reached));
    reached := greatest(reached, (SELECT max(command_id) FROM recs_entry WHERE id > b.upto_entry AND id <= s.upto_entry),
                        (SELECT max(command_id) FROM recs_cashentry WHERE id > b.upto_cash_entry AND id <= s.upto_cash_entry));
    EXIT WHEN reached = s.upto_command;
  END LOOP;
  RETURN s;
END $$;

-- Seals what is settled and not sealed yet, some 100,000 commands at a time; NULL when there is nothing new.
CREATE FUNCTION recs_seal() RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '500ms' AS $$
DECLARE
  most CONSTANT bigint := 100000;  -- a digest takes all hashes at once: 32 bytes a command and an entry
  b recs_seal;
  s recs_seal;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'a seal has to see what was committed while it waited' USING ERRCODE = 'feature_not_supported';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('recs.seal', 0));  -- one after the other
  SELECT * INTO b FROM recs_seal ORDER BY id DESC LIMIT 1;
  -- Commands hold this lock shared until they are committed: who has it alone knows that all numbers up to the highest are settled.
  -- Undoing the block lets go of the lock at once, before the long work; variables stay as they are.
  BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('recs.journal', 0));
    s.upto_entry := coalesce((SELECT max(id) FROM recs_entry), 0);
    s.upto_command := coalesce((SELECT max(id) FROM recs_command), 0);
    s.upto_cash_entry := coalesce((SELECT max(id) FROM recs_cashentry), 0);
    RAISE EXCEPTION USING ERRCODE = 'EO000';
  EXCEPTION WHEN SQLSTATE 'EO000' THEN
    NULL;
  END;
  b.upto_entry := coalesce(b.upto_entry, 0);
  b.upto_command := coalesce(b.upto_command, 0);
  b.upto_cash_entry := coalesce(b.upto_cash_entry, 0);
  -- never back: where the newest rows were erased, the seal goes on from where it was, and its proof tells of them
  s.upto_entry := greatest(b.upto_entry, s.upto_entry);
  s.upto_command := greatest(b.upto_command, s.upto_command);
  s.upto_cash_entry := greatest(b.upto_cash_entry, s.upto_cash_entry);
  s := recs_seal_cut(b, s, most);
  IF (s.upto_entry, s.upto_command, s.upto_cash_entry) = (b.upto_entry, b.upto_command, b.upto_cash_entry) THEN
    RETURN NULL;
  END IF;
  SELECT count(*) + coalesce(b.entries, 0) INTO s.entries FROM recs_entry WHERE id > b.upto_entry AND id <= s.upto_entry;
  SELECT count(*) + coalesce(b.commands, 0) INTO s.commands FROM recs_command WHERE id > b.upto_command AND id <= s.upto_command;
  INSERT INTO recs_seal (upto_entry, upto_command, upto_cash_entry, entries, commands, digest) VALUES (
    s.upto_entry, s.upto_command, s.upto_cash_entry, s.entries, s.commands,
    recs_digest(coalesce(b.digest, ''), b.upto_entry, s.upto_entry, b.upto_command, s.upto_command, b.upto_cash_entry, s.upto_cash_entry))
    RETURNING id INTO s.id;
  RETURN s.id;
END $$;

-- The hash of the entry that one of the caller's own entries continues: that one may be somebody else's, its hash tells nothing of it
CREATE FUNCTION recs_hash_before(entry bigint) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT p.hash FROM recs_entry e JOIN recs_entry p ON p.id = e.prev_id
  WHERE e.id = entry AND (e.to_account_id = ANY (recs_my_accounts()) OR e.from_account_id = ANY (recs_my_accounts()))
$$;

REVOKE ALL ON FUNCTION recs_digest, recs_seal_cut, recs_seal, recs_hash_before FROM PUBLIC;
COMMENT ON FUNCTION recs_seal IS 'Application: writes';
COMMENT ON FUNCTION recs_hash_before IS 'Application: reads';
