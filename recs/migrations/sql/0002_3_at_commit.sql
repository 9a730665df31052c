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

-- Each step of a balance is one entry, and no entry is two of them: their numbers only rise (recs_cash_balance_guard)
CREATE FUNCTION recs_cash_balance_proved() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM recs_cashentry WHERE id = NEW.last_entry AND account_id = NEW.id
                 AND amount_cents = NEW.balance_cents - OLD.balance_cents) THEN
    RAISE EXCEPTION 'the balance of cash account % does not follow entry %', NEW.id, NEW.last_entry
      USING ERRCODE = 'check_violation', CONSTRAINT = 'cash_balance_follows_entries';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER balance_proved AFTER UPDATE ON recs_cashaccount DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN ((NEW.balance_cents, NEW.last_entry) IS DISTINCT FROM (OLD.balance_cents, OLD.last_entry))
  EXECUTE FUNCTION recs_cash_balance_proved();

-- What resolves a command moves all of what that one holds, to where it said (or back), and goes on with the stages that are left.
CREATE FUNCTION recs_resolver_proved(c recs_command, root recs_command) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  step recs_command;
  stage text;
  rightly boolean;
BEGIN
  SELECT * INTO step FROM recs_command WHERE id = c.resolves_id;
  stage := step.awaiting[1];
  rightly := root.root_id IS NULL AND coalesce(step.root_id, step.id) = root.id AND step.id < c.id
    AND c.counterparty_id IS NOT DISTINCT FROM root.counterparty_id
    AND CASE c.kind
      WHEN 'approve' THEN stage = 'approval' AND c.made_by_id <> root.made_by_id
      WHEN 'accept' THEN stage = 'acceptance'
      WHEN 'confirm' THEN stage = 'registry' AND c.self_approved = (c.made_by_id = root.made_by_id)
      WHEN 'refuse' THEN stage = 'registry'
      WHEN 'release' THEN stage = 'release'
      WHEN 'expire' THEN stage IN ('approval', 'acceptance') AND step.expires_at <= clock_timestamp()
      ELSE stage IN ('approval', 'acceptance') END
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
  sides bigint := 0;  -- in whose books the price stands
  t record;
BEGIN
  PERFORM 1 FROM recs_command WHERE id = NEW.id FOR KEY SHARE;  -- from here on it is over (recs_is_over)
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
  ELSIF NEW.kind = 'pay' THEN
    sides := 1 + (NEW.counterparty_id IS NOT NULL)::integer;
  ELSE
    SELECT count(DISTINCT organisation_id) INTO sides FROM recs_account
      WHERE id IN (NEW.from_account_id, NEW.to_account_id) AND kind NOT IN ('external', 'world');
  END IF;
  IF t.balance <> 0 THEN
    RAISE EXCEPTION 'the cash of command % does not sum to zero', NEW.id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'cash_sums_to_zero';
  ELSIF coalesce(t.turnover, 0) <> 2 * due * sides THEN
    RAISE EXCEPTION 'command % has a price of % cents and books %', NEW.id, due, coalesce(t.turnover, 0)
      USING ERRCODE = 'check_violation', CONSTRAINT = 'cash_follows_price';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER command_proved AFTER INSERT ON recs_command DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION recs_command_proved();

-- --- what people recorded goes only with a row of its history, which says who took it away and why --------------------------
CREATE FUNCTION recs_deletion_remembered() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  remembered boolean;
BEGIN
  EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I = $1 AND history_type = ''-'')',
                 replace(TG_TABLE_NAME, 'recs_', 'recs_historical'), TG_ARGV[0])
    INTO remembered USING (to_jsonb(OLD) ->> TG_ARGV[0])::bigint;
  IF NOT remembered THEN
    RAISE EXCEPTION 'a row of % is gone, and its history does not say so', TG_TABLE_NAME
      USING ERRCODE = 'restrict_violation', CONSTRAINT = 'deletion_is_remembered';
  END IF;
  RETURN NULL;
END $$;

DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['policy', 'generator', 'registration', 'eligibility', 'batch', 'generationread'] LOOP
    EXECUTE format('CREATE CONSTRAINT TRIGGER deletion_remembered AFTER DELETE ON recs_%s DEFERRABLE INITIALLY DEFERRED'
                   ' FOR EACH ROW EXECUTE FUNCTION recs_deletion_remembered(%L)',
                   t, CASE WHEN t <> 'policy' THEN 'id' ELSE 'organisation_id' END);
  END LOOP;
END $$;
