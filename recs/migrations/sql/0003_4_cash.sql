-- --- cash ------------------------------------------------------------------------------------------------------------------------------
-- The books of organisations are written by one command at a time. Locked ascending, before any line of them: two who trade with
-- each other never wait crosswise.
CREATE FUNCTION recs_lock_books(organisations bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  o bigint;
BEGIN
  FOR o IN SELECT DISTINCT x FROM unnest(organisations) x WHERE x IS NOT NULL ORDER BY 1 LOOP
    PERFORM pg_advisory_xact_lock(hashint8extended(o, 11));
  END LOOP;
END $$;

-- Each organisation's own legs sum to zero: what it is owed (or owes) against what it sold (or bought).
CREATE FUNCTION recs_legs(command bigint, owner bigint, party bigint, outside bigint, against text, amount bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO recs_cashaccount (organisation_id, kind, counterparty_id, external_id, balance_cents, credit_limit_cents)
    VALUES (owner, 'party', party, outside, 0, 0), (owner, against, NULL, NULL, 0, 0) ON CONFLICT DO NOTHING;
  INSERT INTO recs_cashentry (command_id, account_id, amount_cents, hash)
    SELECT command, id, CASE kind WHEN 'party' THEN amount ELSE -amount END, '' FROM recs_cashaccount
    WHERE organisation_id = owner AND (kind = against OR (kind = 'party' AND counterparty_id IS NOT DISTINCT FROM party
                                                          AND external_id IS NOT DISTINCT FROM outside))
    ORDER BY id;
END $$;

-- What the buyer owes the seller for a posted transfer; a reversal passes the negative
CREATE FUNCTION recs_settle(command bigint, seller recs_account, buyer recs_account, cents bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  sells boolean := seller.kind NOT IN ('external', 'world');
  buys boolean := buyer.kind NOT IN ('external', 'world');
BEGIN
  IF coalesce(cents, 0) = 0 THEN
    RETURN;
  END IF;
  PERFORM recs_lock_books(ARRAY[CASE WHEN sells THEN seller.organisation_id END, CASE WHEN buys THEN buyer.organisation_id END]);
  IF sells THEN
    PERFORM recs_legs(command, seller.organisation_id, CASE WHEN buys THEN buyer.organisation_id END,
                      CASE WHEN NOT buys THEN buyer.id END, 'trading', cents);
  END IF;
  IF buys THEN
    PERFORM recs_legs(command, buyer.organisation_id, CASE WHEN sells THEN seller.organisation_id END,
                      CASE WHEN NOT sells THEN seller.id END, 'trading', -cents);
  END IF;
END $$;
