DROP FUNCTION recs_seal(), recs_hash_before(bigint), recs_digest(bytea, bigint, bigint, bigint, bigint, bigint, bigint);
