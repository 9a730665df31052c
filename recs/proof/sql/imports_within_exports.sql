-- What is imported was exported elsewhere: of the same generator and month, to this registry, and no more
-- looks at: batches
SELECT i.id, format('batch %s and its like bring %s to %s, export %s gave %s', i.id, i.quantity, i.registry_id, i.export_id,
                    coalesce(x.quantity, 0)) AS found
FROM (SELECT min(id) AS id, export_id, registry_id, generator_id, vintage, sum(upper(serials) - lower(serials)) AS quantity
      FROM recs_batch WHERE export_id IS NOT NULL GROUP BY export_id, registry_id, generator_id, vintage) i
LEFT JOIN recs_command c ON c.id = i.export_id AND c.kind = 'export'
LEFT JOIN LATERAL (
  SELECT sum(upper(e.serials) - lower(e.serials)) AS quantity
  FROM recs_command s JOIN recs_entry e ON e.command_id = s.id JOIN recs_batch b ON b.id = e.batch_id
  WHERE (s.id = c.id OR s.root_id = c.id) AND s.kind = 'confirm'
    AND b.generator_id = i.generator_id AND b.vintage = i.vintage AND b.registry_id <> i.registry_id) x ON true
WHERE c.to_registry_id IS DISTINCT FROM i.registry_id OR i.quantity > coalesce(x.quantity, 0)
UNION ALL
SELECT b.id, format('batch %s of organisation %s is of export %s of organisation %s', b.id, b.organisation_id, c.id, c.organisation_id)
FROM recs_batch b JOIN recs_command c ON c.id = b.export_id WHERE c.organisation_id <> b.organisation_id
UNION ALL
SELECT c.id, format('import %s names export %s, its batch %s', c.id, c.export_id, coalesce(b.export_id::text, 'none'))
FROM recs_command c JOIN recs_entry e ON e.command_id = c.id JOIN recs_batch b ON b.id = e.batch_id
WHERE c.kind = 'import' AND c.export_id IS DISTINCT FROM b.export_id
