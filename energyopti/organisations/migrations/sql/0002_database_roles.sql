-- Two roles without a login: energyopti_app reads and writes rows, energyopti_read reads them; neither changes tables.
-- Roles belong to the whole cluster: another database may make them at the same moment, and this login may not be
-- allowed to. Neither is an error here; /readyz names what is missing and what to run. Safe to run again.
DO $$
DECLARE
  role_name text;
  private text;
  marked record;
  numbers text;
  here text := quote_ident(current_schema());
BEGIN
  FOREACH role_name IN ARRAY ARRAY['energyopti_app', 'energyopti_read'] LOOP
    FOR attempt IN 1..10 LOOP
      BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
          EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        END IF;
        -- Since PostgreSQL 16 the maker of a role may grant it, but not act as it until it is granted to itself
        IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
          EXECUTE format('GRANT %I TO %I', role_name, current_user);
        END IF;
        EXIT;
      EXCEPTION
        WHEN insufficient_privilege THEN EXIT;
        WHEN duplicate_object OR unique_violation OR internal_error THEN PERFORM pg_sleep(0.02 * attempt);  -- met another
      END;
    END LOOP;
  END LOOP;

  FOR role_name IN SELECT rolname FROM pg_roles WHERE rolname IN ('energyopti_app', 'energyopti_read') LOOP
    EXECUTE format('GRANT USAGE ON SCHEMA %s TO %I', here, role_name);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %s TO %I', here, role_name);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %s GRANT SELECT ON TABLES TO %I', here, role_name);
    CONTINUE WHEN role_name = 'energyopti_read';
    EXECUTE format('GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %s TO %I', here, role_name);
    EXECUTE format('GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA %s TO %I', here, role_name);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %s GRANT INSERT, UPDATE, DELETE ON TABLES TO %I', here, role_name);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %s GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO %I', here, role_name);
  END LOOP;

  -- Reports need no hashes, no failed logins, and no sessions: whoever reads a session's key is that person.
  -- Each start comes by here again, after all tables are made.
  FOREACH private IN ARRAY ARRAY[
    'organisations_user', 'organisations_apikey', 'organisations_invitation', 'django_session', 'axes_accessattempt',
    'axes_accessattemptexpiration', 'axes_accessfailurelog', 'axes_accesslog', 'api_keptanswer'
  ] LOOP
    CONTINUE WHEN to_regclass(here || '.' || private) IS NULL OR NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'energyopti_read');
    EXECUTE format('REVOKE SELECT ON %s.%I FROM energyopti_read', here, private);
  END LOOP;

  -- Functions with their owner's rights look for tables here: nobody else may put any in. Closed already since PostgreSQL 15; where
  -- this login may not close it, verify_ledger tells.
  BEGIN
    IF EXISTS (SELECT FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) x
               WHERE n.nspname = current_schema() AND x.grantee = 0 AND x.privilege_type = 'CREATE') THEN
      EXECUTE format('REVOKE CREATE ON SCHEMA %s FROM PUBLIC', here);
    END IF;
  EXCEPTION WHEN insufficient_privilege THEN
    NULL;
  END;

  -- What an app's migrations marked by a comment: tables that only functions write, and the functions that each role may call
  FOR marked IN SELECT c.oid::regclass::text AS name FROM pg_class c
                WHERE c.relnamespace = current_schema()::regnamespace AND obj_description(c.oid, 'pg_class') = 'Written by functions only' LOOP
    CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'energyopti_app');
    EXECUTE format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON %s FROM energyopti_app', marked.name);
    FOR numbers IN SELECT d.objid::regclass::text FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
                   WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = marked.name::regclass LOOP
      EXECUTE format('REVOKE USAGE, UPDATE ON SEQUENCE %s FROM energyopti_app', numbers);  -- whoever sets one back hides rows behind a seal
    END LOOP;
  END LOOP;
  FOR marked IN SELECT p.oid::regprocedure::text AS name, r.rolname FROM pg_proc p
                JOIN pg_roles r ON r.rolname = 'energyopti_app'
                  OR (r.rolname = 'energyopti_read' AND obj_description(p.oid, 'pg_proc') = 'Application: reads')
                WHERE p.pronamespace = current_schema()::regnamespace
                  AND obj_description(p.oid, 'pg_proc') IN ('Application: reads', 'Application: writes') LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', marked.name, marked.rolname);
  END LOOP;
END $$;
