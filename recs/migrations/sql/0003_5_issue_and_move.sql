-- --- issue: new certificates, of a batch that was written down ----------------------------------------------------------------------------
CREATE FUNCTION recs_issue(asked uuid, actor bigint, kind text, batch bigint, account bigint, first bigint, last bigint, context jsonb)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  c recs_command;
  a recs_account;
  b recs_batch;
  p record;
  serials int8range;
  e bigint;
BEGIN
  c.key := asked;
  c.request_hash := sha256(convert_to(jsonb_build_array(kind, actor, batch, account, first, last, context ->> 'reason')::text, 'UTF8'));
  p := recs_entered(asked, c.request_hash, actor, kind, account, 'account');
  IF p.done IS NOT NULL THEN
    RETURN p.done;
  ELSIF kind IS NULL OR kind NOT IN ('issue', 'import', 'receive') THEN
    PERFORM recs_refuse('unknown-kind', 'certificates come in by issue, import or receive', 'kind', 'EO400');
  END IF;
  a := p.account;
  p.second := p.second OR (kind = 'receive' AND (recs_policy_of(a.organisation_id, 'issue')).second);  -- both make certificates of a batch
  SELECT * INTO b FROM recs_batch WHERE id = batch AND organisation_id = a.organisation_id;
  IF NOT FOUND THEN
    PERFORM recs_refuse('unknown', 'there is nothing of this number that you may use', 'batch_id', 'EO404');
  ELSIF (kind = 'import') <> (b.export_id IS NOT NULL) THEN
    PERFORM recs_refuse('import-of-an-export', 'what was exported elsewhere is imported, and nothing else is', 'kind', 'EO400');
  ELSIF a.kind IN ('external', 'world', 'retirement') THEN
    PERFORM recs_refuse('wrong-account', format('nothing is issued into account %s', a.id), 'account', 'EO400');
  END IF;
  first := coalesce(first, lower(b.serials));
  last := coalesce(last, upper(b.serials) - 1);
  IF first > last OR first < lower(b.serials) OR last >= upper(b.serials) THEN
    PERFORM recs_refuse('outside-batch', format('batch %s has the serial numbers %s to %s', b.id, lower(b.serials), upper(b.serials) - 1),
                        'ranges', 'EO400');
  END IF;
  serials := int8range(first, last + 1);
  c.kind := kind;
  c.organisation_id := a.organisation_id;
  c.to_account_id := a.id;
  c.to_bucket := 1;
  c.quantity := upper(serials) - lower(serials);
  c.export_id := b.export_id;
  c.made_by_id := actor;
  c.self_approved := NOT p.second;
  IF p.second THEN
    c.awaiting := '{approval}';
    c.expires_at := transaction_timestamp() + make_interval(days => p.days);
  END IF;
  PERFORM pg_advisory_xact_lock_shared(hashtextextended('recs.journal', 0));
  PERFORM pg_advisory_xact_lock(hashint8extended(b.id, 3));  -- two issues of a batch would meet in the exclusion constraint, crosswise
  c.id := recs_written(c, context);
  INSERT INTO recs_entry (command_id, batch_id, serials, to_account_id, to_bucket, hash)
    VALUES (c.id, b.id, serials, a.id, CASE WHEN p.second THEN 2 ELSE 1 END, '') RETURNING id INTO e;
  INSERT INTO recs_holding (batch_id, serials, account_id, bucket, entry_id)
    VALUES (b.id, serials, a.id, CASE WHEN p.second THEN 2 ELSE 1 END, e);
  PERFORM recs_tell(c, a.sandbox);
  RETURN c.id;
END $$;

-- --- transfer, retire, reserve, export, receive: from an account, by quantity and criteria or by serial numbers ----------------------------
CREATE FUNCTION recs_world(registry text, sandboxed boolean) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT id FROM recs_account WHERE kind = 'world' AND registry_id = registry AND sandbox = sandboxed
$$;

-- Whether it may go there, and who decides: the stages before it arrives
CREATE FUNCTION recs_stages(kind text, cents bigint, source recs_account, target recs_account, second boolean) RETURNS varchar[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
  outside boolean := target.kind IN ('external', 'world');
BEGIN
  IF kind = 'retire' AND NOT outside AND target.organisation_id IS DISTINCT FROM source.organisation_id THEN
    PERFORM recs_refuse('unknown', 'there is nothing of this number that you may use', 'to_account', 'EO404');
  ELSIF source.sandbox <> target.sandbox THEN
    PERFORM recs_refuse('sandbox-with-real', 'the sandbox and the real world never meet in one command', 'to_account', 'EO400');
  ELSIF kind = 'reserve' AND source.id <> target.id THEN
    PERFORM recs_refuse('wrong-account', 'what is reserved stays in its account', 'to_account', 'EO400');
  ELSIF kind = 'transfer' AND source.id = target.id THEN
    PERFORM recs_refuse('transfer-to-itself', 'a transfer needs two accounts', 'to_account', 'EO400');
  ELSIF kind <> 'receive' AND source.kind IN ('external', 'world', 'retirement') THEN
    PERFORM recs_refuse('wrong-account', format('nothing leaves account %s so', source.id), 'from_account', 'EO400');
  ELSIF kind = 'retire' AND outside THEN
    PERFORM recs_refuse('wrong-account', 'certificates retire in an account of their owner', 'to_account', 'EO400');
  ELSIF kind IN ('transfer', 'receive') AND target.kind = 'retirement' THEN
    PERFORM recs_refuse('wrong-account', 'a retirement account takes retired certificates: retire them', 'to_account', 'EO400');
  ELSIF kind = 'receive' AND (source.kind NOT IN ('external', 'world') OR outside) THEN
    PERFORM recs_refuse('wrong-account', 'what is received comes from outside into an account of yours', 'from_account', 'EO400');
  ELSIF cents IS NOT NULL AND (kind NOT IN ('transfer', 'receive') OR 'world' IN (source.kind, target.kind)
        OR (source.organisation_id = target.organisation_id AND NOT (outside OR source.kind = 'external'))) THEN
    PERFORM recs_refuse('price-without-counterparty', 'a price needs a counterparty', 'price_usd', 'EO400');
  END IF;
  RETURN CASE kind WHEN 'reserve' THEN '{release}' ELSE array_remove(ARRAY[
    CASE WHEN second THEN 'approval' END,
    CASE WHEN kind = 'transfer' AND NOT outside AND target.organisation_id <> source.organisation_id THEN 'acceptance' END,
    CASE WHEN kind = 'export' OR (kind IN ('transfer', 'retire') AND source.registry_account <> '') THEN 'registry' END], NULL) END;
END $$;

-- Out of the world outside an organisation receives what it wrote down itself, or had before: whoever merely guesses the number of
-- a batch is told what is told of one that is not there.
CREATE FUNCTION recs_refuse_foreign(organisation bigint, source bigint, ranges jsonb) RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE
  t record;
BEGIN
  SELECT r.batch, lower(r.serials) AS serial INTO t FROM recs_asked(ranges) r LEFT JOIN recs_batch b ON b.id = r.batch
    WHERE b.organisation_id IS DISTINCT FROM organisation AND NOT int8multirange(r.serials) <@ (
      SELECT coalesce(range_agg(e.serials), '{}') FROM recs_entry e JOIN recs_account a ON a.id = e.to_account_id
      WHERE e.batch_id = r.batch AND e.serials && r.serials AND a.organisation_id = organisation AND a.kind <> 'external')
    LIMIT 1;
  IF FOUND THEN
    PERFORM recs_refuse('range-not-owned', format('serial %s of batch %s is not in this account', t.serial, t.batch), 'ranges');
  END IF;
END $$;

CREATE FUNCTION recs_retired_for(command bigint, purpose jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF purpose ->> 'compliance_year' !~ '^[12][0-9]{3}$' THEN
    PERFORM recs_refuse('compliance-year-needed', 'a compliance year is a whole number of four digits', 'compliance_year', 'EO400');
  END IF;
  INSERT INTO recs_retirement (command_id, programme, state, compliance_year, tier, beneficiary, reason, hash) VALUES (
    command, recs_asked_text(purpose ->> 'programme', 60, 'programme'), recs_asked_text(purpose ->> 'state', 2, 'state'),
    (purpose ->> 'compliance_year')::smallint, recs_asked_text(purpose ->> 'tier', 40, 'tier'),
    recs_asked_text(purpose ->> 'beneficiary', 200, 'beneficiary'), recs_asked_text(purpose ->> 'reason', 200, 'reason'), '');
END $$;

CREATE FUNCTION recs_move(
  asked uuid, actor bigint, kind text, source_id bigint, target_id bigint, wanted bigint, ranges jsonb, criteria jsonb,
  cents bigint, purpose jsonb, to_registry text, context jsonb
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
  RETURN recs_moved(asked, actor, kind, source_id, target_id, wanted, ranges, criteria, cents, purpose, to_registry, context, false);
END $$;

-- `locked`: the source is this transaction's already
CREATE FUNCTION recs_moved(
  asked uuid, actor bigint, kind text, source_id bigint, target_id bigint, wanted bigint, ranges jsonb, criteria jsonb,
  cents bigint, purpose jsonb, to_registry text, context jsonb, locked boolean
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  c recs_command;
  p record;
  source recs_account;
  target recs_account;
  registry text;
  batch bigint;
  account bigint;
  into_bucket smallint;
BEGIN
  c.key := asked;
  c.request_hash := sha256(convert_to(jsonb_build_array(
    kind, actor, source_id, target_id, wanted, ranges, criteria, cents, purpose, to_registry, context ->> 'reason')::text, 'UTF8'));
  IF kind = 'receive' THEN
    p := recs_entered(asked, c.request_hash, actor, kind, target_id, 'to_account');
  ELSE
    p := recs_entered(asked, c.request_hash, actor, kind, source_id, 'from_account');
  END IF;
  IF p.done IS NOT NULL THEN
    RETURN p.done;
  ELSIF kind IS NULL OR kind NOT IN ('transfer', 'retire', 'reserve', 'export', 'receive') THEN
    PERFORM recs_refuse('unknown-kind', 'certificates move by transfer, retire, reserve, export or receive', 'kind', 'EO400');
  ELSIF kind = 'receive' THEN
    target := p.account;
    IF (SELECT organisation_id <> target.organisation_id FROM recs_account WHERE id = source_id) THEN
      PERFORM recs_refuse('unknown', 'there is nothing of this number that you may use', 'from_account', 'EO404');
    END IF;
    source := recs_open_account(source_id, 'from_account', target.organisation_id);
    p.second := p.second OR (source.kind = 'world' AND (recs_policy_of(target.organisation_id, 'issue')).second);  -- as if issued again
  ELSE
    source := p.account;
  END IF;
  batch := recs_asked_criteria(criteria);
  c.quantity := CASE WHEN ranges IS NULL THEN wanted ELSE recs_asked_ranges(ranges) END;
  IF c.quantity IS DISTINCT FROM coalesce(wanted, c.quantity) OR coalesce(c.quantity, 0) <= 0 OR (ranges IS NOT NULL AND criteria <> '{}') THEN
    PERFORM recs_refuse('quantity', 'a quantity is a whole number above zero; ranges say it themselves, without criteria', 'quantity', 'EO400');
  ELSIF kind = 'receive' AND ranges IS NULL THEN
    PERFORM recs_refuse('ranges-needed', 'say by their serial numbers what was received', 'ranges', 'EO400');
  ELSIF cents < 0 THEN
    PERFORM recs_refuse('amount', 'a price is not negative', 'price_usd', 'EO400');
  END IF;
  IF kind = 'export' THEN
    registry := coalesce(source.registry_id, criteria ->> 'registry', (
      SELECT b.registry_id FROM recs_batch b WHERE b.id = coalesce(criteria ->> 'batch_id', ranges -> 0 ->> 'batch_id')::bigint
        AND EXISTS (SELECT FROM recs_holding h WHERE h.batch_id = b.id AND h.account_id = source.id)));
    IF registry IS NULL AND ranges IS NOT NULL THEN
      PERFORM recs_refuse_range(source.id, (ranges -> 0 -> 'batch_id')::bigint, (ranges -> 0 -> 'serial_start')::bigint);
    ELSIF registry IS NULL AND batch IS NOT NULL THEN
      PERFORM recs_refuse('overdrawn', format('the account has 0 of the %s certificates asked for', c.quantity), 'quantity');
    ELSIF registry IS NULL THEN
      PERFORM recs_refuse('registry-needed', 'say of which registry certificates are exported', 'registry', 'EO400');
    ELSIF to_registry IS NULL THEN
      PERFORM recs_refuse('registry-needed', 'say into which registry certificates are exported', 'to_registry', 'EO400');
    ELSIF to_registry = registry THEN
      PERFORM recs_refuse('wrong-registry', 'an export leads into another registry', 'to_registry', 'EO400');
    END IF;
    PERFORM recs_asked_registry(to_registry, 'to_registry');
    target_id := recs_world(registry, source.sandbox);
    c.to_registry_id := to_registry;
  END IF;
  IF kind <> 'receive' THEN
    target := CASE WHEN coalesce(target_id, source_id) = source_id THEN source ELSE recs_open_account(target_id, 'to_account', source.organisation_id) END;
  END IF;
  c.kind := kind;
  c.organisation_id := CASE kind WHEN 'receive' THEN target.organisation_id ELSE source.organisation_id END;
  c.from_account_id := source.id;
  c.to_account_id := target.id;
  c.to_bucket := CASE kind WHEN 'retire' THEN 9 WHEN 'export' THEN 8 ELSE 1 END;
  c.price_cents := cents;
  c.made_by_id := actor;
  c.awaiting := recs_stages(kind, cents, source, target, p.second);
  c.self_approved := NOT p.second AND kind <> 'reserve';
  IF c.awaiting <> '{}' THEN
    c.counterparty_id := CASE WHEN 'acceptance' = ANY (c.awaiting) THEN target.organisation_id END;
    c.expires_at := CASE WHEN c.awaiting[1] IN ('approval', 'acceptance') THEN transaction_timestamp() + make_interval(days => p.days) END;
  END IF;
  IF kind = 'receive' AND source.kind = 'world' THEN
    PERFORM recs_refuse_foreign(target.organisation_id, source.id, ranges);
  END IF;
  IF locked THEN
    NULL;
  ELSIF ranges IS NULL THEN
    PERFORM recs_lock(source.id, ARRAY[batch]);
  ELSE
    PERFORM recs_lock(source.id, (SELECT array_agg(DISTINCT (x ->> 'batch_id')::bigint) FROM jsonb_array_elements(ranges) x));
  END IF;
  c.id := recs_written(c, context);
  IF kind = 'retire' THEN
    PERFORM recs_retired_for(c.id, purpose);
  END IF;
  IF c.awaiting = '{}' THEN
    account := c.to_account_id;
    into_bucket := c.to_bucket;
  ELSE
    account := source.id;
    into_bucket := 2;
  END IF;
  IF ranges IS NULL THEN
    PERFORM recs_take_quantity(c.id, source.id, c.quantity, criteria, account, into_bucket);
  ELSE
    PERFORM recs_take_ranges(c.id, source.id, ranges, account, into_bucket);
  END IF;
  IF c.awaiting <> '{}' AND target.registry_id IS NOT NULL THEN
    PERFORM recs_refuse('wrong-registry', format('account %s takes certificates of %s only', target.id, target.registry_id), 'to_account', 'EO400')
      FROM recs_entry e JOIN recs_batch b ON b.id = e.batch_id  -- now, and not when all have agreed
      WHERE e.command_id = c.id AND b.registry_id <> target.registry_id LIMIT 1;
  ELSIF c.awaiting = '{}' AND cents IS NOT NULL THEN
    PERFORM recs_settle(c.id, source, target, cents);
  END IF;
  PERFORM recs_tell(c, source.sandbox);
  RETURN c.id;
END $$;

-- Several in one transaction, all or nothing: [{"key", "kind", "from", "to", "quantity", "ranges", "criteria", "cents", "purpose",
-- "to_registry", "context"}]. The sources are locked first, ascending: two bulk commands never wait for each other crosswise.
CREATE FUNCTION recs_bulk(actor bigint, items jsonb) RETURNS bigint[] LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  k bigint;
  x jsonb;
  made bigint[] := '{}';
  state text;
  said text;
  rule text;
  field text;
BEGIN
  IF jsonb_typeof(items) IS DISTINCT FROM 'array' THEN
    PERFORM recs_refuse('malformed', 'several commands are a list', 'moves', 'EO400');
  ELSIF jsonb_array_length(items) > 10000 OR (SELECT count(DISTINCT i -> 'from') FROM jsonb_array_elements(items) i) > 500 THEN
    PERFORM recs_refuse('too-many', 'at most 10000 commands at once, out of at most 500 accounts', 'moves', 'EO400');
  ELSIF EXISTS (
    SELECT FROM jsonb_array_elements(items) i
    WHERE jsonb_typeof(i) <> 'object' OR coalesce(i ->> 'key', '') !~* '^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$' OR EXISTS (
      SELECT FROM unnest(ARRAY['from', 'to', 'quantity', 'cents']) name
      WHERE CASE WHEN i ->> name ~ '^-?[0-9]+$' THEN abs((i ->> name)::numeric) > 9223372036854775807 ELSE i ->> name IS NOT NULL END)) THEN
    PERFORM recs_refuse('malformed', 'each command has a key, and numbers that are whole', 'moves', 'EO400');
  END IF;
  PERFORM pg_advisory_xact_lock_shared(hashtextextended('recs.journal', 0));
  FOR k IN SELECT DISTINCT hashint8extended((i ->> 'from')::bigint, 7) FROM jsonb_array_elements(items) i ORDER BY 1 LOOP
    PERFORM pg_advisory_xact_lock(k);
  END LOOP;
  PERFORM recs_lock_books((SELECT array_agg(a.organisation_id) FROM jsonb_array_elements(items) i
                           JOIN recs_account a ON a.id = (i ->> 'from')::bigint WHERE i ->> 'cents' IS NOT NULL));
  FOR x IN SELECT i FROM jsonb_array_elements(items) i LOOP
    made := made || recs_moved(
      (x ->> 'key')::uuid, actor, x ->> 'kind', (x ->> 'from')::bigint, (x ->> 'to')::bigint, (x ->> 'quantity')::bigint,
      nullif(x -> 'ranges', 'null'), nullif(x -> 'criteria', 'null'), (x ->> 'cents')::bigint, nullif(x -> 'purpose', 'null'),
      x ->> 'to_registry', x -> 'context', true);
  END LOOP;
  RETURN made;
EXCEPTION WHEN OTHERS THEN  -- which of them it was
  GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, said = MESSAGE_TEXT, rule = CONSTRAINT_NAME, field = COLUMN_NAME;
  IF rule = '' OR x IS NULL THEN
    RAISE;
  END IF;
  RAISE EXCEPTION USING ERRCODE = state, MESSAGE = said, CONSTRAINT = rule,
    COLUMN = concat_ws('/', 'moves', cardinality(made), nullif(field, ''));
END $$;
