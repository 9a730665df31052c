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
  IF NEW.closed_at IS DISTINCT FROM OLD.closed_at AND OLD.closed_at IS NOT NULL THEN
    RAISE EXCEPTION 'the account "%" was closed for good', NEW.name USING ERRCODE = 'check_violation', CONSTRAINT = 'account_stays_closed';
  ELSIF NEW.closed_at IS NOT NULL AND OLD.closed_at IS NULL THEN
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

-- Certificates of a batch that is voided never came to anything: all lie where a refused or reversed issue leaves them. Under the
-- locks of those who could move them on, or issue more of it, until the end of the transaction.
CREATE FUNCTION recs_voidable(b recs_batch) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM recs_sees_commits();
  PERFORM recs_lock(recs_world(b.registry_id, b.sandbox), ARRAY[b.id]), pg_advisory_xact_lock(hashint8extended(b.id, 3));
  IF EXISTS (
    SELECT FROM recs_holding h JOIN recs_account a ON a.id = h.account_id JOIN recs_entry e ON e.id = h.entry_id
      JOIN recs_command c ON c.id = e.command_id JOIN recs_command root ON root.id = coalesce(c.root_id, c.id)
      LEFT JOIN recs_command came ON came.id = CASE WHEN c.kind IN ('reject', 'cancel', 'expire', 'refuse') THEN root.id ELSE root.reverses_id END
    WHERE h.batch_id = b.id AND (a.kind = 'world' AND h.bucket = 1 AND came.kind IN ('issue', 'import', 'receive')
                                 AND came.from_account_id IS NULL) IS NOT TRUE) THEN
    RAISE EXCEPTION 'certificates of batch % are somewhere', b.id USING ERRCODE = 'check_violation', CONSTRAINT = 'batch_voided_when_gone';
  END IF;
END $$;

CREATE FUNCTION recs_batch_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  g recs_generator;
  v recs_batch;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF to_jsonb(NEW) - '{registry_text,voided_at}'::text[] <> to_jsonb(OLD) - '{registry_text,voided_at}'::text[]
       OR (OLD.voided_at IS NOT NULL AND NEW.voided_at IS DISTINCT FROM OLD.voided_at) THEN
      RAISE EXCEPTION 'a batch stays what it is' USING ERRCODE = 'check_violation', CONSTRAINT = 'batch_stays_what_it_is';
    ELSIF NEW.voided_at IS NOT NULL AND OLD.voided_at IS NULL THEN
      PERFORM recs_voidable(NEW);
    END IF;
    RETURN NEW;
  END IF;
  SELECT * INTO g FROM recs_generator WHERE id = NEW.generator_id;
  NEW.fuel := g.fuel;
  NEW.state := g.state;
  IF NEW.sandbox <> g.sandbox OR NEW.sandbox <> recs_in_sandbox(NEW.organisation_id) THEN
    RAISE EXCEPTION 'a batch is of the sandbox if its generator and its organisation are'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'batch_follows_generator';
  ELSIF NEW.organisation_id <> g.organisation_id AND NEW.export_id IS NULL THEN  -- only what was exported comes in by somebody else
    RAISE EXCEPTION 'a batch is written down by who has its generator'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'batch_of_own_generator', COLUMN = 'generator';
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

-- Metered energy backs one issuance: a read that names its batch is of its generator, its owner and its month, and stays as it is. It
-- lets go only of what never had an entry: such a batch may go, too.
CREATE FUNCTION recs_read_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP <> 'INSERT' AND OLD.batch_id IS NOT NULL AND NEW IS DISTINCT FROM OLD THEN
    IF to_jsonb(NEW) = to_jsonb(OLD) || '{"batch_id": null}' THEN
      PERFORM recs_sees_commits();
      PERFORM FROM recs_batch WHERE id = OLD.batch_id FOR UPDATE;  -- waits for an issue that is just arriving, or makes it wait
      IF NOT EXISTS (SELECT FROM recs_entry e JOIN recs_batch b ON b.id = e.batch_id WHERE b.id = OLD.batch_id AND b.voided_at IS NULL) THEN
        RETURN NEW;
      END IF;
    END IF;
    RAISE EXCEPTION 'metered generation that backs a batch stays what it is'
      USING ERRCODE = 'restrict_violation', CONSTRAINT = 'read_stays_what_it_is';
  ELSIF TG_OP = 'DELETE' THEN
    RETURN OLD;
  END IF;
  IF NEW.batch_id IS NOT NULL AND NOT EXISTS (
       SELECT FROM recs_batch b JOIN recs_generator g ON g.id = b.generator_id
       WHERE b.id = NEW.batch_id AND g.id = NEW.generator_id AND g.organisation_id = b.organisation_id
         AND NEW.days && daterange(b.vintage, (b.vintage + interval '1 month')::date)) THEN
    RAISE EXCEPTION 'batch % is of another generator, organisation or month than the metered generation', NEW.batch_id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'read_backs_its_batch', COLUMN = 'batch_id';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER read_guard BEFORE INSERT OR UPDATE OR DELETE ON recs_generationread FOR EACH ROW EXECUTE FUNCTION recs_read_guard();
