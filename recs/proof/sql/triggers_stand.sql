-- Each trigger that guards the ledger is there, does its part, and is not gone round by session_replication_role
-- looks at: triggers
WITH wanted (relation, name, function, fires) AS (VALUES
  ('recs_command', 'append_only', 'recs_append_only', 'before update delete row'),
  ('recs_command', 'never_emptied', 'recs_append_only', 'before truncate'),
  ('recs_command', 'command_guard', 'recs_command_guard', 'before insert row'),
  ('recs_command', 'hashed', 'recs_command_hashed', 'before insert row'),
  ('recs_command', 'command_proved', 'recs_command_proved', 'after insert row deferred'),
  ('recs_entry', 'append_only', 'recs_append_only', 'before update delete row'),
  ('recs_entry', 'never_emptied', 'recs_append_only', 'before truncate'),
  ('recs_entry', 'entry_chain', 'recs_entry_chain', 'before insert row'),
  ('recs_entry', 'entry_proved', 'recs_entry_proved', 'after insert row deferred'),
  ('recs_holding', 'never_deleted', 'recs_append_only', 'before delete row'),
  ('recs_holding', 'never_emptied', 'recs_append_only', 'before truncate'),
  ('recs_holding', 'holding_guard', 'recs_holding_guard', 'before insert update row'),
  ('recs_holding', 'holding_proved', 'recs_holding_proved', 'after insert update row deferred'),
  ('recs_retirement', 'append_only', 'recs_append_only', 'before update delete row'),
  ('recs_retirement', 'never_emptied', 'recs_append_only', 'before truncate'),
  ('recs_retirement', 'hashed', 'recs_retirement_hashed', 'before insert row'),
  ('recs_cashentry', 'append_only', 'recs_append_only', 'before update delete row'),
  ('recs_cashentry', 'never_emptied', 'recs_append_only', 'before truncate'),
  ('recs_cashentry', 'hashed', 'recs_cashentry_hashed', 'before insert row'),
  ('recs_cashaccount', 'never_deleted', 'recs_append_only', 'before delete row'),
  ('recs_cashaccount', 'never_emptied', 'recs_append_only', 'before truncate'),
  ('recs_cashaccount', 'balance_guard', 'recs_cash_balance_guard', 'before insert update row'),
  ('recs_cashaccount', 'balance_proved', 'recs_cash_balance_proved', 'after update row deferred when'),
  ('recs_seal', 'append_only', 'recs_append_only', 'before update delete row'),
  ('recs_seal', 'never_emptied', 'recs_append_only', 'before truncate'),
  ('recs_account', 'never_deleted', 'recs_append_only', 'before delete row'),
  ('recs_account', 'never_emptied', 'recs_append_only', 'before truncate'),
  ('recs_account', 'account_guard', 'recs_account_guard', 'before insert update row'),
  ('recs_generator', 'generator_guard', 'recs_generator_guard', 'before insert update row'),
  ('recs_registration', 'registration_guard', 'recs_registration_guard', 'before insert update row'),
  ('recs_batch', 'batch_guard', 'recs_batch_guard', 'before insert update row'),
  ('recs_batch', 'batch_stays', 'recs_batch_stays', 'before delete row'),
  ('recs_batch', 'never_emptied', 'recs_append_only', 'before truncate'),
  ('recs_batch', 'batch_within_export', 'recs_batch_within_export', 'after insert row when'),
  ('recs_generationread', 'read_guard', 'recs_read_guard', 'before insert update delete row'),
  ('recs_generationread', 'never_emptied', 'recs_append_only', 'before truncate'),
  ('recs_policy', 'deletion_remembered', 'recs_deletion_remembered', 'after delete row deferred'),
  ('recs_generator', 'deletion_remembered', 'recs_deletion_remembered', 'after delete row deferred'),
  ('recs_registration', 'deletion_remembered', 'recs_deletion_remembered', 'after delete row deferred'),
  ('recs_eligibility', 'deletion_remembered', 'recs_deletion_remembered', 'after delete row deferred'),
  ('recs_batch', 'deletion_remembered', 'recs_deletion_remembered', 'after delete row deferred'),
  ('recs_generationread', 'deletion_remembered', 'recs_deletion_remembered', 'after delete row deferred'),
  ('organisations_user', 'recs_named_stays', 'recs_named_stays', 'before update delete row of id'),
  ('organisations_organisation', 'recs_named_stays', 'recs_named_stays', 'before update delete row of id'),
  ('organisations_organisation', 'recs_organisation_guard', 'recs_organisation_guard', 'before update row when'),
  ('recs_historicalregistry', 'history_is_append_only', 'recs_append_only', 'before update delete row'),
  ('recs_historicalregistry', 'never_emptied', 'recs_append_only', 'before truncate'),
  ('recs_historicalaccount', 'history_is_append_only', 'recs_append_only', 'before update delete row'),
  ('recs_historicalaccount', 'never_emptied', 'recs_append_only', 'before truncate'),
  ('recs_historicalpolicy', 'history_is_append_only', 'recs_append_only', 'before update delete row'),
  ('recs_historicalpolicy', 'never_emptied', 'recs_append_only', 'before truncate'),
  ('recs_historicalgenerator', 'history_is_append_only', 'recs_append_only', 'before update delete row'),
  ('recs_historicalgenerator', 'never_emptied', 'recs_append_only', 'before truncate'),
  ('recs_historicalregistration', 'history_is_append_only', 'recs_append_only', 'before update delete row'),
  ('recs_historicalregistration', 'never_emptied', 'recs_append_only', 'before truncate'),
  ('recs_historicaleligibility', 'history_is_append_only', 'recs_append_only', 'before update delete row'),
  ('recs_historicaleligibility', 'never_emptied', 'recs_append_only', 'before truncate'),
  ('recs_historicalbatch', 'history_is_append_only', 'recs_append_only', 'before update delete row'),
  ('recs_historicalbatch', 'never_emptied', 'recs_append_only', 'before truncate'),
  ('recs_historicalgenerationread', 'history_is_append_only', 'recs_append_only', 'before update delete row'),
  ('recs_historicalgenerationread', 'never_emptied', 'recs_append_only', 'before truncate')
), there AS (
  SELECT c.relname::text AS relation, g.tgname::text AS name, p.proname::text AS function, g.tgenabled,
         concat_ws(' ', CASE WHEN g.tgtype & 2 = 2 THEN 'before' ELSE 'after' END, CASE WHEN g.tgtype & 4 = 4 THEN 'insert' END,
                   CASE WHEN g.tgtype & 16 = 16 THEN 'update' END, CASE WHEN g.tgtype & 8 = 8 THEN 'delete' END,
                   CASE WHEN g.tgtype & 32 = 32 THEN 'truncate' END, CASE WHEN g.tgtype & 1 = 1 THEN 'row' END,
                   CASE WHEN g.tginitdeferred THEN 'deferred' END, CASE WHEN g.tgqual IS NOT NULL THEN 'when' END,
                   (SELECT 'of ' || string_agg(a.attname, ' ') FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (g.tgattr))) AS fires
  FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_proc p ON p.oid = g.tgfoid
  WHERE NOT g.tgisinternal AND c.relnamespace = current_schema()::regnamespace
    AND (c.relname LIKE 'recs\_%' OR g.tgname LIKE 'recs\_%')
)
SELECT concat(relation, '.', name) AS id,
       CASE WHEN w.name IS NULL THEN format('trigger %s on %s is none of ours: it calls %s', name, relation, t.function)
            WHEN t.name IS NULL THEN format('trigger %s on %s is not there', name, relation)
            WHEN t.tgenabled <> 'A' THEN format('trigger %s on %s is not ENABLE ALWAYS', name, relation)
            ELSE format('trigger %s on %s calls %s %s, not %s %s', name, relation, t.function, t.fires, w.function, w.fires) END AS found
FROM wanted w FULL JOIN there t USING (relation, name)
WHERE t.tgenabled IS DISTINCT FROM 'A' OR (w.function, w.fires) IS DISTINCT FROM (t.function, t.fires)
