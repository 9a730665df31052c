DO $$
DECLARE
  f regprocedure;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace AND p.proname = ANY (ARRAY[
    'recs_asked_ranges', 'recs_asked_criteria', 'recs_asked_registry', 'recs_asked_text', 'recs_lock_books', 'recs_retired_for',
    'recs_refuse', 'recs_may', 'recs_entered', 'recs_authorise', 'recs_policy_of', 'recs_open_account', 'recs_replayed', 'recs_written', 'recs_tell', 'recs_lock',
    'recs_piece', 'recs_batches', 'recs_take_quantity', 'recs_take_ranges', 'recs_pieces', 'recs_asked', 'recs_refuse_range', 'recs_legs', 'recs_settle', 'recs_issue',
    'recs_world', 'recs_stages', 'recs_move', 'recs_moved', 'recs_refuse_foreign', 'recs_bulk', 'recs_may_resolve', 'recs_offered', 'recs_resolve', 'recs_open_roots', 'recs_expire',
    'recs_reverse', 'recs_cash'
  ]) LOOP
    EXECUTE format('DROP FUNCTION %s', f);
  END LOOP;
END $$;
