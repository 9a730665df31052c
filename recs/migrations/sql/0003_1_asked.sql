-- The commands of the ledger: one call each, made by recs/ledger.py. They run with the rights of the tables' owner, so each says
-- who may do it. Refusals carry a rule (CONSTRAINT), a field (COLUMN) and as SQLSTATE `EO` and the HTTP status.
--
-- Order in each: replay -> who may -> advisory locks: the journal's, then the source's, ascending -> the command row (its key is
-- unique: the same key waits for the first) -> pieces, one holding at a time -> cash, under its organisations' locks -> COMMIT,
-- where the proofs run. Bulk takes the locks of all its sources first; what resolves a command locks that command's row first.

CREATE FUNCTION recs_refuse(rule text, said text, field text DEFAULT '', state text DEFAULT 'EO409') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = state, MESSAGE = said, CONSTRAINT = rule, COLUMN = field;
END $$;

-- --- what was asked: JSON that anybody may have written is looked at before it is cast ------------------------------------------
-- [{"batch_id": 1, "serial_start": 1, "serial_end": 10}], both ends included; how many certificates that is
CREATE FUNCTION recs_asked_ranges(ranges jsonb) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  t record;
BEGIN
  IF jsonb_typeof(ranges) <> 'array' THEN
    PERFORM recs_refuse('malformed', 'ranges are a list of batch_id, serial_start and serial_end', 'ranges', 'EO400');
  ELSIF jsonb_array_length(ranges) NOT BETWEEN 1 AND 10000 THEN
    PERFORM recs_refuse('too-many', 'one command takes 1 to 10000 ranges', 'ranges', 'EO400');
  ELSIF EXISTS (
    SELECT FROM jsonb_array_elements(ranges) x CROSS JOIN unnest(ARRAY['batch_id', 'serial_start', 'serial_end']) name
    WHERE jsonb_typeof(x -> name) IS DISTINCT FROM 'number' OR x ->> name !~ '^-?[0-9]+$') THEN
    PERFORM recs_refuse('malformed', 'a range has the whole numbers batch_id, serial_start and serial_end', 'ranges', 'EO400');
  END IF;
  -- the number after the last serial has to be a bigint too
  SELECT bool_or(batch < 1 OR first < 0 OR last < first) AS wrong, bool_or(greatest(batch, last) >= 9223372036854775807) AS large,
         bool_or(first <= before) AS twice, sum(last - first + 1) AS quantity INTO t
    FROM (SELECT batch, first, last, lag(last) OVER (PARTITION BY batch ORDER BY first) AS before
          FROM (SELECT (x -> 'batch_id')::numeric AS batch, (x -> 'serial_start')::numeric AS first, (x -> 'serial_end')::numeric AS last
                FROM jsonb_array_elements(ranges) x) n) r;
  IF t.wrong THEN
    PERFORM recs_refuse('quantity', 'a range goes from a serial number to one that is not before it', 'ranges', 'EO400');
  ELSIF t.large OR t.quantity > 9223372036854775807 THEN
    PERFORM recs_refuse('quantity-too-large', 'serial numbers are at most 9223372036854775806', 'ranges', 'EO400');
  ELSIF t.twice THEN
    PERFORM recs_refuse('ranges-overlap', 'a serial number is named twice', 'ranges', 'EO400');
  END IF;
  RETURN t.quantity;
END $$;

-- Returns the batch, where they name one
CREATE FUNCTION recs_asked_criteria(criteria jsonb) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
  t record;
BEGIN
  IF criteria IS NULL OR criteria = '{}' THEN
    RETURN NULL;
  ELSIF jsonb_typeof(criteria) <> 'object' THEN
    PERFORM recs_refuse('criteria', 'criteria are names with values', 'criteria', 'EO400');
  ELSIF jsonb_typeof(criteria -> 'batch_id') = 'number' AND criteria ->> 'batch_id' ~ '^[1-9][0-9]{0,17}$' AND criteria - 'batch_id' = '{}' THEN
    RETURN (criteria ->> 'batch_id')::bigint;
  END IF;
  FOR t IN SELECT key, value, jsonb_typeof(value) AS kind, value #>> '{}' AS said FROM jsonb_each(criteria) WHERE value <> 'null' LOOP
    IF (CASE
      WHEN t.key = 'batch_id' THEN CASE WHEN t.kind = 'number' AND t.said ~ '^[0-9]+$' THEN t.said::numeric BETWEEN 1 AND 9223372036854775807 END
      WHEN t.key IN ('registry', 'fuel_type', 'eligibility') THEN t.kind = 'string'
      WHEN t.key = 'state' THEN t.kind = 'string' AND t.said ~ '^[A-Z]{2}$'
      WHEN t.key IN ('vintage_from', 'vintage_to') THEN t.kind = 'string' AND t.said ~ '^[12][0-9]{3}-(0[1-9]|1[0-2])-01$'  -- a month
    END) IS NOT TRUE THEN
      PERFORM recs_refuse('criteria', format('no certificates are found by this: %s', left(format('%s %s', t.key, t.said), 80)), 'criteria', 'EO400');
    END IF;
  END LOOP;
  IF criteria ->> 'vintage_from' > criteria ->> 'vintage_to' THEN
    PERFORM recs_refuse('criteria', 'the first vintage comes after the last', 'vintage_from', 'EO400');
  ELSIF criteria ->> 'registry' IS NOT NULL THEN
    PERFORM recs_asked_registry(criteria ->> 'registry', 'registry');
  END IF;
  RETURN (criteria ->> 'batch_id')::bigint;
END $$;

CREATE FUNCTION recs_asked_registry(asked text, field text) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM recs_registry WHERE code = asked AND kept_in_id IS NULL) THEN
    PERFORM recs_refuse('unknown-registry', 'there is no registry of this name that keeps certificates', field, 'EO400');
  END IF;
END $$;

CREATE FUNCTION recs_asked_text(said text, longest integer, field text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF length(said) > longest THEN
    PERFORM recs_refuse('too-long', format('this has at most %s characters', longest), field, 'EO400');
  END IF;
  RETURN coalesce(said, '');
END $$;
