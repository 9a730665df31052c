-- Serials of a registry's base are in one batch, a generator's month is issued in one registry, metered days back one issuance
-- looks at: batches
-- As registries tell names apart: neither by letter case nor by blanks
SELECT b.id, format('batch %s (%s %s, %s) overlaps batch %s', b.id, b.registry_id, b.serial_base, b.serials, o.id) AS found
FROM recs_batch b JOIN recs_batch o ON o.registry_id = b.registry_id AND o.sandbox = b.sandbox AND o.serials && b.serials AND o.id < b.id
  AND upper(regexp_replace(o.serial_base, '[^!-~]', '', 'g') COLLATE "C")
    = upper(regexp_replace(b.serial_base, '[^!-~]', '', 'g') COLLATE "C")
WHERE b.voided_at IS NULL AND o.voided_at IS NULL
UNION ALL
SELECT b.id, format('batch %s: %s of generator %s is issued in %s, and by batch %s in %s',
                    b.id, to_char(b.vintage, 'YYYY-MM'), b.generator_id, b.registry_id, o.id, o.registry_id)
FROM recs_batch b JOIN recs_batch o ON o.generator_id = b.generator_id AND o.vintage = b.vintage
  AND o.registry_id <> b.registry_id AND o.id < b.id
WHERE b.export_id IS NULL AND o.export_id IS NULL AND b.voided_at IS NULL AND o.voided_at IS NULL
UNION ALL
SELECT b.id, format('batch %s is void, and account %s holds %s of it', b.id, h.account_id, h.serials)
FROM recs_batch b JOIN recs_holding h ON h.batch_id = b.id JOIN recs_account a ON a.id = h.account_id
WHERE b.voided_at IS NOT NULL AND (a.kind <> 'world' OR h.bucket <> 1)
UNION ALL
SELECT r.id, format('metered generation %s of generator %s overlaps %s', r.id, r.generator_id, o.id)
FROM recs_generationread r JOIN recs_generationread o ON o.generator_id = r.generator_id AND o.days && r.days AND o.id < r.id
UNION ALL
SELECT r.id, format('metered generation %s of generator %s, %s, backs batch %s of generator %s, %s',
                    r.id, r.generator_id, r.days, b.id, b.generator_id, to_char(b.vintage, 'YYYY-MM'))
FROM recs_generationread r JOIN recs_batch b ON b.id = r.batch_id
WHERE b.generator_id <> r.generator_id OR NOT r.days && daterange(b.vintage, (b.vintage + interval '1 month')::date)
UNION ALL
SELECT min(id), format('registrations %s have one name in %s: %s', string_agg(id::text, ' and ' ORDER BY id), registry_id,
                       string_agg(unit_id, ' and ' ORDER BY id))
FROM recs_registration  -- not joined with itself: PostgreSQL 18 would trust the unique index that this is to prove
GROUP BY registry_id, sandbox, upper(regexp_replace(unit_id, '[^!-~]', '', 'g') COLLATE "C") HAVING count(*) > 1
