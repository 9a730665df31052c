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

-- The account on the other side; that one of somebody else is closed, or in an address book, is not told
CREATE FUNCTION recs_open_account(wanted bigint, field text, asker bigint) RETURNS recs_account LANGUAGE plpgsql STABLE AS $$
DECLARE
  a recs_account;
BEGIN
  SELECT * INTO a FROM recs_account WHERE id = wanted AND NOT (
    organisation_id IS DISTINCT FROM asker AND (closed_at IS NOT NULL OR kind = 'external') AND kind <> 'world');
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
-- Some batches: shared on the account, exclusive on account and batch. Not known yet, or many: exclusive on the account. The seed
-- of a batch's key is a hash itself: small ones are those of other kinds of locks.
CREATE FUNCTION recs_lock(account bigint, batches bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  k bigint;
BEGIN
  IF batches[1] IS NULL OR cardinality(batches) > 50 THEN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('recs.journal', 0)), pg_advisory_xact_lock(hashint8extended(account, 7));
  ELSIF cardinality(batches) = 1 THEN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('recs.journal', 0)), pg_advisory_xact_lock_shared(hashint8extended(account, 7)),
            pg_advisory_xact_lock(hashint8extended(batches[1], hashint8extended(account, 5)));
  ELSE
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('recs.journal', 0)), pg_advisory_xact_lock_shared(hashint8extended(account, 7));
    FOR k IN SELECT DISTINCT hashint8extended(b, hashint8extended(account, 5)) FROM unnest(batches) b ORDER BY 1 LOOP
      PERFORM pg_advisory_xact_lock(k);
    END LOOP;
  END IF;
END $$;
