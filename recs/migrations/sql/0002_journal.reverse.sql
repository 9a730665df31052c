-- Triggers go with their functions
DROP FUNCTION recs_append_only(), recs_command_hashed(), recs_command_guard(), recs_named_stays(), recs_retirement_hashed(), recs_cashentry_hashed(), recs_cash_balance_guard(), recs_cash_balance_proved(),
  recs_entry_chain(), recs_holding_guard(), recs_entry_proved(), recs_holding_proved(), recs_command_proved(), recs_account_guard(),
  recs_organisation_guard(), recs_generator_guard(), recs_registration_guard(), recs_batch_guard(), recs_batch_stays(), recs_batch_within_export(),
  recs_read_guard(), recs_deletion_remembered() CASCADE;
DROP FUNCTION recs_lost(bigint, int8range, numeric), recs_voidable(recs_batch), recs_is_over(timestamptz, xid), recs_broken(text, text), recs_resolver_proved(recs_command, recs_command), recs_reversal_proved(recs_command),
  recs_same_transaction(bigint), recs_sees_commits(), recs_in_sandbox(bigint), recs_entry_hash(bytea, recs_entry),
  recs_command_hash(recs_command), recs_retirement_hash(recs_retirement), recs_cashentry_hash(recs_cashentry);
