-- The commands of the ledger: one call each, made by recs/ledger.py. They run with the rights of the tables' owner, so each says
-- who may do it. Refusals carry a rule (CONSTRAINT), a field (COLUMN) and as SQLSTATE `EO` and the HTTP status.
--
-- Order in each: replay -> who may -> advisory locks: the journal's, then the source's, ascending -> the command row (its key is
-- unique: the same key waits for the first) -> pieces, one holding at a time -> cash, under its organisations' locks -> COMMIT,
-- where the proofs run. Bulk takes the locks of all its sources first.

CREATE FUNCTION recs_refuse(rule text, said text, field text DEFAULT '', state text DEFAULT 'EO409') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = state, MESSAGE = said, CONSTRAINT = rule, COLUMN = field;
END $$;

-- --- what was asked: JSON that anybody may have written is looked at before it is cast ------------------------------------------
-- [{"batch_id": 1, "serial_start": 1, "serial_end": 10}], both ends included; how many certificates that is
CREATE FUNCTION recs_asked_ranges(ranges jsonb) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  t record;
BEGIN
  IF jsonb_typeof(ranges) <> 'array' THEN
    PERFORM recs_refuse('malformed', 'ranges are a list of batch_id, serial_start and serial_end', 'ranges', 'EO400');
  ELSIF jsonb_array_length(ranges) NOT BETWEEN 1 AND 10000 THEN
    PERFORM recs_refuse('too-many', 'one command takes 1 to 10000 ranges', 'ranges', 'EO400');
  ELSIF EXISTS (
    SELECT FROM jsonb_array_elements(ranges) x CROSS JOIN unnest(ARRAY['batch_id', 'serial_start', 'serial_end']) name
    WHERE jsonb_typeof(x -> name) IS DISTINCT FROM 'number' OR x ->> name !~ '^-?[0-9]+$') THEN
    PERFORM recs_refuse('malformed', 'a range has the whole numbers batch_id, serial_start and serial_end', 'ranges', 'EO400');
  END IF;
  -- the number after the last serial has to be a bigint too
  SELECT bool_or(batch < 1 OR first < 0 OR last < first) AS wrong, bool_or(greatest(batch, last) >= 9223372036854775807) AS large,
         bool_or(first <= before) AS twice, sum(last - first + 1) AS quantity INTO t
    FROM (SELECT batch, first, last, lag(last) OVER (PARTITION BY batch ORDER BY first) AS before
          FROM (SELECT (x -> 'batch_id')::numeric AS batch, (x -> 'serial_start')::numeric AS first, (x -> 'serial_end')::numeric AS last
                FROM jsonb_array_elements(ranges) x) n) r;
  IF t.wrong THEN
    PERFORM recs_refuse('quantity', 'a range goes from a serial number to one that is not before it', 'ranges', 'EO400');
  ELSIF t.large OR t.quantity > 9223372036854775807 THEN
    PERFORM recs_refuse('quantity-too-large', 'serial numbers are at most 9223372036854775806', 'ranges', 'EO400');
  ELSIF t.twice THEN
    PERFORM recs_refuse('ranges-overlap', 'a serial number is named twice', 'ranges', 'EO400');
  END IF;
  RETURN t.quantity;
END $$;

-- Returns the batch, where they name one
CREATE FUNCTION recs_asked_criteria(criteria jsonb) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
  t record;
BEGIN
  IF criteria IS NULL OR criteria = '{}' THEN
    RETURN NULL;
  ELSIF jsonb_typeof(criteria) <> 'object' THEN
    PERFORM recs_refuse('criteria', 'criteria are names with values', 'criteria', 'EO400');
  ELSIF jsonb_typeof(criteria -> 'batch_id') = 'number' AND criteria ->> 'batch_id' ~ '^[1-9][0-9]{0,17}$' AND criteria - 'batch_id' = '{}' THEN
    RETURN (criteria ->> 'batch_id')::bigint;
  END IF;
  FOR t IN SELECT key, value, jsonb_typeof(value) AS kind, value #>> '{}' AS said FROM jsonb_each(criteria) WHERE value <> 'null' LOOP
    IF (CASE
      WHEN t.key = 'batch_id' THEN CASE WHEN t.kind = 'number' AND t.said ~ '^[0-9]+$' THEN t.said::numeric BETWEEN 1 AND 9223372036854775807 END
      WHEN t.key IN ('registry', 'fuel_type', 'eligibility') THEN t.kind = 'string'
      WHEN t.key = 'state' THEN t.kind = 'string' AND t.said ~ '^[A-Z]{2}$'
      WHEN t.key IN ('vintage_from', 'vintage_to') THEN t.kind = 'string' AND t.said ~ '^[12][0-9]{3}-(0[1-9]|1[0-2])-01$'  -- a month
    END) IS NOT TRUE THEN
      PERFORM recs_refuse('criteria', format('no certificates are found by this: %s', left(format('%s %s', t.key, t.said), 80)), 'criteria', 'EO400');
    END IF;
  END LOOP;
  IF criteria ->> 'vintage_from' > criteria ->> 'vintage_to' THEN
    PERFORM recs_refuse('criteria', 'the first vintage comes after the last', 'vintage_from', 'EO400');
  ELSIF criteria ->> 'registry' IS NOT NULL THEN
    PERFORM recs_asked_registry(criteria ->> 'registry', 'registry');
  END IF;
  RETURN (criteria ->> 'batch_id')::bigint;
END $$;

CREATE FUNCTION recs_asked_registry(asked text, field text) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM recs_registry WHERE code = asked AND kept_in_id IS NULL) THEN
    PERFORM recs_refuse('unknown-registry', 'there is no registry of this name that keeps certificates', field, 'EO400');
  END IF;
END $$;

CREATE FUNCTION recs_asked_text(said text, longest integer, field text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF length(said) > longest THEN
    PERFORM recs_refuse('too-long', format('this has at most %s characters', longest), field, 'EO400');
  END IF;
  RETURN coalesce(said, '');
END $$;

-- --- who may ----------------------------------------------------------------------------------------------------------------
-- What is not the actor's is not there: a foreign account is as unknown as one that does not exist.
CREATE FUNCTION recs_may(held text, action text, field text) RETURNS void LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF held IS NULL THEN
    PERFORM recs_refuse('unknown', 'there is nothing of this number that you may use', field, 'EO404');
  ELSIF held = 'viewer' OR (action = 'retire' AND held = 'trader') THEN
    PERFORM recs_refuse('role-too-small', format('a %s may not %s', replace(held, '_', ' '), action), '', 'EO403');
  END IF;
END $$;

CREATE FUNCTION recs_authorise(actor bigint, owner bigint, action text, field text) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM recs_may((SELECT m.role FROM organisations_membership m JOIN organisations_user u ON u.id = m.user_id
                    WHERE m.user_id = actor AND m.organisation_id = owner AND u.is_active), action, field);
END $$;

-- Whether the organisation wants a second person for this, and for how many days an offer stays open
CREATE FUNCTION recs_policy_of(owner bigint, action text, OUT second boolean, OUT days integer) LANGUAGE plpgsql STABLE AS $$
BEGIN
  SELECT action = ANY (four_eyes), offer_days INTO second, days FROM recs_policy WHERE organisation_id = owner;
  IF NOT FOUND THEN
    second := action IN ('issue', 'receive', 'transfer', 'retire', 'export', 'import', 'reverse', 'confirm');
    days := 14;
  END IF;
END $$;

-- The account on the other side
CREATE FUNCTION recs_open_account(wanted bigint, field text) RETURNS recs_account LANGUAGE plpgsql STABLE AS $$
DECLARE
  a recs_account;
BEGIN
  SELECT * INTO a FROM recs_account WHERE id = wanted;
  IF NOT FOUND THEN
    PERFORM recs_refuse('unknown', 'there is nothing of this number that you may use', field, 'EO404');
  ELSIF a.closed_at IS NOT NULL THEN
    PERFORM recs_refuse('account-closed', format('account %s is closed', a.id), field);
  END IF;
  RETURN a;
END $$;

-- --- the command row ----------------------------------------------------------------------------------------------------------
CREATE FUNCTION recs_replayed(asked uuid, hash bytea) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
  found_id bigint;
  found_hash bytea;
BEGIN
  IF asked IS NULL THEN
    PERFORM recs_refuse('key-needed', 'choose a key, and send it again with each repetition', 'key', 'EO400');
  END IF;
  SELECT id, request_hash INTO found_id, found_hash FROM recs_command WHERE key = asked;
  IF found_hash <> hash THEN
    PERFORM recs_refuse('key-reused', 'this key was used for another command; choose a new one', 'key', 'EO422');
  END IF;
  RETURN found_id;
END $$;

-- What issues and moves begin with, in one look: the command that was made with this key already (then nothing else), the account
-- of whoever acts, that the actor may, and whether this needs a second person.
CREATE FUNCTION recs_entered(asked uuid, hash bytea, actor bigint, action text, wanted bigint, field text,
                             OUT done bigint, OUT account recs_account, OUT second boolean, OUT days integer) LANGUAGE plpgsql STABLE AS $$
DECLARE
  t record;
BEGIN
  SELECT a, c.id AS done, m.role, p.four_eyes, p.offer_days INTO t
    FROM (SELECT) once LEFT JOIN recs_command c ON c.key = asked LEFT JOIN recs_account a ON a.id = wanted
    LEFT JOIN organisations_user u ON u.id = actor AND u.is_active
    LEFT JOIN organisations_membership m ON m.user_id = u.id AND m.organisation_id = a.organisation_id
    LEFT JOIN recs_policy p ON p.organisation_id = a.organisation_id;
  IF t.done IS NOT NULL OR asked IS NULL THEN
    done := recs_replayed(asked, hash);
    RETURN;
  END IF;
  account := t.a;
  IF t.role IS NULL OR t.role IN ('viewer', 'trader') THEN
    PERFORM recs_may(t.role, action, field);
  END IF;
  IF account.closed_at IS NOT NULL THEN
    PERFORM recs_refuse('account-closed', format('account %s is closed', account.id), field);
  END IF;
  second := coalesce(action = ANY (t.four_eyes), action IN ('issue', 'receive', 'transfer', 'retire', 'export', 'import', 'reverse', 'confirm'));
  days := coalesce(t.offer_days, 14);
END $$;

-- Writes the row that was filled in. Where somebody is writing one with the same key, it waits, and then breaks command_key_once:
-- recs/ledger.py asks again, and gets what the other did.
CREATE FUNCTION recs_written(c recs_command, context jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO recs_command (
    id, key, request_hash, kind, organisation_id, counterparty_id, from_account_id, to_account_id, to_bucket, quantity, awaiting, root_id,
    resolves_id, reverses_id, export_id, to_registry_id, price_cents, reason, reference, reference_date, expires_at, self_approved, made_by_id,
    request_id, api_key, created_at, hash
  ) VALUES (
    nextval('recs_command_id_seq'), c.key, c.request_hash, c.kind, c.organisation_id, c.counterparty_id, c.from_account_id, c.to_account_id,
    c.to_bucket, c.quantity, coalesce(c.awaiting, '{}'), c.root_id, c.resolves_id, c.reverses_id, c.export_id, c.to_registry_id,
    c.price_cents, CASE WHEN context ->> 'reason' <> '' THEN recs_asked_text(context ->> 'reason', 200, 'reason') ELSE '' END,
    coalesce(c.reference, ''), c.reference_date, c.expires_at, coalesce(c.self_approved, false), c.made_by_id,
    left(coalesce(context ->> 'request_id', ''), 80), left(coalesce(context ->> 'api_key', ''), 8), transaction_timestamp(), ''
  ) RETURNING id INTO c.id;
  RETURN c.id;
END $$;

CREATE FUNCTION recs_tell(c recs_command, sandbox boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO events_event (topic, sandbox, payload, created_at) VALUES (
    'recs.command.' || c.kind, sandbox,
    jsonb_build_object('command', c.id, 'root', coalesce(c.root_id, c.id), 'organisation', c.organisation_id,
                       'counterparty', c.counterparty_id, 'quantity', c.quantity, 'awaiting', to_jsonb(coalesce(c.awaiting, '{}'))),
    transaction_timestamp());
END $$;

-- --- locks: only the source's, so that two who pay each other never wait for each other ---------------------------------------------
-- Some batches: shared on the account, exclusive on account and batch. Not known yet, or many: exclusive on the account.
CREATE FUNCTION recs_lock(account bigint, batches bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  k bigint;
BEGIN
  IF batches[1] IS NULL OR cardinality(batches) > 50 THEN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('recs.journal', 0)), pg_advisory_xact_lock(hashint8extended(account, 7));
  ELSIF cardinality(batches) = 1 THEN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('recs.journal', 0)), pg_advisory_xact_lock_shared(hashint8extended(account, 7)),
            pg_advisory_xact_lock(hashint8extended(batches[1], account));
  ELSE
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('recs.journal', 0)), pg_advisory_xact_lock_shared(hashint8extended(account, 7));
    FOR k IN SELECT DISTINCT hashint8extended(b, account) FROM unnest(batches) b ORDER BY 1 LOOP
      PERFORM pg_advisory_xact_lock(k);
    END LOOP;
  END IF;
END $$;

-- --- moving -------------------------------------------------------------------------------------------------------------------------
-- The remainder keeps its row. What is moved was read without a lock of its own, under those of recs_lock, and is compared again.
CREATE FUNCTION recs_piece(command bigint, h recs_holding, piece int8range, account bigint, into_bucket smallint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  e bigint;
  rest int8range;
BEGIN
  INSERT INTO recs_entry (command_id, batch_id, serials, from_account_id, from_bucket, to_account_id, to_bucket, prev_id, hash)
    VALUES (command, h.batch_id, piece, h.account_id, h.bucket, account, into_bucket, h.entry_id, '') RETURNING id INTO e;
  IF piece = h.serials THEN
    UPDATE recs_holding SET account_id = account, bucket = into_bucket, entry_id = e
      WHERE id = h.id AND serials = h.serials AND entry_id = h.entry_id;
  ELSE
    rest := CASE WHEN upper(piece) < upper(h.serials) THEN int8range(upper(piece), upper(h.serials)) ELSE h.serials - piece END;
    UPDATE recs_holding SET serials = rest WHERE id = h.id AND serials = h.serials AND entry_id = h.entry_id;
  END IF;
  IF NOT FOUND THEN  -- whoever holds our locks changes it one at a time: this was somebody else
    RAISE EXCEPTION 'holding % has just changed', h.id USING ERRCODE = 'serialization_failure';
  ELSIF piece = h.serials THEN
    RETURN;
  ELSIF lower(piece) > lower(h.serials) AND upper(piece) < upper(h.serials) THEN
    INSERT INTO recs_holding (batch_id, serials, account_id, bucket, entry_id)
      VALUES (h.batch_id, int8range(lower(h.serials), lower(piece)), h.account_id, h.bucket, h.entry_id);
  END IF;
  INSERT INTO recs_holding (batch_id, serials, account_id, bucket, entry_id) VALUES (h.batch_id, piece, account, into_bucket, e);
END $$;

-- The batches of which an account holds active certificates, oldest vintage first. The index is skipped through, batch by batch.
CREATE FUNCTION recs_batches(account bigint, criteria jsonb) RETURNS bigint[] LANGUAGE sql STABLE AS $$
  WITH RECURSIVE held AS (
    (SELECT batch_id FROM recs_holding WHERE account_id = account AND bucket = 1 ORDER BY batch_id LIMIT 1)
    UNION ALL
    SELECT (SELECT n.batch_id FROM recs_holding n WHERE n.account_id = account AND n.batch_id > held.batch_id AND n.bucket = 1
            ORDER BY n.batch_id LIMIT 1)
    FROM held WHERE held.batch_id IS NOT NULL
  )
  SELECT array_agg(b.id ORDER BY b.vintage, b.id) FROM held JOIN recs_batch b ON b.id = held.batch_id
  WHERE (criteria ->> 'batch_id' IS NULL OR b.id = (criteria ->> 'batch_id')::bigint)
    AND (criteria ->> 'registry' IS NULL OR b.registry_id = criteria ->> 'registry')
    AND (criteria ->> 'fuel_type' IS NULL OR b.fuel = criteria ->> 'fuel_type')
    AND (criteria ->> 'state' IS NULL OR b.state = criteria ->> 'state')
    AND (criteria ->> 'vintage_from' IS NULL OR b.vintage >= (criteria ->> 'vintage_from')::date)
    AND (criteria ->> 'vintage_to' IS NULL OR b.vintage <= (criteria ->> 'vintage_to')::date)
    AND (criteria ->> 'eligibility' IS NULL OR EXISTS (
      SELECT FROM recs_eligibility y WHERE y.generator_id = b.generator_id AND y.programme = criteria ->> 'eligibility'
        AND y.valid @> b.vintage))
$$;

-- By quantity: first in, first out over vintages; inside a batch the smallest holding that is enough, else the largest.
CREATE FUNCTION recs_take_quantity(command bigint, source bigint, wanted bigint, criteria jsonb, account bigint, into_bucket smallint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  one bigint := (criteria ->> 'batch_id')::bigint;
  batch bigint;
  h recs_holding;
  missing bigint := wanted;
  piece int8range;
BEGIN
  FOREACH batch IN ARRAY coalesce(
    CASE WHEN one IS NOT NULL AND criteria - 'batch_id' = '{}' THEN ARRAY[one] ELSE recs_batches(source, criteria) END, '{}') LOOP
    WHILE missing > 0 LOOP
      SELECT * INTO h FROM recs_holding WHERE account_id = source AND batch_id = batch AND bucket = 1 AND quantity >= missing
        ORDER BY quantity LIMIT 1;
      IF NOT FOUND THEN
        SELECT * INTO h FROM recs_holding WHERE account_id = source AND batch_id = batch AND bucket = 1
          ORDER BY quantity DESC LIMIT 1;
        EXIT WHEN NOT FOUND;
      END IF;
      piece := int8range(lower(h.serials), lower(h.serials) + least(h.quantity, missing));
      PERFORM recs_piece(command, h, piece, account, into_bucket);
      missing := missing - (upper(piece) - lower(piece));
    END LOOP;
    EXIT WHEN missing = 0;
  END LOOP;
  IF missing > 0 THEN
    PERFORM recs_refuse('overdrawn', format('the account has %s of the %s certificates asked for', wanted - missing, wanted), 'quantity');
  END IF;
END $$;

-- By serial numbers
CREATE FUNCTION recs_take_ranges(command bigint, source bigint, ranges jsonb, account bigint, into_bucket smallint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  r record;
  h recs_holding;
  next_serial bigint;
BEGIN
  FOR r IN SELECT (x ->> 'batch_id')::bigint AS batch, (x ->> 'serial_start')::bigint AS first, (x ->> 'serial_end')::bigint AS last
           FROM jsonb_array_elements(ranges) x ORDER BY 1, 2 LOOP
    next_serial := r.first;
    WHILE next_serial <= r.last LOOP
      SELECT * INTO h FROM recs_holding WHERE batch_id = r.batch AND serials && int8range(next_serial, next_serial + 1)
        AND account_id = source AND bucket = 1;
      IF NOT FOUND THEN
        PERFORM recs_refuse_range(source, r.batch, next_serial);
      END IF;
      PERFORM recs_piece(command, h, h.serials * int8range(next_serial, r.last + 1), account, into_bucket);
      next_serial := upper(h.serials);
    END LOOP;
  END LOOP;
END $$;

-- Why a serial cannot be taken; where somebody else has it, nothing is told of them
CREATE FUNCTION recs_refuse_range(source bigint, batch bigint, serial bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  there smallint;
BEGIN
  SELECT bucket INTO there FROM recs_holding
    WHERE batch_id = batch AND serials && int8range(serial, serial + 1) AND account_id = source;
  IF there = 9 THEN
    PERFORM recs_refuse('range-retired', format('serial %s of batch %s is retired: it never moves again', serial, batch), 'ranges');
  ELSIF there = 8 THEN
    PERFORM recs_refuse('range-exported', format('serial %s of batch %s was exported into another registry', serial, batch), 'ranges');
  ELSIF there = 2 THEN
    PERFORM recs_refuse('range-held', format('serial %s of batch %s is held for another command', serial, batch), 'ranges');
  END IF;
  PERFORM recs_refuse('range-not-owned', format('serial %s of batch %s is not in this account', serial, batch), 'ranges');
END $$;

-- --- cash ------------------------------------------------------------------------------------------------------------------------------
-- The books of organisations are written by one command at a time. Locked ascending, before any line of them: two who trade with
-- each other never wait crosswise.
CREATE FUNCTION recs_lock_books(organisations bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  o bigint;
BEGIN
  FOR o IN SELECT DISTINCT x FROM unnest(organisations) x WHERE x IS NOT NULL ORDER BY 1 LOOP
    PERFORM pg_advisory_xact_lock(hashint8extended(o, 11));
  END LOOP;
END $$;

-- Each organisation's own legs sum to zero: what it is owed (or owes) against what it sold (or bought).
CREATE FUNCTION recs_legs(command bigint, owner bigint, party bigint, outside bigint, against text, amount bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO recs_cashaccount (organisation_id, kind, counterparty_id, external_id, balance_cents, credit_limit_cents)
    VALUES (owner, 'party', party, outside, 0, 0), (owner, against, NULL, NULL, 0, 0) ON CONFLICT DO NOTHING;
  INSERT INTO recs_cashentry (command_id, account_id, amount_cents, hash)
    SELECT command, id, CASE kind WHEN 'party' THEN amount ELSE -amount END, '' FROM recs_cashaccount
    WHERE organisation_id = owner AND (kind = against OR (kind = 'party' AND counterparty_id IS NOT DISTINCT FROM party
                                                          AND external_id IS NOT DISTINCT FROM outside))
    ORDER BY id;
END $$;

-- What the buyer owes the seller for a posted transfer; a reversal passes the negative
CREATE FUNCTION recs_settle(command bigint, seller recs_account, buyer recs_account, cents bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  sells boolean := seller.kind NOT IN ('external', 'world');
  buys boolean := buyer.kind NOT IN ('external', 'world');
BEGIN
  IF coalesce(cents, 0) = 0 THEN
    RETURN;
  END IF;
  PERFORM recs_lock_books(ARRAY[CASE WHEN sells THEN seller.organisation_id END, CASE WHEN buys THEN buyer.organisation_id END]);
  IF sells THEN
    PERFORM recs_legs(command, seller.organisation_id, CASE WHEN buys THEN buyer.organisation_id END,
                      CASE WHEN NOT buys THEN buyer.id END, 'trading', cents);
  END IF;
  IF buys THEN
    PERFORM recs_legs(command, buyer.organisation_id, CASE WHEN sells THEN seller.organisation_id END,
                      CASE WHEN NOT sells THEN seller.id END, 'trading', -cents);
  END IF;
END $$;

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
  IF source.sandbox <> target.sandbox THEN
    PERFORM recs_refuse('sandbox-with-real', 'the sandbox and the real world never meet in one command', 'to_account', 'EO400');
  ELSIF target.kind = 'external' AND target.organisation_id <> source.organisation_id THEN  -- in somebody else's address book
    PERFORM recs_refuse('unknown', 'there is nothing of this number that you may use', 'to_account', 'EO404');
  ELSIF kind = 'reserve' AND source.id <> target.id THEN
    PERFORM recs_refuse('wrong-account', 'what is reserved stays in its account', 'to_account', 'EO400');
  ELSIF kind = 'transfer' AND source.id = target.id THEN
    PERFORM recs_refuse('transfer-to-itself', 'a transfer needs two accounts', 'to_account', 'EO400');
  ELSIF kind <> 'receive' AND source.kind IN ('external', 'world', 'retirement') THEN
    PERFORM recs_refuse('wrong-account', format('nothing leaves account %s so', source.id), 'from_account', 'EO400');
  ELSIF kind = 'retire' AND (target.organisation_id IS DISTINCT FROM source.organisation_id OR outside) THEN
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
    source := recs_open_account(source_id, 'from_account');
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
      SELECT b.registry_id FROM recs_batch b WHERE b.id = coalesce(criteria ->> 'batch_id', ranges -> 0 ->> 'batch_id')::bigint));
    IF registry IS NULL THEN
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
    target := CASE WHEN coalesce(target_id, source_id) = source_id THEN source ELSE recs_open_account(target_id, 'to_account') END;
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
  IF ranges IS NULL THEN
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
    made := made || recs_move(
      (x ->> 'key')::uuid, actor, x ->> 'kind', (x ->> 'from')::bigint, (x ->> 'to')::bigint, (x ->> 'quantity')::bigint,
      nullif(x -> 'ranges', 'null'), nullif(x -> 'criteria', 'null'), (x ->> 'cents')::bigint, nullif(x -> 'purpose', 'null'),
      x ->> 'to_registry', x -> 'context');
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
  IF actor IS NOT NULL AND NOT EXISTS (SELECT FROM organisations_membership
                                       WHERE user_id = actor AND organisation_id IN (root.organisation_id, root.counterparty_id)) THEN
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
  IF holder.registry_account <> '' AND root.kind = 'transfer' THEN
    c.awaiting := c.awaiting || 'registry'::varchar;
  END IF;
  PERFORM pg_advisory_xact_lock_shared(hashtextextended('recs.journal', 0));
  PERFORM recs_lock(holder.id, NULL);
  c.id := recs_written(c, context);
  IF EXISTS (SELECT FROM recs_command v WHERE v.reverses_id = root.id AND v.awaiting = '{}' AND v.id <> c.id) THEN
    PERFORM recs_refuse('not-reversible', format('command %s was reversed already', root.id));
  END IF;
  SELECT coalesce(sum(upper(h.serials * e.serials) - lower(h.serials * e.serials)), 0) INTO left_there
    FROM recs_entry e JOIN recs_holding h ON h.batch_id = e.batch_id AND h.serials && e.serials
    WHERE e.command_id = posted.id AND h.account_id = holder.id AND h.bucket = 1;
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
