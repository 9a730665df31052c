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
  taken integer := 0;
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
      taken := taken + 1;
      IF taken = 10000 AND missing > 0 THEN
        PERFORM recs_refuse('too-many', format('the first %s certificates lie in 10000 pieces, the most of one command', wanted - missing),
                            'quantity', 'EO400');
      END IF;
    END LOOP;
    EXIT WHEN missing = 0;
  END LOOP;
  IF missing > 0 THEN
    PERFORM recs_refuse('overdrawn', format('the account has %s of the %s certificates asked for', wanted - missing, wanted), 'quantity');
  END IF;
END $$;

-- Several of one holding, ascending. Its row shrinks once: with a version of it for each piece, all of which the index of the serials
-- keeps, a thousand pieces take a second and ten thousand a minute.
CREATE FUNCTION recs_pieces(command bigint, h recs_holding, pieces int8range[], account bigint, into_bucket smallint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  left_over int8multirange := int8multirange(h.serials) - (SELECT range_agg(p) FROM unnest(pieces) p);
  stays int8range;
  made bigint[];
BEGIN
  IF cardinality(pieces) = 1 THEN
    PERFORM recs_piece(command, h, pieces[1], account, into_bucket);
    RETURN;
  ELSIF isempty(left_over) THEN  -- the row moves with the last piece
    stays := pieces[cardinality(pieces)];
  ELSE
    SELECT r INTO stays FROM unnest(left_over) r LIMIT 1;
  END IF;
  UPDATE recs_holding SET serials = stays WHERE id = h.id AND serials IS NOT DISTINCT FROM h.serials AND entry_id IS NOT DISTINCT FROM h.entry_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'holding % has just changed', h.id USING ERRCODE = 'serialization_failure';
  END IF;
  INSERT INTO recs_holding (batch_id, serials, account_id, bucket, entry_id)
    SELECT h.batch_id, r, h.account_id, h.bucket, h.entry_id FROM unnest(left_over) r WHERE r <> stays;
  WITH given AS (
    INSERT INTO recs_entry (command_id, batch_id, serials, from_account_id, from_bucket, to_account_id, to_bucket, prev_id, hash)
      SELECT command, h.batch_id, p, h.account_id, h.bucket, account, into_bucket, h.entry_id, '' FROM unnest(pieces) p WHERE p <> stays
      RETURNING id)
  SELECT array_agg(id) INTO made FROM given;
  INSERT INTO recs_holding (batch_id, serials, account_id, bucket, entry_id)
    SELECT batch_id, serials, to_account_id, to_bucket, id FROM recs_entry WHERE id = ANY (made);
  IF isempty(left_over) THEN
    h.serials := stays;
    PERFORM recs_piece(command, h, stays, account, into_bucket);
  END IF;
END $$;

-- By serial numbers
CREATE FUNCTION recs_take_ranges(command bigint, source bigint, ranges jsonb, account bigint, into_bucket smallint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  missing bigint := (SELECT sum(upper(serials) - lower(serials)) FROM recs_asked(ranges));
  t record;
BEGIN
  FOR t IN SELECT h AS holding, array_agg(h.serials * asked.serials ORDER BY lower(asked.serials)) AS pieces,
                  sum(upper(h.serials * asked.serials) - lower(h.serials * asked.serials)) AS quantity FROM recs_asked(ranges) asked
           JOIN recs_holding h ON h.batch_id = asked.batch AND h.serials && asked.serials AND h.account_id = source AND h.bucket = 1
           GROUP BY h ORDER BY h LOOP  -- by its id
    PERFORM recs_pieces(command, t.holding, t.pieces, account, into_bucket);
    missing := missing - t.quantity;
  END LOOP;
  IF missing > 0 THEN
    SELECT batch, lower(asked - taken) AS serial INTO t
      FROM (SELECT batch, range_agg(serials) AS asked FROM recs_asked(ranges) GROUP BY 1) a
      CROSS JOIN LATERAL (SELECT coalesce(range_agg(serials), '{}') AS taken FROM recs_entry WHERE command_id = command AND batch_id = batch) e
      WHERE NOT isempty(asked - taken) ORDER BY 1 LIMIT 1;
    PERFORM recs_refuse_range(source, t.batch, t.serial);
  END IF;
END $$;

CREATE FUNCTION recs_asked(ranges jsonb) RETURNS TABLE (batch bigint, serials int8range) LANGUAGE sql IMMUTABLE AS $$
  SELECT (x ->> 'batch_id')::bigint, int8range((x ->> 'serial_start')::bigint, (x ->> 'serial_end')::bigint + 1)
  FROM jsonb_array_elements(ranges) x
$$;

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
