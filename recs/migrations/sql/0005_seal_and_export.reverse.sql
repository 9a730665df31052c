DROP FUNCTION recs_seal(), recs_seal_cut(recs_seal, recs_seal, bigint), recs_hash_before(bigint), recs_digest(bytea, bigint, bigint, bigint, bigint, bigint, bigint);
