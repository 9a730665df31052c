-- --- resolving what awaits something ----------------------------------------------------------------------------------------------------
-- Which stage a resolver ends, and who may: whoever asked, or the counterparty. Returns whether somebody approves their own.
CREATE FUNCTION recs_may_resolve(root recs_command, step recs_command, resolver text, actor bigint) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
DECLARE
  stage text := step.awaiting[1];
  fits boolean := CASE resolver
    WHEN 'approve' THEN stage = 'approval'
    WHEN 'accept' THEN stage = 'acceptance'
    WHEN 'confirm' THEN stage = 'registry'
    WHEN 'refuse' THEN stage = 'registry'
    WHEN 'release' THEN stage = 'release'
    WHEN 'expire' THEN stage IN ('approval', 'acceptance') AND step.expires_at <= clock_timestamp()
    ELSE stage IN ('approval', 'acceptance') END;
  receiving boolean := resolver = 'accept' OR (resolver = 'reject' AND stage = 'acceptance');
  second boolean;
BEGIN
  IF NOT fits THEN
    PERFORM recs_refuse('wrong-stage', format('command %s awaits %s', root.id, stage));
  ELSIF resolver = 'expire' THEN
    RETURN false;
  ELSIF resolver IN ('approve', 'accept') AND step.expires_at <= clock_timestamp() THEN
    PERFORM recs_refuse('answered-too-late', format('command %s awaited an answer until %s UTC', root.id,
                                                    to_char(step.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')));
  ELSIF receiving THEN
    PERFORM recs_authorise(actor, root.counterparty_id, 'transfer', 'id');
    RETURN false;
  END IF;
  PERFORM recs_authorise(actor, root.organisation_id, root.kind, 'id');
  second := resolver = 'approve' OR (resolver = 'confirm' AND (recs_policy_of(root.organisation_id, 'confirm')).second);
  IF second AND actor = root.made_by_id THEN
    PERFORM recs_refuse('second-person', 'this needs a second person: you asked for it yourself', '', 'EO403');
  END IF;
  RETURN resolver = 'confirm' AND actor = root.made_by_id;
END $$;

-- The other side knows nothing of what its own side has not approved yet
CREATE FUNCTION recs_offered(root recs_command) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT root.awaiting[1] IS DISTINCT FROM 'approval' OR EXISTS (SELECT FROM recs_command WHERE root_id = root.id AND kind = 'approve')
$$;

CREATE FUNCTION recs_resolve(asked uuid, actor bigint, resolver text, wanted bigint, number text, dated date, context jsonb)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  c recs_command;
  root recs_command;
  step recs_command;
  holder recs_account;
  target recs_account;
  h recs_holding;
  moved bigint := 0;
  forward boolean := resolver IN ('approve', 'accept', 'confirm', 'release');
BEGIN
  c.key := asked;
  c.request_hash := sha256(convert_to(jsonb_build_array(resolver, actor, wanted, number, dated, context ->> 'reason')::text, 'UTF8'));
  c.id := recs_replayed(c.key, c.request_hash);
  IF c.id IS NOT NULL THEN
    RETURN c.id;
  ELSIF resolver IS NULL OR resolver NOT IN ('approve', 'accept', 'confirm', 'release', 'reject', 'cancel', 'expire', 'refuse')
     OR (actor IS NULL) <> (resolver = 'expire') THEN
    PERFORM recs_refuse('unknown-kind', 'this is no way to resolve a command', 'kind', 'EO400');
  END IF;
  PERFORM pg_advisory_xact_lock_shared(hashtextextended('recs.journal', 0));
  SELECT * INTO root FROM recs_command r WHERE r.id = wanted AND r.root_id IS NULL FOR NO KEY UPDATE;  -- one at a time
  IF NOT FOUND THEN
    PERFORM recs_refuse('unknown', 'there is nothing of this number that you may use', 'id', 'EO404');
  END IF;
  c.id := recs_replayed(c.key, c.request_hash);  -- somebody with the same key may have been first, while this waited
  IF c.id IS NOT NULL THEN
    RETURN c.id;
  END IF;
  SELECT * INTO step FROM recs_command s WHERE s.id = root.id OR s.root_id = root.id ORDER BY s.id DESC LIMIT 1;
  IF actor IS NOT NULL AND NOT EXISTS (
    SELECT FROM organisations_membership WHERE user_id = actor AND organisation_id IN (
      root.organisation_id, CASE WHEN recs_offered(root) THEN root.counterparty_id END)) THEN
    PERFORM recs_refuse('unknown', 'there is nothing of this number that you may use', 'id', 'EO404');
  ELSIF step.awaiting = '{}' THEN
    PERFORM recs_refuse('already-resolved', format('command %s awaits nothing any more', root.id));
  END IF;
  c.self_approved := recs_may_resolve(root, step, resolver, actor);
  SELECT * INTO holder FROM recs_account WHERE id = coalesce(root.from_account_id, root.to_account_id);
  c.kind := resolver;
  c.organisation_id := root.organisation_id;
  c.counterparty_id := root.counterparty_id;
  c.from_account_id := holder.id;
  c.quantity := root.quantity;
  c.root_id := root.id;
  c.resolves_id := step.id;
  c.reference := recs_asked_text(number, 100, 'reference');
  c.reference_date := dated;
  c.made_by_id := actor;
  IF forward THEN
    c.to_account_id := root.to_account_id;
    c.to_bucket := root.to_bucket;
    c.awaiting := step.awaiting[2:];
    c.reverses_id := root.reverses_id;
    IF c.awaiting[1] = 'acceptance' THEN
      c.expires_at := transaction_timestamp() + make_interval(days => (recs_policy_of(root.organisation_id, root.kind)).days);
    END IF;
  ELSE  -- back to where it came from: what was never issued goes to the world outside
    c.to_account_id := coalesce(root.from_account_id, recs_world(
      (SELECT b.registry_id FROM recs_entry e JOIN recs_batch b ON b.id = e.batch_id WHERE e.command_id = root.id LIMIT 1), holder.sandbox));
    c.to_bucket := 1;
  END IF;
  c.id := recs_written(c, context);
  IF c.awaiting IS NULL OR c.awaiting = '{}' THEN
    FOR h IN SELECT x.* FROM recs_holding x JOIN recs_entry e ON e.id = x.entry_id
             WHERE e.command_id = root.id AND x.bucket = 2 ORDER BY x.id FOR UPDATE OF x LOOP
      PERFORM recs_piece(c.id, h, h.serials, c.to_account_id, c.to_bucket);
      moved := moved + h.quantity;
    END LOOP;
    IF moved <> root.quantity THEN
      PERFORM recs_refuse('held-incomplete', format('of the %s certificates of command %s %s are held', root.quantity, root.id, moved));
    END IF;
    IF forward AND root.price_cents IS NOT NULL THEN
      SELECT * INTO target FROM recs_account WHERE id = root.to_account_id;
      IF root.kind = 'reverse' THEN
        PERFORM recs_settle(c.id, target, holder, -root.price_cents);
      ELSE
        PERFORM recs_settle(c.id, holder, target, root.price_cents);
      END IF;
    END IF;
  END IF;
  PERFORM recs_tell(c, holder.sandbox);
  RETURN c.id;
END $$;

-- What is under way: held certificates belong to the entries of the command that waits
CREATE FUNCTION recs_open_roots() RETURNS TABLE (root bigint) LANGUAGE sql STABLE AS $$
  SELECT DISTINCT e.command_id FROM recs_holding h JOIN recs_entry e ON e.id = h.entry_id WHERE h.bucket = 2
$$;

-- What was offered or asked for and nobody answered in time; how many were ended
CREATE FUNCTION recs_expire(most integer) RETURNS integer LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  r bigint;
  ended integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtextextended('recs.journal', 0));  -- before any row, as all others take it
  FOR r IN SELECT o.root FROM recs_open_roots() o
           CROSS JOIN LATERAL (SELECT s.awaiting, s.expires_at FROM recs_command s WHERE s.id = o.root OR s.root_id = o.root
                               ORDER BY s.id DESC LIMIT 1) step
           WHERE step.awaiting[1] IN ('approval', 'acceptance') AND step.expires_at <= clock_timestamp()
           ORDER BY step.expires_at LIMIT most LOOP
    PERFORM 1 FROM recs_command WHERE id = r FOR NO KEY UPDATE SKIP LOCKED;
    CONTINUE WHEN NOT FOUND;  -- somebody is resolving it at this moment: then it is theirs
    CONTINUE WHEN (SELECT s.awaiting FROM recs_command s WHERE s.id = r OR s.root_id = r ORDER BY s.id DESC LIMIT 1) = '{}';
    PERFORM recs_resolve(gen_random_uuid(), NULL, 'expire', r, NULL, NULL, '{"reason": "nobody answered in time"}');
    ended := ended + 1;
  END LOOP;
  RETURN ended;
END $$;
