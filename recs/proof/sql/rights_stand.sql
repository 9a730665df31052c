-- The application's roles write the journal by its functions alone
-- looks at: functions
WITH roles AS (SELECT oid, rolname::text AS name, rolsuper, rolbypassrls FROM pg_roles WHERE rolname IN ('energyopti_app', 'energyopti_read')),
journal AS (SELECT oid, relname::text AS name, relowner FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname IN
            ('recs_command', 'recs_entry', 'recs_holding', 'recs_retirement', 'recs_cashaccount', 'recs_cashentry', 'recs_seal')),
functions AS (SELECT oid, proname::text AS name, oid::regprocedure::text AS told, prosecdef, proconfig,
                     obj_description(oid, 'pg_proc') AS mark
              FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'recs\_%')
SELECT name AS id, format('the role %s is not there', name) AS found FROM (VALUES ('energyopti_app'), ('energyopti_read')) w (name)
WHERE name NOT IN (SELECT name FROM roles)
UNION ALL
SELECT name, format('the role %s is not bound by rights or row policies', name) FROM roles WHERE rolsuper OR rolbypassrls
UNION ALL
SELECT j.name, format('%s may write %s, or owns it', r.name, j.name) FROM roles r, journal j
WHERE has_table_privilege(r.oid, j.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER') OR has_any_column_privilege(r.oid, j.oid, 'INSERT, UPDATE')
   OR pg_has_role(r.oid, j.relowner, 'MEMBER')
UNION ALL
SELECT n.nspname, format('%s may create tables and functions in the schema %s, where the ledger looks for its own', who.name, n.nspname)
FROM pg_namespace n
CROSS JOIN (SELECT name, has_schema_privilege(oid, current_schema(), 'CREATE') AS may FROM roles
            UNION ALL SELECT 'anybody', EXISTS (SELECT FROM pg_namespace s CROSS JOIN aclexplode(s.nspacl) x
                                                WHERE s.nspname = current_schema() AND x.grantee = 0 AND x.privilege_type = 'CREATE')) who
WHERE n.nspname = current_schema() AND who.may
UNION ALL
SELECT f.name, format('%s %s execute %s', r.name, CASE WHEN has_function_privilege(r.oid, f.oid, 'EXECUTE') THEN 'may' ELSE 'may not' END, f.told)
FROM roles r, functions f
WHERE has_function_privilege(r.oid, f.oid, 'EXECUTE') <> CASE r.name
  WHEN 'energyopti_app' THEN f.name IN ('recs_issue', 'recs_move', 'recs_bulk', 'recs_resolve', 'recs_expire', 'recs_reverse', 'recs_cash', 'recs_seal')
    OR coalesce(f.mark = 'Application: reads', false)
  ELSE coalesce(f.mark = 'Application: reads', false) END
UNION ALL
SELECT name, format('%s acts with its owner''s rights and looks for tables wherever the caller says', told) FROM functions
WHERE prosecdef AND NOT coalesce('search_path=public, pg_temp' = ANY (proconfig), false)
