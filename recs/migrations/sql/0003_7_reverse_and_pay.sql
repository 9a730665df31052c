-- --- reverse: back to where it came from, while the receiver has all of those serials ---------------------------------------------------------
CREATE FUNCTION recs_reverse(asked uuid, actor bigint, wanted bigint, context jsonb)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  c recs_command;
  root recs_command;
  posted recs_command;
  holder recs_account;
  target recs_account;
  owner bigint;
  p record;
  left_there bigint;
BEGIN
  c.key := asked;
  c.request_hash := sha256(convert_to(jsonb_build_array('reverse', actor, wanted, context ->> 'reason')::text, 'UTF8'));
  c.id := recs_replayed(c.key, c.request_hash);
  IF c.id IS NOT NULL THEN
    RETURN c.id;
  END IF;
  SELECT * INTO root FROM recs_command r WHERE r.id = wanted AND r.root_id IS NULL;
  SELECT * INTO holder FROM recs_account WHERE id = root.to_account_id;
  owner := CASE WHEN holder.kind IN ('external', 'world') THEN root.organisation_id ELSE holder.organisation_id END;
  PERFORM recs_authorise(actor, owner, 'reverse', 'id');
  SELECT * INTO posted FROM recs_command s WHERE s.id = root.id OR s.root_id = root.id ORDER BY s.id DESC LIMIT 1;
  IF root.kind NOT IN ('transfer', 'issue', 'receive') OR posted.awaiting <> '{}'
     OR posted.kind IN ('reject', 'cancel', 'expire', 'refuse') THEN
    PERFORM recs_refuse('not-reversible', format('command %s is no completed transfer, receipt or issue', wanted));
  END IF;
  p := recs_policy_of(owner, 'reverse');
  SELECT * INTO target FROM recs_account WHERE id = coalesce(root.from_account_id, recs_world(
    (SELECT b.registry_id FROM recs_entry e JOIN recs_batch b ON b.id = e.batch_id WHERE e.command_id = root.id LIMIT 1), holder.sandbox));
  c.kind := 'reverse';
  c.organisation_id := owner;
  c.counterparty_id := nullif(root.organisation_id, owner);
  c.from_account_id := holder.id;
  c.to_account_id := target.id;
  c.to_bucket := 1;
  c.quantity := root.quantity;
  c.reverses_id := root.id;
  c.price_cents := root.price_cents;
  c.made_by_id := actor;
  c.self_approved := NOT p.second;
  c.awaiting := '{}';
  IF p.second THEN
    c.awaiting := c.awaiting || 'approval'::varchar;
    c.expires_at := transaction_timestamp() + make_interval(days => p.days);
  END IF;
  IF target.kind NOT IN ('external', 'world') AND target.organisation_id <> owner THEN  -- it gets them back, and owes the price
    c.awaiting := c.awaiting || 'acceptance'::varchar;
    c.expires_at := transaction_timestamp() + make_interval(days => p.days);
  END IF;
  IF holder.registry_account <> '' AND root.from_account_id IS NOT NULL THEN  -- what was issued there was never elsewhere
    c.awaiting := c.awaiting || 'registry'::varchar;
  END IF;
  PERFORM recs_lock(holder.id, NULL);
  c.id := recs_written(c, context);
  IF EXISTS (SELECT FROM recs_command v WHERE v.reverses_id = root.id AND v.awaiting = '{}' AND v.id <> c.id) THEN
    PERFORM recs_refuse('not-reversible', format('command %s was reversed already', root.id));
  END IF;
  SELECT coalesce(sum(upper(h.serials * e.serials) - lower(h.serials * e.serials)), 0) INTO left_there
    FROM recs_entry e JOIN recs_holding h ON h.batch_id = e.batch_id AND h.serials && e.serials
    WHERE e.command_id = posted.id AND h.account_id = holder.id AND h.bucket = 1
      AND (holder.kind NOT IN ('external', 'world') OR h.entry_id = e.id);  -- outside they may be there for another's sake
  IF left_there <> root.quantity THEN
    PERFORM recs_refuse('moved-on', format('of the %s certificates of command %s the receiver has %s left', root.quantity, root.id, left_there));
  END IF;
  PERFORM recs_take_ranges(
    c.id, holder.id,
    (SELECT jsonb_agg(jsonb_build_object('batch_id', batch_id, 'serial_start', lower(serials), 'serial_end', upper(serials) - 1))
     FROM recs_entry WHERE command_id = posted.id),
    CASE c.awaiting WHEN '{}' THEN target.id ELSE holder.id END, CASE c.awaiting WHEN '{}' THEN 1 ELSE 2 END::smallint);
  IF c.awaiting = '{}' THEN
    PERFORM recs_settle(c.id, target, holder, -root.price_cents);
  END IF;
  PERFORM recs_tell(c, holder.sandbox);
  RETURN c.id;
END $$;

-- --- money: a payment received, and how far a counterparty may owe -----------------------------------------------------------------------------
CREATE FUNCTION recs_cash(asked uuid, actor bigint, action text, creditor bigint, debtor bigint, outside bigint, cents bigint, context jsonb)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  c recs_command;
BEGIN
  c.key := asked;
  c.request_hash := sha256(convert_to(jsonb_build_array(action, actor, creditor, debtor, outside, cents, context ->> 'reason')::text, 'UTF8'));
  c.id := recs_replayed(c.key, c.request_hash);
  IF c.id IS NOT NULL THEN
    RETURN c.id;
  END IF;
  PERFORM recs_authorise(actor, creditor, action, 'organisation');
  IF action IS NULL OR action NOT IN ('pay', 'credit') OR (debtor IS NULL) = (outside IS NULL) OR debtor = creditor OR (action = 'credit' AND debtor IS NULL)
     OR cents IS NULL OR cents < 0 OR (action = 'pay' AND cents = 0) THEN
    PERFORM recs_refuse('amount', 'an amount above zero, and one counterparty', 'amount_usd', 'EO400');
  ELSIF outside IS NOT NULL AND NOT EXISTS (
    SELECT FROM recs_account a WHERE a.id = outside AND a.kind = 'external' AND a.organisation_id = creditor) THEN
    PERFORM recs_refuse('unknown', 'there is nothing of this number that you may use', 'counterparty', 'EO404');
  ELSIF debtor IS NOT NULL AND NOT EXISTS (SELECT FROM organisations_organisation WHERE id = debtor) THEN
    PERFORM recs_refuse('unknown', 'there is nothing of this number that you may use', 'counterparty', 'EO404');
  ELSIF debtor IS NOT NULL AND (SELECT count(DISTINCT sandbox) FROM organisations_organisation WHERE id IN (creditor, debtor)) <> 1 THEN
    PERFORM recs_refuse('sandbox-with-real', 'the sandbox and the real world never meet in one command', 'counterparty', 'EO400');
  END IF;
  c.kind := action;
  c.organisation_id := creditor;
  c.counterparty_id := debtor;
  c.quantity := 0;
  c.price_cents := cents;
  c.made_by_id := actor;
  c.self_approved := true;  -- no second person is ever asked
  PERFORM pg_advisory_xact_lock_shared(hashtextextended('recs.journal', 0));  -- before any number is drawn: a seal takes all up to the highest
  c.id := recs_written(c, context);
  PERFORM recs_lock_books(ARRAY[creditor, debtor]);
  IF action = 'credit' THEN
    INSERT INTO recs_cashaccount (organisation_id, kind, counterparty_id, balance_cents, credit_limit_cents)
      VALUES (debtor, 'party', creditor, 0, cents)
      ON CONFLICT (organisation_id, kind, counterparty_id, external_id) DO UPDATE SET credit_limit_cents = excluded.credit_limit_cents;
  ELSE
    PERFORM recs_legs(c.id, creditor, debtor, outside, 'bank', -cents);
    IF debtor IS NOT NULL THEN
      PERFORM recs_legs(c.id, debtor, creditor, NULL, 'bank', cents);
    END IF;
  END IF;
  PERFORM recs_tell(c, (SELECT sandbox FROM organisations_organisation WHERE id = creditor));
  RETURN c.id;
END $$;
