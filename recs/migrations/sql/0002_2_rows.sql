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
  SELECT c.created_at, c.xmax AS locked, a.id AS account, a.closed_at, a.sandbox, a.registry_id, a.kind, b.sandbox AS batch_sandbox,
         b.registry_id AS batch_registry, b.serials AS whole, b.voided_at,
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
    WHEN recs_is_over(t.created_at, t.locked) THEN 'command_is_over'
    WHEN t.closed_at IS NOT NULL THEN 'entry_into_open_account'
    WHEN t.voided_at IS NOT NULL THEN 'entry_of_a_valid_batch'
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
      WHEN 'entry_of_a_valid_batch' THEN format('batch %s is void', NEW.batch_id)
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
