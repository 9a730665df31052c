-- Who sees what: the application's roles read the rows of the organisations that the setting app.organisation names
-- ("{1,2}"), set for one transaction by energyopti.organisations.scope; unset means no rows. Writing the journal is for the
-- functions alone. Whoever owns the tables (migrations, verify_ledger) sees all.

CREATE FUNCTION recs_scope() RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE RETURN
  coalesce(nullif(current_setting('app.organisation', true), ''), '{}')::bigint[];

-- With the owner's rights: the policies of other tables ask for it, once a statement
CREATE FUNCTION recs_my_accounts() RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce(array_agg(id), '{}') FROM recs_account WHERE organisation_id = ANY (recs_scope())
$$;

-- Whether a command reached the other side: it needed no second person of whoever asked, or that person has approved it. Until then,
-- and for good where it was rejected there, it is nobody else's. With the owner's rights: the policy of its own table asks for it.
CREATE FUNCTION recs_my_offered(root bigint) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM recs_command s WHERE s.root_id = root AND s.kind = 'approve'
                   AND (s.counterparty_id = ANY (recs_scope()) OR s.organisation_id = ANY (recs_scope())))
      OR EXISTS (SELECT FROM recs_command c WHERE c.id = root AND c.awaiting[1] IS DISTINCT FROM 'approval'
                   AND (c.counterparty_id = ANY (recs_scope()) OR c.organisation_id = ANY (recs_scope())))
$$;

-- What is under way for the organisations in scope, the offers to them included (whose certificates others still hold)
CREATE FUNCTION recs_my_open_roots() RETURNS TABLE (root bigint) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT o.root FROM recs_open_roots() o JOIN recs_command c ON c.id = o.root
  WHERE c.organisation_id = ANY (recs_scope()) OR (
    c.counterparty_id = ANY (recs_scope()) AND (c.awaiting[1] IS DISTINCT FROM 'approval'
      OR EXISTS (SELECT FROM recs_command s WHERE s.root_id = c.id AND s.kind = 'approve')))
$$;

-- Which certificates commands are about, for both sides: whoever is offered some sees them before they are theirs
CREATE FUNCTION recs_my_pieces(roots bigint[]) RETURNS TABLE (
  root bigint, batch bigint, serials int8range, registry varchar, base varchar, own varchar, whole int8range, vintage date,
  fuel varchar, state varchar, generator varchar
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT c.id, b.id, e.serials, b.registry_id, b.serial_base, b.registry_text, b.serials, b.vintage, b.fuel, b.state, g.name
  FROM recs_command c JOIN recs_entry e ON e.command_id = c.id JOIN recs_batch b ON b.id = e.batch_id
  JOIN recs_generator g ON g.id = b.generator_id
  WHERE c.id = ANY (roots) AND (
    c.organisation_id = ANY (recs_scope())
    OR (c.counterparty_id = ANY (recs_scope()) AND (c.awaiting[1] IS DISTINCT FROM 'approval' OR recs_my_offered(c.id))))
$$;

-- What left by a confirmed export of an organisation in scope and is still outside
CREATE FUNCTION recs_my_exported() RETURNS TABLE (batch bigint, serials int8range, account bigint) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT h.batch_id, h.serials, e.from_account_id
  FROM recs_command x JOIN recs_command s ON s.root_id = x.id AND s.kind = 'confirm' JOIN recs_entry e ON e.command_id = s.id
  JOIN recs_holding h ON h.entry_id = e.id
  WHERE x.kind = 'export' AND x.organisation_id = ANY (recs_scope())
$$;

-- The entries of one serial number, as far as accounts in scope took part. Followed from its issue on, with the owner's rights:
-- where it passed through other hands, their entries are stepped over, not shown.
CREATE FUNCTION recs_my_life(batch bigint, serial bigint) RETURNS SETOF recs_entry LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH RECURSIVE life AS (
    SELECT e.* FROM recs_entry e WHERE e.batch_id = batch AND e.prev_id IS NULL AND e.serials && int8range(serial, serial + 1)
    UNION ALL
    SELECT n.* FROM life l CROSS JOIN LATERAL (
      SELECT x.* FROM recs_entry x WHERE x.prev_id = l.id AND lower(x.serials) <= serial ORDER BY lower(x.serials) DESC LIMIT 1) n
    WHERE n.serials @> serial
  )
  SELECT * FROM life WHERE from_account_id = ANY (recs_my_accounts()) OR to_account_id = ANY (recs_my_accounts())
$$;

-- Where a command stands; under the caller's policies
CREATE FUNCTION recs_status(c recs_command) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN EXISTS (SELECT FROM recs_command v WHERE v.reverses_id = c.id AND v.awaiting = '{}') THEN 'reversed'
    WHEN step.awaiting[1] = 'registry' THEN 'instructed'
    WHEN step.awaiting <> '{}' THEN 'pending'
    WHEN step.kind IN ('reject', 'refuse') THEN 'rejected'
    WHEN step.kind = 'cancel' THEN 'cancelled'
    WHEN step.kind = 'expire' THEN 'expired'
    ELSE 'completed' END
  FROM (SELECT s.kind, s.awaiting FROM (
          (SELECT kind, awaiting, id FROM recs_command WHERE root_id = c.id ORDER BY id DESC LIMIT 1)
          UNION ALL SELECT c.kind, c.awaiting, c.id) s ORDER BY s.id DESC LIMIT 1) step
$$;

DO $$
DECLARE
  -- whose a row is, per table; m: the caller's organisations, a: the caller's accounts
  m text := '= ANY ((SELECT recs_scope())::bigint[])';
  a text := '= ANY ((SELECT recs_my_accounts())::bigint[])';
  -- a command that its counterparty may know of; its row alone says so of most
  offered text := 'CASE WHEN root_id IS NULL THEN awaiting[1] IS DISTINCT FROM ''approval'' OR recs_my_offered(id)'
               || ' WHEN kind IN (''reject'', ''cancel'', ''expire'') THEN recs_my_offered(root_id) ELSE true END';
  rule record;
BEGIN
  FOR rule IN SELECT * FROM (VALUES
    ('account',       true,  'organisation_id ' || m),
    ('policy',        true,  'organisation_id ' || m),
    ('generator',     true,  'organisation_id ' || m),
    ('registration',  true,  'EXISTS (SELECT FROM recs_generator g WHERE g.id = generator_id AND g.organisation_id ' || m || ')'),
    ('eligibility',   true,  'EXISTS (SELECT FROM recs_generator g WHERE g.id = generator_id AND g.organisation_id ' || m || ')'),
    ('generationread', true, 'EXISTS (SELECT FROM recs_generator g WHERE g.id = generator_id AND g.organisation_id ' || m || ')'),
    ('batch',         true,  'organisation_id ' || m),
    ('command',       false, 'organisation_id ' || m || ' OR (counterparty_id ' || m || ' AND ' || offered || ')'),
    ('entry',         false, 'to_account_id ' || a || ' OR from_account_id ' || a),
    ('holding',       false, 'account_id ' || a),
    ('retirement',    false, 'EXISTS (SELECT FROM recs_command c WHERE c.id = command_id)'),
    ('cashaccount',   false, 'organisation_id ' || m),
    ('cashentry',     false, 'EXISTS (SELECT FROM recs_cashaccount l WHERE l.id = account_id)')
  ) AS t (name, edited, mine) LOOP
    EXECUTE format('ALTER TABLE recs_%s ENABLE ROW LEVEL SECURITY', rule.name);
    EXECUTE format('CREATE POLICY mine ON recs_%s FOR ALL USING (%s)', rule.name, rule.mine);
    IF rule.edited THEN  -- its history under the same policy
      EXECUTE format('ALTER TABLE recs_historical%s ENABLE ROW LEVEL SECURITY', rule.name);
      EXECUTE format('CREATE POLICY mine ON recs_historical%s FOR ALL USING (%s)', rule.name, rule.mine);
    END IF;
  END LOOP;
END $$;

-- The world outside belongs to nobody, and everybody may name it
CREATE POLICY world ON recs_account FOR SELECT USING (organisation_id IS NULL);
-- Who ever got certificates of a batch sees what they are, and what made them
CREATE POLICY received ON recs_batch FOR SELECT USING (
  EXISTS (SELECT FROM recs_entry e WHERE e.batch_id = recs_batch.id AND e.to_account_id = ANY ((SELECT recs_my_accounts())::bigint[])));
CREATE POLICY received ON recs_generator FOR SELECT USING (EXISTS (SELECT FROM recs_batch b WHERE b.generator_id = recs_generator.id));
CREATE POLICY received ON recs_registration FOR SELECT USING (EXISTS (SELECT FROM recs_generator g WHERE g.id = generator_id));
CREATE POLICY received ON recs_eligibility FOR SELECT USING (EXISTS (SELECT FROM recs_generator g WHERE g.id = generator_id));

-- The outbox tells of a command to whoever sees that command; only the ledger's functions put one in
ALTER TABLE events_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY recs_mine ON events_event FOR ALL
  USING (topic NOT LIKE 'recs.%' OR EXISTS (SELECT FROM recs_command c WHERE c.id = (payload ->> 'command')::bigint))
  WITH CHECK (topic NOT LIKE 'recs.%');

-- energyopti/organisations/migrations/sql/0002_database_roles.sql acts on these comments, now and at each start
DO $$
DECLARE
  t text;
  f regprocedure;
BEGIN
  FOREACH t IN ARRAY ARRAY['command', 'entry', 'holding', 'retirement', 'cashaccount', 'cashentry', 'seal'] LOOP
    EXECUTE format('COMMENT ON TABLE recs_%s IS %L', t, 'Written by functions only');
  END LOOP;
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p
           WHERE p.pronamespace = current_schema()::regnamespace AND p.proname LIKE 'recs\_%' LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace AND p.proname = ANY (ARRAY[
    'recs_issue', 'recs_move', 'recs_bulk', 'recs_resolve', 'recs_expire', 'recs_reverse', 'recs_cash'
  ]) LOOP
    EXECUTE format('COMMENT ON FUNCTION %s IS %L', f, 'Application: writes');
  END LOOP;
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace AND p.proname = ANY (ARRAY[
    'recs_scope', 'recs_my_accounts', 'recs_my_offered', 'recs_my_open_roots', 'recs_my_pieces',
    'recs_my_exported', 'recs_my_life', 'recs_status'
  ]) LOOP
    EXECUTE format('COMMENT ON FUNCTION %s IS %L', f, 'Application: reads');
  END LOOP;
END $$;
