-- What the ledger's functions, row policies, constraints, indexes, triggers and computed columns do, in PostgreSQL's own words
SELECT name, CASE WHEN name LIKE 'function %' THEN encode(sha256(convert_to(said, 'UTF8')), 'hex') ELSE said END AS said
FROM (
  SELECT name, replace(said, quote_ident(current_schema()) || '.', '') AS said FROM (
    SELECT 'function ' || oid::regprocedure AS name, pg_get_functiondef(oid) AS said FROM pg_proc
    WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'recs\_%' AND prokind <> 'a'
    UNION ALL
    SELECT format('policy %s on %s', p.polname, c.relname), concat_ws(' ',
             CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END, 'for', p.polcmd,
             'to', (SELECT string_agg(coalesce(r.rolname::text, 'public'), ', ' ORDER BY r.rolname)
                    FROM unnest(p.polroles) one LEFT JOIN pg_roles r ON r.oid = one),
             'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid))
    FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND (c.relname LIKE 'recs\_%' OR p.polname LIKE 'recs\_%')
    UNION ALL
    SELECT format('constraint %s on %s', k.conname, c.relname), pg_get_constraintdef(k.oid)
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relname LIKE 'recs\_%' AND k.contype IN ('c', 'f', 'p', 'u', 'x')
    UNION ALL
    SELECT format('index %s on %s', x.relname, c.relname), pg_get_indexdef(i.indexrelid)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname LIKE 'recs\_%'
    UNION ALL
    SELECT format('trigger %s on %s', g.tgname, c.relname), pg_get_triggerdef(g.oid) FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
    WHERE NOT g.tgisinternal AND c.relnamespace = current_schema()::regnamespace AND (c.relname LIKE 'recs\_%' OR g.tgname LIKE 'recs\_%')
    UNION ALL
    SELECT format('column %s of %s', a.attname, c.relname), pg_get_expr(d.adbin, d.adrelid)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname LIKE 'recs\_%' AND a.attgenerated <> ''
  ) told
) plain
