DO $$
DECLARE
  t record;
BEGIN
  FOR t IN SELECT c.relname, p.polname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
           WHERE c.relnamespace = current_schema()::regnamespace AND (c.relname LIKE 'recs\_%' OR p.polname LIKE 'recs\_%') LOOP
    EXECUTE format('DROP POLICY %I ON %I', t.polname, t.relname);
    EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', t.relname);
  END LOOP;
END $$;
DROP FUNCTION recs_my_life(bigint, bigint), recs_my_exported(), recs_my_pieces(bigint[]), recs_my_open_roots(), recs_my_offered(bigint), recs_my_accounts(), recs_scope(), recs_status(recs_command);
