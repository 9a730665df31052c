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
  FOREACH t IN ARRAY ARRAY['recs_holding', 'recs_cashaccount', 'recs_batch', 'recs_account'] LOOP
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

-- Nothing is added to a command that was proved before: when it was committed, or by SET CONSTRAINTS in this transaction.
CREATE FUNCTION recs_is_over(command bigint, created_at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT created_at IS DISTINCT FROM transaction_timestamp() OR coalesce(command <= nullif(current_setting('recs.proved', true), '')::bigint, false)
$$;

CREATE FUNCTION recs_same_transaction(command bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF recs_is_over(command, (SELECT c.created_at FROM recs_command c WHERE c.id = command)) THEN
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

-- The balance is moved by the entry itself, and by nothing else
CREATE FUNCTION recs_cashentry_hashed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM recs_same_transaction(NEW.command_id);
  UPDATE recs_cashaccount SET balance_cents = balance_cents + NEW.amount_cents WHERE id = NEW.account_id;
  NEW.hash := recs_cashentry_hash(NEW);
  RETURN NEW;
END $$;
CREATE TRIGGER hashed BEFORE INSERT ON recs_cashentry FOR EACH ROW EXECUTE FUNCTION recs_cashentry_hashed();

CREATE FUNCTION recs_cash_balance_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (TG_OP = 'INSERT' AND NEW.balance_cents <> 0)
     OR (TG_OP = 'UPDATE' AND NEW.balance_cents <> OLD.balance_cents AND pg_trigger_depth() < 2)
     OR (TG_OP = 'UPDATE' AND (NEW.id, NEW.organisation_id, NEW.kind, NEW.counterparty_id, NEW.external_id)
           IS DISTINCT FROM (OLD.id, OLD.organisation_id, OLD.kind, OLD.counterparty_id, OLD.external_id)) THEN
    RAISE EXCEPTION 'a balance moves only by an entry' USING ERRCODE = 'check_violation', CONSTRAINT = 'cash_balance_follows_entries';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER balance_guard BEFORE INSERT OR UPDATE ON recs_cashaccount FOR EACH ROW EXECUTE FUNCTION recs_cash_balance_guard();

-- --- what a row of the journal says of itself -------------------------------------------------------------------------------
-- Rules that CHECK constraints and foreign keys could state as well. PostgreSQL reads and plans the text of each CHECK anew for
-- every statement (80 µs for all of a command's), and a foreign key locks a row that all commands name; here they take 10 µs.
CREATE FUNCTION recs_command_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  cash boolean := NEW.kind IN ('pay', 'credit');
  resolves boolean := NEW.kind IN ('approve', 'accept', 'confirm', 'release', 'reject', 'cancel', 'expire', 'refuse');
  broken text := CASE
    WHEN NOT (cash OR resolves OR NEW.kind IN ('issue', 'import', 'receive', 'transfer', 'export', 'retire', 'reserve', 'reverse'))
      THEN 'command_kind_known'
    WHEN resolves <> (NEW.root_id IS NOT NULL) OR resolves <> (NEW.resolves_id IS NOT NULL) THEN 'command_resolver_resolves'
    WHEN cash AND (NEW.quantity <> 0 OR NEW.to_account_id IS NOT NULL) THEN 'command_moves_certificates_or_cash'
    WHEN NOT cash AND (NEW.quantity <= 0 OR NEW.to_account_id IS NULL OR NEW.to_bucket IS NULL) THEN 'command_moves_certificates_or_cash'
    WHEN CASE
        WHEN cash THEN NEW.to_bucket IS NULL
        WHEN NEW.kind = 'retire' THEN NEW.to_bucket = 9
        WHEN NEW.kind = 'export' THEN NEW.to_bucket = 8
        WHEN NEW.kind IN ('approve', 'confirm') THEN NEW.to_bucket IN (1, 8, 9)
        ELSE NEW.to_bucket = 1 END IS NOT TRUE THEN 'command_bucket_suits_kind'
    WHEN NEW.kind = 'reverse' AND NEW.reverses_id IS NULL THEN 'command_reverse_names_what'
    WHEN NEW.kind = 'export' AND NEW.to_registry_id IS NULL THEN 'command_export_names_registry'
    WHEN NEW.kind = 'import' AND NEW.export_id IS NULL THEN 'command_import_names_export'
    WHEN NEW.kind = 'transfer' AND NEW.from_account_id = NEW.to_account_id THEN 'command_not_to_itself'
    WHEN NEW.kind = 'confirm' AND (NEW.reference = '' OR NEW.reference_date IS NULL) THEN 'command_confirmed_with_number'
    WHEN NEW.kind <> 'expire' AND NEW.made_by_id IS NULL THEN 'command_made_by_somebody'
    WHEN NEW.price_cents < 0 THEN 'command_price_not_negative'
    WHEN NOT NEW.awaiting <@ ARRAY['approval', 'acceptance', 'registry', 'release']::varchar[] THEN 'command_stages_known'
  END;
BEGIN
  IF broken IS NOT NULL THEN
    PERFORM recs_broken(broken, format('the command is refused: %s', broken));
  END IF;
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    PERFORM recs_sees_commits();
  END IF;
  -- Whoever seals the journal takes this lock alone, and waits until no command is under way: then every number below is settled.
  -- Whoever deletes a person or an organisation does likewise; journal and accounts stay for good: so what it names stays.
  PERFORM pg_advisory_xact_lock_shared(hashtextextended('recs.journal', 0));
  IF NOT EXISTS (SELECT FROM organisations_organisation WHERE id = NEW.organisation_id)
     OR (NEW.made_by_id IS NOT NULL AND NOT EXISTS (SELECT FROM organisations_user WHERE id = NEW.made_by_id))
     OR (NEW.from_account_id IS NOT NULL AND NOT EXISTS (SELECT FROM recs_account WHERE id = NEW.from_account_id))
     OR (NEW.to_account_id IS NOT NULL AND NOT EXISTS (SELECT FROM recs_account WHERE id = NEW.to_account_id))
     OR (NEW.counterparty_id IS NOT NULL AND NOT EXISTS (SELECT FROM organisations_organisation WHERE id = NEW.counterparty_id)) THEN
    RAISE EXCEPTION 'the command names what is not there' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'command_names_what_is_there';
  ELSIF resolves OR NEW.reverses_id IS NOT NULL OR NEW.export_id IS NOT NULL OR NEW.to_registry_id IS NOT NULL THEN
    IF NEW.to_registry_id IS NOT NULL AND NOT EXISTS (  -- its world refers to it for good
      SELECT FROM recs_account WHERE registry_id = NEW.to_registry_id AND kind = 'world') THEN
      RAISE EXCEPTION 'there is no registry %', NEW.to_registry_id
        USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'command_names_what_is_there';
    ELSIF EXISTS (SELECT FROM unnest(ARRAY[NEW.root_id, NEW.resolves_id, NEW.reverses_id, NEW.export_id]) named
               WHERE named IS NOT NULL AND NOT EXISTS (SELECT FROM recs_command c WHERE c.id = named)) THEN
      RAISE EXCEPTION 'the command names a command that is not there'
        USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'command_names_what_is_there';
    END IF;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER command_guard BEFORE INSERT ON recs_command FOR EACH ROW EXECUTE FUNCTION recs_command_guard();

CREATE FUNCTION recs_named_stays() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.id = OLD.id THEN
    RETURN NEW;
  END IF;
  PERFORM recs_sees_commits();
  PERFORM pg_advisory_xact_lock(hashtextextended('recs.journal', 0));
  IF (CASE TG_TABLE_NAME
      WHEN 'organisations_user' THEN EXISTS (SELECT FROM recs_command WHERE made_by_id = OLD.id)
      ELSE EXISTS (SELECT FROM recs_command WHERE organisation_id = OLD.id) OR EXISTS (SELECT FROM recs_command WHERE counterparty_id = OLD.id)
    END) THEN
    RAISE EXCEPTION 'commands of the ledger name % of %', OLD.id, TG_TABLE_NAME
      USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'command_names_what_is_there';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER recs_named_stays BEFORE DELETE OR UPDATE OF id ON organisations_user FOR EACH ROW EXECUTE FUNCTION recs_named_stays();
CREATE TRIGGER recs_named_stays BEFORE DELETE OR UPDATE OF id ON organisations_organisation FOR EACH ROW EXECUTE FUNCTION recs_named_stays();

-- --- an entry continues its predecessor ----------------------------------------------------------------------------------
CREATE FUNCTION recs_entry_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  t record;
  broken text;
BEGIN
  -- Whoever closes the account waits for this, or this sees it closed; not a lock a row, which everybody who pays in would write
  PERFORM pg_advisory_xact_lock_shared(7, (NEW.to_account_id % 256)::integer);
  IF NEW.prev_id IS NULL THEN
    PERFORM 1 FROM recs_batch WHERE id = NEW.batch_id FOR KEY SHARE;  -- likewise for whoever deletes the batch
  END IF;
  SELECT c.created_at, a.id AS account, a.closed_at, a.sandbox, a.registry_id, a.kind, b.sandbox AS batch_sandbox,
         b.registry_id AS batch_registry, b.serials AS whole,
         p.id AS prev, p.batch_id, p.serials, p.to_account_id, p.to_bucket, p.hash INTO t
    FROM recs_account a CROSS JOIN recs_batch b LEFT JOIN recs_entry p ON p.id = NEW.prev_id LEFT JOIN recs_command c ON c.id = NEW.command_id
    WHERE a.id = NEW.to_account_id AND b.id = NEW.batch_id;
  broken := CASE
    WHEN isempty(NEW.serials) OR lower_inf(NEW.serials) OR upper_inf(NEW.serials) THEN 'entry_serials_bounded'
    WHEN NEW.to_bucket NOT IN (1, 2, 8, 9) THEN 'entry_to_known'
    WHEN NEW.from_bucket NOT IN (1, 2) THEN 'retired_never_leaves'
    WHEN (NEW.prev_id IS NULL) <> (NEW.from_account_id IS NULL) OR (NEW.prev_id IS NULL) <> (NEW.from_bucket IS NULL)
      THEN 'entry_continues_or_issues'
    WHEN NEW.from_account_id = NEW.to_account_id AND NEW.from_bucket = NEW.to_bucket THEN 'entry_goes_somewhere'
    WHEN t.account IS NULL THEN 'entry_names_what_is_there'  -- no such account, or no such batch
    WHEN recs_is_over(NEW.command_id, t.created_at) THEN 'command_is_over'
    WHEN t.closed_at IS NOT NULL THEN 'entry_into_open_account'
    WHEN t.sandbox <> t.batch_sandbox THEN 'entry_within_sandbox'
    WHEN t.registry_id <> t.batch_registry THEN 'entry_within_registry'
    WHEN (t.kind = 'retirement' AND NEW.to_bucket <> 9) OR (t.kind IN ('external', 'world', 'export') AND NEW.to_bucket = 9)
         OR (t.kind <> 'world' AND NEW.to_bucket = 8) THEN 'entry_suits_account'
    WHEN NEW.prev_id IS NULL AND NOT t.whole @> NEW.serials THEN 'entry_within_batch'
    WHEN NEW.prev_id IS NOT NULL AND (t.prev IS NULL OR t.batch_id <> NEW.batch_id OR NOT t.serials @> NEW.serials OR t.prev >= NEW.id
         OR t.to_account_id <> NEW.from_account_id OR t.to_bucket <> NEW.from_bucket) THEN 'entry_chain'
  END;
  IF broken IS NOT NULL THEN
    PERFORM recs_broken(broken, CASE broken
      WHEN 'entry_into_open_account' THEN format('account %s is closed', NEW.to_account_id)
      WHEN 'entry_within_sandbox' THEN 'sandbox and real certificates never meet'
      WHEN 'entry_within_registry' THEN format('account %s takes certificates of %s only', NEW.to_account_id, t.registry_id)
      WHEN 'entry_suits_account' THEN format('account %s cannot hold these certificates so', NEW.to_account_id)
      WHEN 'entry_within_batch' THEN format('issue outside of batch %s', NEW.batch_id)
      ELSE format('the entry after entry %s is refused: %s', NEW.prev_id, broken) END);
  END IF;
  NEW.hash := recs_entry_hash(t.hash, NEW);
  RETURN NEW;
END $$;
CREATE TRIGGER entry_chain BEFORE INSERT ON recs_entry FOR EACH ROW EXECUTE FUNCTION recs_entry_chain();

-- --- a holding only shrinks, or follows an entry --------------------------------------------------------------------------
CREATE FUNCTION recs_holding_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  e record;
  broken text := CASE
    WHEN isempty(NEW.serials) OR lower_inf(NEW.serials) OR upper_inf(NEW.serials) THEN 'holding_serials_bounded'
    WHEN NEW.bucket NOT IN (1, 2, 8, 9) THEN 'holding_bucket_known'
  END;
BEGIN
  IF broken IS NOT NULL THEN
    PERFORM recs_broken(broken, format('the holding is refused: %s', broken));
  END IF;
  IF TG_OP = 'UPDATE' THEN
    IF OLD.bucket IN (8, 9) THEN
      RAISE EXCEPTION 'what is retired, or exported, never moves' USING ERRCODE = 'check_violation', CONSTRAINT = 'retired_never_moves';
    ELSIF NEW.id <> OLD.id OR NEW.batch_id <> OLD.batch_id OR NOT OLD.serials @> NEW.serials THEN
      RAISE EXCEPTION 'a holding only shrinks' USING ERRCODE = 'check_violation', CONSTRAINT = 'holding_only_shrinks';
    ELSIF NEW.entry_id = OLD.entry_id THEN
      IF NEW.account_id <> OLD.account_id OR NEW.bucket <> OLD.bucket THEN
        RAISE EXCEPTION 'an owner changes only by an entry' USING ERRCODE = 'check_violation', CONSTRAINT = 'holding_follows_entry';
      END IF;
      RETURN NEW;
    END IF;
  END IF;
  SELECT batch_id, serials, to_account_id, to_bucket, prev_id INTO e FROM recs_entry WHERE id = NEW.entry_id;
  IF NOT FOUND OR e.batch_id <> NEW.batch_id OR e.to_account_id <> NEW.account_id OR e.to_bucket <> NEW.bucket
     OR NOT e.serials @> NEW.serials OR (TG_OP = 'UPDATE' AND e.prev_id IS DISTINCT FROM OLD.entry_id) THEN
    RAISE EXCEPTION 'the holding does not follow entry %', NEW.entry_id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'holding_follows_entry';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER holding_guard BEFORE INSERT OR UPDATE ON recs_holding FOR EACH ROW EXECUTE FUNCTION recs_holding_guard();

-- --- proved at COMMIT -----------------------------------------------------------------------------------------------------
-- What entry p once gave out inside range v = what its children moved on inside v + what is still held under p inside v.
-- Only the touched range is looked at: O(pieces of this transaction), however often p was split before.
CREATE FUNCTION recs_lost(p bigint, v int8range, accounted numeric) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'entry % gave out % in %, of which % are accounted for', p, upper(v) - lower(v), v, coalesce(accounted, 0)
    USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_conserved';
END $$;

CREATE FUNCTION recs_entry_proved() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  first bigint := lower(NEW.serials);
  behind bigint := upper(NEW.serials);
  own numeric;
  before numeric;
BEGIN
  SELECT sum(part) FILTER (WHERE gave = NEW.id), sum(part) FILTER (WHERE gave = NEW.prev_id) INTO own, before FROM (
    SELECT prev_id AS gave, upper(serials) - lower(serials) AS part FROM recs_entry
      WHERE prev_id IN (NEW.id, NEW.prev_id) AND lower(serials) >= first AND lower(serials) < behind
    UNION ALL
    SELECT entry_id, quantity FROM recs_holding
      WHERE entry_id IN (NEW.id, NEW.prev_id) AND lower(serials) >= first AND lower(serials) < behind) parts;
  IF own IS DISTINCT FROM behind - first THEN
    PERFORM recs_lost(NEW.id, NEW.serials, own);
  ELSIF NEW.prev_id IS NOT NULL AND before IS DISTINCT FROM behind - first THEN
    PERFORM recs_lost(NEW.prev_id, NEW.serials, before);
  ELSIF NEW.to_bucket = 9 THEN
    IF NOT EXISTS (SELECT FROM recs_command c JOIN recs_retirement r ON r.command_id = coalesce(c.root_id, c.id) WHERE c.id = NEW.command_id) THEN
      RAISE EXCEPTION 'a retirement without a purpose' USING ERRCODE = 'check_violation', CONSTRAINT = 'retired_for_a_purpose';
    END IF;
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER entry_proved AFTER INSERT ON recs_entry DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION recs_entry_proved();

CREATE FUNCTION recs_holding_proved() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  p bigint := CASE TG_OP WHEN 'UPDATE' THEN OLD.entry_id ELSE NEW.entry_id END;
  v int8range := CASE TG_OP WHEN 'UPDATE' THEN OLD.serials ELSE NEW.serials END;  -- what was left was moved on, or is still held
  accounted numeric;
BEGIN
  SELECT sum(part) INTO accounted FROM (
    SELECT upper(serials) - lower(serials) AS part FROM recs_entry WHERE prev_id = p AND lower(serials) >= lower(v) AND lower(serials) < upper(v)
    UNION ALL
    SELECT quantity FROM recs_holding WHERE entry_id = p AND lower(serials) >= lower(v) AND lower(serials) < upper(v)) parts;
  IF accounted IS DISTINCT FROM upper(v) - lower(v) THEN
    PERFORM recs_lost(p, v, accounted);
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER holding_proved AFTER INSERT OR UPDATE ON recs_holding DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION recs_holding_proved();

-- What resolves a command moves all of what that one holds, to where it said (or back), and goes on with the stages that are left.
CREATE FUNCTION recs_resolver_proved(c recs_command, root recs_command) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  step recs_command;
  rightly boolean;
BEGIN
  SELECT * INTO step FROM recs_command WHERE id = c.resolves_id;
  rightly := root.root_id IS NULL AND coalesce(step.root_id, step.id) = root.id AND step.awaiting <> '{}'
    AND (c.organisation_id, c.quantity, c.from_account_id) = (root.organisation_id, root.quantity, coalesce(root.from_account_id, root.to_account_id));
  IF c.kind IN ('reject', 'cancel', 'expire', 'refuse') THEN
    rightly := rightly AND c.awaiting = '{}' AND c.to_bucket = 1 AND coalesce(
      c.to_account_id = root.from_account_id, 'world' = (SELECT kind FROM recs_account WHERE id = c.to_account_id));
  ELSE
    rightly := rightly AND (c.to_account_id, c.to_bucket, c.awaiting) = (root.to_account_id, root.to_bucket, step.awaiting[2:]);
  END IF;
  IF rightly IS NOT TRUE OR EXISTS (SELECT FROM recs_entry e JOIN recs_entry p ON p.id = e.prev_id
                                    WHERE e.command_id = c.id AND p.command_id <> root.id) THEN
    RAISE EXCEPTION 'command % does not resolve command %', c.id, root.id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'command_resolves_its_root';
  END IF;
END $$;

-- A reversal takes back what the reversed command brought, all of it, and nothing else.
CREATE FUNCTION recs_reversal_proved(c recs_command) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  r recs_command;
BEGIN
  SELECT * INTO r FROM recs_command WHERE id = c.reverses_id;
  IF r.kind NOT IN ('transfer', 'issue', 'receive') OR (r.quantity, r.to_account_id) <> (c.quantity, c.from_account_id)
     OR NOT coalesce(c.to_account_id = r.from_account_id, 'world' = (SELECT kind FROM recs_account WHERE id = c.to_account_id))
     OR EXISTS (
       SELECT FROM (SELECT batch_id, range_agg(serials) AS back FROM recs_entry WHERE command_id = c.id GROUP BY 1) b
       LEFT JOIN (SELECT e.batch_id, range_agg(e.serials) AS brought FROM recs_command s JOIN recs_entry e ON e.command_id = s.id
                  WHERE s.id = r.id OR s.root_id = r.id GROUP BY 1) g USING (batch_id)
       WHERE (b.back <@ g.brought) IS NOT TRUE) THEN
    RAISE EXCEPTION 'command % does not reverse command %', c.id, r.id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'command_reverses_another';
  END IF;
END $$;

-- A command's entries move what it says, from where and to where it says; one that awaits something holds them meanwhile. What is
-- held moves with what resolves it, and with nothing else. A price is booked with what it is the price of.
CREATE FUNCTION recs_command_proved() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  waits boolean := NEW.awaiting <> '{}';
  -- where each of its entries has to come from, and to go
  bucket_before smallint := CASE WHEN NEW.root_id IS NOT NULL THEN 2 WHEN NEW.from_account_id IS NOT NULL THEN 1 END;
  account bigint := CASE WHEN waits THEN coalesce(NEW.from_account_id, NEW.to_account_id) ELSE NEW.to_account_id END;
  bucket smallint := CASE WHEN waits THEN 2 ELSE NEW.to_bucket END;
  root recs_command;
  due numeric := NEW.price_cents;
  t record;
BEGIN
  PERFORM set_config('recs.proved', greatest(NEW.id, nullif(current_setting('recs.proved', true), '')::bigint)::text, true);
  IF NEW.root_id IS NOT NULL THEN
    SELECT * INTO root FROM recs_command WHERE id = NEW.root_id;
    PERFORM recs_resolver_proved(NEW, root);
    due := root.price_cents;
  ELSIF NEW.reverses_id IS NOT NULL THEN
    PERFORM recs_reversal_proved(NEW);
  END IF;
  SELECT moved, rightly, balance, turnover INTO t FROM (
    SELECT sum(upper(serials) - lower(serials)) AS moved,
           bool_and(from_account_id IS NOT DISTINCT FROM NEW.from_account_id AND from_bucket IS NOT DISTINCT FROM bucket_before
                    AND to_account_id = account AND to_bucket = bucket) AS rightly
    FROM recs_entry WHERE command_id = NEW.id) entries
  CROSS JOIN (SELECT sum(amount_cents) AS balance, sum(abs(amount_cents)) AS turnover FROM recs_cashentry WHERE command_id = NEW.id) cash;
  IF NOT t.rightly OR coalesce(t.moved, 0) <> (CASE WHEN waits AND NEW.root_id IS NOT NULL THEN 0 ELSE NEW.quantity END) THEN
    RAISE EXCEPTION 'command % says % certificates, its entries move %', NEW.id, NEW.quantity, coalesce(t.moved, 0)
      USING ERRCODE = 'check_violation', CONSTRAINT = 'command_does_what_it_says';
  END IF;
  IF due IS NULL OR waits OR NEW.kind IN ('credit', 'reject', 'cancel', 'expire', 'refuse') THEN
    due := 0;
  END IF;
  IF t.balance <> 0 THEN
    RAISE EXCEPTION 'the cash of command % does not sum to zero', NEW.id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'cash_sums_to_zero';
  ELSIF coalesce(t.turnover, 0) NOT IN (2 * due, 4 * due) THEN  -- in the books of one side, or of both
    RAISE EXCEPTION 'command % has a price of % cents and books %', NEW.id, due, coalesce(t.turnover, 0)
      USING ERRCODE = 'check_violation', CONSTRAINT = 'cash_follows_price';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER command_proved AFTER INSERT ON recs_command DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION recs_command_proved();

-- --- business records: what would move certificates without an entry is refused -------------------------------------------------
-- FOR SHARE: whoever takes the organisation into the sandbox, or out of it, waits for this, or this sees it done
CREATE FUNCTION recs_in_sandbox(organisation bigint) RETURNS boolean LANGUAGE sql AS $$
  SELECT sandbox FROM organisations_organisation WHERE id = organisation FOR SHARE
$$;

CREATE FUNCTION recs_account_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.organisation_id IS NOT NULL AND NEW.sandbox <> recs_in_sandbox(NEW.organisation_id) THEN
      RAISE EXCEPTION 'an account is of the sandbox if its organisation is'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'account_follows_organisation';
    END IF;
    RETURN NEW;
  END IF;
  IF (NEW.id, NEW.organisation_id, NEW.kind, NEW.sandbox, NEW.registry_id, NEW.registry_account = '')
     IS DISTINCT FROM (OLD.id, OLD.organisation_id, OLD.kind, OLD.sandbox, OLD.registry_id, OLD.registry_account = '') THEN
    RAISE EXCEPTION 'an account stays what it is and whose it is' USING ERRCODE = 'check_violation', CONSTRAINT = 'account_stays_what_it_is';
  END IF;
  IF NEW.closed_at IS NOT NULL AND OLD.closed_at IS NULL THEN
    PERFORM recs_sees_commits();
    PERFORM pg_advisory_xact_lock(7, (NEW.id % 256)::integer);  -- waits for entries that are just arriving, and makes later ones wait
    IF NEW.kind = 'world' OR EXISTS (SELECT FROM recs_holding WHERE account_id = NEW.id AND bucket IN (1, 2)) THEN
      RAISE EXCEPTION 'the account "%" still holds certificates', NEW.name
        USING ERRCODE = 'check_violation', CONSTRAINT = 'account_closed_when_empty';
    END IF;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER account_guard BEFORE INSERT OR UPDATE ON recs_account FOR EACH ROW EXECUTE FUNCTION recs_account_guard();

CREATE FUNCTION recs_organisation_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM recs_account WHERE organisation_id = NEW.id) OR EXISTS (SELECT FROM recs_generator WHERE organisation_id = NEW.id)
     OR EXISTS (SELECT FROM recs_batch WHERE organisation_id = NEW.id) THEN
    RAISE EXCEPTION 'an organisation with accounts, generators or batches stays in the sandbox, or out of it'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'organisation_stays_in_its_world';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER recs_organisation_guard BEFORE UPDATE ON organisations_organisation FOR EACH ROW
  WHEN (NEW.sandbox <> OLD.sandbox OR NEW.id <> OLD.id) EXECUTE FUNCTION recs_organisation_guard();

CREATE FUNCTION recs_generator_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF NEW.sandbox <> recs_in_sandbox(NEW.organisation_id)
     OR (TG_OP = 'UPDATE' AND (NEW.id, NEW.sandbox) IS DISTINCT FROM (OLD.id, OLD.sandbox)) THEN
    RAISE EXCEPTION 'a generator is of the sandbox if its organisation is'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'generator_follows_organisation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER generator_guard BEFORE INSERT OR UPDATE ON recs_generator FOR EACH ROW EXECUTE FUNCTION recs_generator_guard();

CREATE FUNCTION recs_registration_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF NEW.sandbox <> (SELECT sandbox FROM recs_generator WHERE id = NEW.generator_id) THEN
    RAISE EXCEPTION 'a registration is of the sandbox if its generator is'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'registration_follows_generator';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER registration_guard BEFORE INSERT OR UPDATE ON recs_registration FOR EACH ROW EXECUTE FUNCTION recs_registration_guard();

CREATE FUNCTION recs_batch_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  g recs_generator;
  v recs_batch;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF to_jsonb(NEW) - 'registry_text' <> to_jsonb(OLD) - 'registry_text' THEN
      RAISE EXCEPTION 'a batch stays what it is' USING ERRCODE = 'check_violation', CONSTRAINT = 'batch_stays_what_it_is';
    END IF;
    RETURN NEW;
  END IF;
  SELECT * INTO g FROM recs_generator WHERE id = NEW.generator_id;
  NEW.fuel := g.fuel;
  NEW.state := g.state;
  IF NEW.sandbox <> g.sandbox OR NEW.sandbox <> recs_in_sandbox(NEW.organisation_id) THEN
    RAISE EXCEPTION 'a batch is of the sandbox if its generator and its organisation are'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'batch_follows_generator';
  ELSIF NEW.vintage > current_date THEN
    RAISE EXCEPTION 'the vintage % lies in the future', to_char(NEW.vintage, 'YYYY-MM')
      USING ERRCODE = 'check_violation', CONSTRAINT = 'batch_vintage_is_past', COLUMN = 'vintage';
  ELSIF EXISTS (SELECT FROM recs_registry WHERE code = NEW.registry_id AND kept_in_id IS NOT NULL) THEN
    RAISE EXCEPTION '% keeps no certificates of its own', NEW.registry_id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'batch_in_a_registry', COLUMN = 'registry';
  END IF;
  IF NEW.variance_of_id IS NOT NULL THEN
    SELECT * INTO v FROM recs_batch WHERE id = NEW.variance_of_id;
    IF (v.registry_id, v.generator_id, v.vintage) IS DISTINCT FROM (NEW.registry_id, NEW.generator_id, NEW.vintage) THEN
      RAISE EXCEPTION 'a variance is of the same registry, generator and vintage'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'batch_varies_its_like', COLUMN = 'variance_of';
    END IF;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER batch_guard BEFORE INSERT OR UPDATE ON recs_batch FOR EACH ROW EXECUTE FUNCTION recs_batch_guard();

-- Only what never had an entry may go. The row is locked by now: an entry that is just arriving finds it gone, or is found here.
CREATE FUNCTION recs_batch_stays() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM recs_sees_commits();
  IF EXISTS (SELECT FROM recs_entry WHERE batch_id = OLD.id) THEN
    RAISE EXCEPTION 'batch % has entries', OLD.id USING ERRCODE = 'restrict_violation', CONSTRAINT = 'batch_stays_what_it_is';
  END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER batch_stays BEFORE DELETE ON recs_batch FOR EACH ROW EXECUTE FUNCTION recs_batch_stays();

-- What is imported was exported elsewhere, by the same organisation: of the same generator and month, and no more of it. With the
-- owner's rights: the application may neither lock a command nor see all of a foreign one.
CREATE FUNCTION recs_batch_within_export() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  x recs_command;
  exported bigint;
  imported bigint;
BEGIN
  PERFORM recs_sees_commits();
  PERFORM pg_advisory_xact_lock_shared(hashtextextended('recs.journal', 0));  -- before any row lock, as commands do
  SELECT * INTO x FROM recs_command WHERE id = NEW.export_id FOR NO KEY UPDATE;  -- imports of one export wait for each other
  SELECT coalesce(sum(upper(e.serials) - lower(e.serials)), 0) INTO exported
    FROM recs_command s JOIN recs_entry e ON e.command_id = s.id JOIN recs_batch b ON b.id = e.batch_id
    WHERE (s.id = NEW.export_id OR s.root_id = NEW.export_id) AND s.kind = 'confirm'
      AND b.generator_id = NEW.generator_id AND b.vintage = NEW.vintage AND b.registry_id <> NEW.registry_id;
  SELECT coalesce(sum(upper(serials) - lower(serials)), 0) INTO imported
    FROM recs_batch WHERE export_id = NEW.export_id AND generator_id = NEW.generator_id AND vintage = NEW.vintage;
  IF x.kind <> 'export' OR x.organisation_id <> NEW.organisation_id OR x.to_registry_id <> NEW.registry_id OR imported > exported THEN
    RAISE EXCEPTION 'export % gave % certificates of this generator and month to %, not %', NEW.export_id, exported, NEW.registry_id, imported
      USING ERRCODE = 'check_violation', CONSTRAINT = 'batch_within_export', COLUMN = 'export';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER batch_within_export AFTER INSERT ON recs_batch DEFERRABLE INITIALLY IMMEDIATE
  FOR EACH ROW WHEN (NEW.export_id IS NOT NULL) EXECUTE FUNCTION recs_batch_within_export();

-- --- not even session_replication_role = replica goes round them -------------------------------------------------------------------
DO $$
DECLARE
  t record;
BEGIN
  FOR t IN SELECT c.relname, g.tgname FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
           WHERE NOT g.tgisinternal AND c.relnamespace = current_schema()::regnamespace
             AND (c.relname LIKE 'recs\_%' OR g.tgname LIKE 'recs\_%') LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER %I', t.relname, t.tgname);
  END LOOP;
END $$;
