-- What must never happen to certificates is refused here, whoever asks. Each rule has a name, which its tests attack.
-- Functions that look tables up for a caller who is not their owner, or at COMMIT, have the owner's rights and a search path of
-- their own: a row policy of the caller, or a temporary table of the same name, would show them something else.

-- --- append-only ------------------------------------------------------------------------------------------------------
CREATE FUNCTION recs_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% on % is refused: it is append-only', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only', TABLE = TG_TABLE_NAME;
END $$;

DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['recs_command', 'recs_entry', 'recs_retirement', 'recs_cashentry', 'recs_seal'] LOOP
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION recs_append_only()', t);
    EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION recs_append_only()', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['recs_holding', 'recs_cashaccount', 'recs_batch', 'recs_generationread', 'recs_account'] LOOP
    EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION recs_append_only()', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['recs_holding', 'recs_cashaccount', 'recs_account'] LOOP
    EXECUTE format('CREATE TRIGGER never_deleted BEFORE DELETE ON %I FOR EACH ROW EXECUTE FUNCTION recs_append_only()', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['registry', 'account', 'policy', 'generator', 'registration', 'eligibility', 'batch', 'generationread'] LOOP
    EXECUTE format('CREATE TRIGGER history_is_append_only BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION recs_append_only()',
                   'recs_historical' || t);
    EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION recs_append_only()',
                   'recs_historical' || t);
  END LOOP;
END $$;

-- Whoever waited for a lock has to see what was committed meanwhile: with a snapshot from before, no rule below holds.
CREATE FUNCTION recs_sees_commits() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    RAISE EXCEPTION 'the ledger is written with READ COMMITTED, not %', upper(current_setting('transaction_isolation'))
      USING ERRCODE = 'check_violation', CONSTRAINT = 'transaction_sees_commits';
  END IF;
END $$;

CREATE FUNCTION recs_broken(rule text, said text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = said, CONSTRAINT = rule;
END $$;

-- --- hashes: made here and nowhere else; recs/proof/verify_pack.py computes the same from a pack --------------------------
CREATE FUNCTION recs_entry_hash(before bytea, e recs_entry) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
  sha256(coalesce(before, ''::bytea) || int8send(e.id) || int8send(e.command_id) || int8send(e.batch_id)
    || int8send(lower(e.serials)) || int8send(upper(e.serials))
    || int8send(coalesce(e.from_account_id, 0)) || int2send(coalesce(e.from_bucket, 0::smallint))
    || int8send(e.to_account_id) || int2send(e.to_bucket) || int8send(coalesce(e.prev_id, 0)));

-- The text of a JSON array, as Python's json.dumps(..., ensure_ascii=False) writes it
CREATE FUNCTION recs_command_hash(c recs_command) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE RETURN
  sha256(convert_to(jsonb_build_array(
    c.id, c.key, encode(c.request_hash, 'hex'), c.kind, c.organisation_id, c.counterparty_id, c.from_account_id, c.to_account_id,
    c.to_bucket, c.quantity, array_to_string(c.awaiting, ','), c.root_id, c.resolves_id, c.reverses_id, c.export_id, c.to_registry_id,
    c.price_cents, c.reason, c.reference, to_char(c.reference_date, 'YYYY-MM-DD'),
    to_char(c.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), c.self_approved, c.made_by_id, c.request_id, c.api_key,
    to_char(c.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text, 'UTF8'));

CREATE FUNCTION recs_retirement_hash(r recs_retirement) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE RETURN
  sha256(convert_to(jsonb_build_array(
    r.command_id, r.programme, r.state, r.compliance_year, r.tier, r.beneficiary, r.reason)::text, 'UTF8'));

CREATE FUNCTION recs_cashentry_hash(x recs_cashentry) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE RETURN
  sha256(convert_to(jsonb_build_array(x.id, x.command_id, x.account_id, x.amount_cents)::text, 'UTF8'));

CREATE FUNCTION recs_command_hashed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.created_at := transaction_timestamp();  -- by which its entries know that they come with it
  NEW.hash := recs_command_hash(NEW);
  RETURN NEW;
END $$;
CREATE TRIGGER hashed BEFORE INSERT ON recs_command FOR EACH ROW EXECUTE FUNCTION recs_command_hashed();

-- Nothing is added to a command that was proved before: when it was committed, or by SET CONSTRAINTS in this transaction. Its proof
-- locks the command's row: that shows in xmax until the transaction ends, whatever settings and savepoints its caller puts back.
CREATE FUNCTION recs_is_over(created_at timestamptz, locked xid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT created_at IS DISTINCT FROM transaction_timestamp() OR locked IS DISTINCT FROM '0'::xid
$$;

CREATE FUNCTION recs_same_transaction(command bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  c record;
BEGIN
  SELECT created_at, xmax AS locked INTO c FROM recs_command WHERE id = command;
  IF recs_is_over(c.created_at, c.locked) THEN
    PERFORM recs_broken('command_is_over', format('command %s is over', command));
  END IF;
END $$;

CREATE FUNCTION recs_retirement_hashed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM recs_same_transaction(NEW.command_id);
  IF NOT EXISTS (SELECT FROM recs_command WHERE id = NEW.command_id AND kind = 'retire') THEN
    RAISE EXCEPTION 'command % retires nothing', NEW.command_id USING ERRCODE = 'check_violation', CONSTRAINT = 'retired_for_a_purpose';
  END IF;
  NEW.hash := recs_retirement_hash(NEW);
  RETURN NEW;
END $$;
CREATE TRIGGER hashed BEFORE INSERT ON recs_retirement FOR EACH ROW EXECUTE FUNCTION recs_retirement_hashed();

-- The balance is moved by the entry itself, and by nothing else. Each of its numbers is drawn after the books were locked
-- (recs_lock_books): those of one account ascend.
CREATE FUNCTION recs_cashentry_hashed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM recs_same_transaction(NEW.command_id);
  UPDATE recs_cashaccount SET balance_cents = balance_cents + NEW.amount_cents, last_entry = NEW.id WHERE id = NEW.account_id;
  NEW.hash := recs_cashentry_hash(NEW);
  RETURN NEW;
END $$;
CREATE TRIGGER hashed BEFORE INSERT ON recs_cashentry FOR EACH ROW EXECUTE FUNCTION recs_cashentry_hashed();

CREATE FUNCTION recs_cash_balance_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (CASE TG_OP
      WHEN 'INSERT' THEN NEW.balance_cents <> 0 OR NEW.last_entry IS NOT NULL
      WHEN 'UPDATE' THEN (NEW.id, NEW.organisation_id, NEW.kind, NEW.counterparty_id, NEW.external_id)
          IS DISTINCT FROM (OLD.id, OLD.organisation_id, OLD.kind, OLD.counterparty_id, OLD.external_id)
        OR ((NEW.balance_cents, NEW.last_entry) IS DISTINCT FROM (OLD.balance_cents, OLD.last_entry)
            AND NOT coalesce(NEW.last_entry > coalesce(OLD.last_entry, 0), false)) END) THEN
    RAISE EXCEPTION 'a balance moves only by an entry' USING ERRCODE = 'check_violation', CONSTRAINT = 'cash_balance_follows_entries';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER balance_guard BEFORE INSERT OR UPDATE ON recs_cashaccount FOR EACH ROW EXECUTE FUNCTION recs_cash_balance_guard();
