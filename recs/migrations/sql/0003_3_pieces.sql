-- --- moving -------------------------------------------------------------------------------------------------------------------------
-- The remainder keeps its row. What is moved was read without a lock of its own, under those of recs_lock, and is compared again:
-- IS NOT DISTINCT FROM, since for = the planner would go by the index of the serials, which all versions of a row fill.
CREATE FUNCTION recs_piece(command bigint, h recs_holding, piece int8range, account bigint, into_bucket smallint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  e bigint;
  rest int8range;
BEGIN
  INSERT INTO recs_entry (command_id, batch_id, serials, from_account_id, from_bucket, to_account_id, to_bucket, prev_id, hash)
    VALUES (command, h.batch_id, piece, h.account_id, h.bucket, account, into_bucket, h.entry_id, '') RETURNING id INTO e;
  IF piece = h.serials THEN
    UPDATE recs_holding SET account_id = account, bucket = into_bucket, entry_id = e
      WHERE id = h.id AND serials IS NOT DISTINCT FROM h.serials AND entry_id IS NOT DISTINCT FROM h.entry_id;
  ELSE
    rest := CASE WHEN upper(piece) < upper(h.serials) THEN int8range(upper(piece), upper(h.serials)) ELSE h.serials - piece END;
    UPDATE recs_holding SET serials = rest
      WHERE id = h.id AND serials IS NOT DISTINCT FROM h.serials AND entry_id IS NOT DISTINCT FROM h.entry_id;
  END IF;
  IF NOT FOUND THEN  -- whoever holds our locks changes it one at a time: this was somebody else
    RAISE EXCEPTION 'holding % has just changed', h.id USING ERRCODE = 'serialization_failure';
  ELSIF piece = h.serials THEN
    RETURN;
  ELSIF lower(piece) > lower(h.serials) AND upper(piece) < upper(h.serials) THEN
    INSERT INTO recs_holding (batch_id, serials, account_id, bucket, entry_id)
      VALUES (h.batch_id, int8range(lower(h.serials), lower(piece)), h.account_id, h.bucket, h.entry_id);
  END IF;
  INSERT INTO recs_holding (batch_id, serials, account_id, bucket, entry_id) VALUES (h.batch_id, piece, account, into_bucket, e);
END $$;

-- The batches of which an account holds active certificates, oldest vintage first. The index is skipped through, batch by batch.
CREATE FUNCTION recs_batches(account bigint, criteria jsonb) RETURNS bigint[] LANGUAGE sql STABLE AS $$
  WITH RECURSIVE held AS (
    (SELECT batch_id FROM recs_holding WHERE account_id = account AND bucket = 1 ORDER BY batch_id LIMIT 1)
    UNION ALL
    SELECT (SELECT n.batch_id FROM recs_holding n WHERE n.account_id = account AND n.batch_id > held.batch_id AND n.bucket = 1
            ORDER BY n.batch_id LIMIT 1)
    FROM held WHERE held.batch_id IS NOT NULL
  )
  SELECT array_agg(b.id ORDER BY b.vintage, b.id) FROM held JOIN recs_batch b ON b.id = held.batch_id
  WHERE (criteria ->> 'batch_id' IS NULL OR b.id = (criteria ->> 'batch_id')::bigint)
    AND (criteria ->> 'registry' IS NULL OR b.registry_id = criteria ->> 'registry')
    AND (criteria ->> 'fuel_type' IS NULL OR b.fuel = criteria ->> 'fuel_type')
    AND (criteria ->> 'state' IS NULL OR b.state = criteria ->> 'state')
    AND (criteria ->> 'vintage_from' IS NULL OR b.vintage >= (criteria ->> 'vintage_from')::date)
    AND (criteria ->> 'vintage_to' IS NULL OR b.vintage <= (criteria ->> 'vintage_to')::date)
    AND (criteria ->> 'eligibility' IS NULL OR EXISTS (
      SELECT FROM recs_eligibility y WHERE y.generator_id = b.generator_id AND y.programme = criteria ->> 'eligibility'
        AND y.valid @> b.vintage))
$$;

-- By quantity: first in, first out over vintages; inside a batch the smallest holding that is enough, else the largest.
CREATE FUNCTION recs_take_quantity(command bigint, source bigint, wanted bigint, criteria jsonb, account bigint, into_bucket smallint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  one bigint := (criteria ->> 'batch_id')::bigint;
  batch bigint;
  h recs_holding;
  missing bigint := wanted;
  piece int8range;
BEGIN
  FOREACH batch IN ARRAY coalesce(
    CASE WHEN one IS NOT NULL AND criteria - 'batch_id' = '{}' THEN ARRAY[one] ELSE recs_batches(source, criteria) END, '{}') LOOP
    WHILE missing > 0 LOOP
      SELECT * INTO h FROM recs_holding WHERE account_id = source AND batch_id = batch AND bucket = 1 AND quantity >= missing
        ORDER BY quantity LIMIT 1;
      IF NOT FOUND THEN
        SELECT * INTO h FROM recs_holding WHERE account_id = source AND batch_id = batch AND bucket = 1
          ORDER BY quantity DESC LIMIT 1;
        EXIT WHEN NOT FOUND;
      END IF;
      piece := int8range(lower(h.serials), lower(h.serials) + least(h.quantity, missing));
      PERFORM recs_piece(command, h, piece, account, into_bucket);
      missing := missing - (upper(piece) - lower(piece));
    END LOOP;
    EXIT WHEN missing = 0;
  END LOOP;
  IF missing > 0 THEN
    PERFORM recs_refuse('overdrawn', format('the account has %s of the %s certificates asked for', wanted - missing, wanted), 'quantity');
  END IF;
END $$;

-- By serial numbers
CREATE FUNCTION recs_take_ranges(command bigint, source bigint, ranges jsonb, account bigint, into_bucket smallint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  r record;
  h recs_holding;
  next_serial bigint;
BEGIN
  FOR r IN SELECT (x ->> 'batch_id')::bigint AS batch, (x ->> 'serial_start')::bigint AS first, (x ->> 'serial_end')::bigint AS last
           FROM jsonb_array_elements(ranges) x ORDER BY 1, 2 LOOP
    next_serial := r.first;
    WHILE next_serial <= r.last LOOP
      SELECT * INTO h FROM recs_holding WHERE batch_id = r.batch AND serials && int8range(next_serial, next_serial + 1)
        AND account_id = source AND bucket = 1;
      IF NOT FOUND THEN
        PERFORM recs_refuse_range(source, r.batch, next_serial);
      END IF;
      PERFORM recs_piece(command, h, h.serials * int8range(next_serial, r.last + 1), account, into_bucket);
      next_serial := upper(h.serials);
    END LOOP;
  END LOOP;
END $$;

-- Why a serial cannot be taken; where somebody else has it, nothing is told of them
CREATE FUNCTION recs_refuse_range(source bigint, batch bigint, serial bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  there smallint;
BEGIN
  SELECT bucket INTO there FROM recs_holding
    WHERE batch_id = batch AND serials && int8range(serial, serial + 1) AND account_id = source;
  IF there = 9 THEN
    PERFORM recs_refuse('range-retired', format('serial %s of batch %s is retired: it never moves again', serial, batch), 'ranges');
  ELSIF there = 8 THEN
    PERFORM recs_refuse('range-exported', format('serial %s of batch %s was exported into another registry', serial, batch), 'ranges');
  ELSIF there = 2 THEN
    PERFORM recs_refuse('range-held', format('serial %s of batch %s is held for another command', serial, batch), 'ranges');
  END IF;
  PERFORM recs_refuse('range-not-owned', format('serial %s of batch %s is not in this account', serial, batch), 'ranges');
END $$;
