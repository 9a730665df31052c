-- The ledger's functions are those of this release
-- looks at: functions
-- :functions: name, body and whether it acts with its owner's rights (recs/proof/released.py)
SELECT w.name AS id, format('function %s %s', w.name,
                            CASE WHEN p.proname IS NULL THEN 'is not there' WHEN p.prosrc <> w.body THEN 'does something else than in this release'
                                 ELSE 'acts with other rights than in this release' END) AS found
FROM jsonb_to_recordset(:functions) AS w (name text, body text, definer boolean)
LEFT JOIN pg_proc p ON p.proname = w.name AND p.pronamespace = current_schema()::regnamespace
WHERE (p.prosrc, p.prosecdef) IS DISTINCT FROM (w.body, w.definer)
UNION ALL
-- Of these PostgreSQL keeps no text: hashes of made-up rows, as recs/proof/verify_pack.py computes them
SELECT made.name, format('function %s computes other hashes than in this release', made.name)
FROM (VALUES
  ('recs_entry_hash', 'ecb33be54e260e227bb0f65080a5ff6f184e3a994b6604d45ec2f20895df2888', recs_entry_hash(
    decode(repeat('00', 32), 'hex'), jsonb_populate_record(NULL::recs_entry, '{"id": 1, "command_id": 2, "batch_id": 3, "serials": "[4,6)",
      "from_account_id": 7, "from_bucket": 1, "to_account_id": 8, "to_bucket": 2, "prev_id": 9}'))),
  ('recs_command_hash', '3630ccb6a86d760b08aeefff4845bebd91afc98b5272434f03aba62141acf23f', recs_command_hash(
    jsonb_populate_record(NULL::recs_command, '{"id": 11, "key": "00000000-0000-0000-0000-000000000012", "request_hash": "\\x0d",
      "kind": "transfer", "organisation_id": 14, "counterparty_id": 15, "from_account_id": 16, "to_account_id": 17, "to_bucket": 1,
      "quantity": 18, "awaiting": "{approval,registry}", "root_id": 19, "resolves_id": 20, "reverses_id": 21, "export_id": 22,
      "to_registry_id": "nar", "price_cents": 23, "reason": "why", "reference": "X-1", "reference_date": "2024-05-01",
      "expires_at": "2024-05-02T03:04:05.000006Z", "self_approved": true, "made_by_id": 24, "request_id": "r1", "api_key": "k1",
      "created_at": "2024-05-01T00:00:00Z"}'))),
  ('recs_retirement_hash', '28826f21b3b18254a25f87e0304de33fb6f1e96e58fdc8b4a2dd6b506d3ca8dd', recs_retirement_hash(
    jsonb_populate_record(NULL::recs_retirement, '{"command_id": 11, "programme": "NJ Class I", "state": "NJ", "compliance_year": 2025,
      "tier": "I", "beneficiary": "Bakery", "reason": "Green"}'))),
  ('recs_cashentry_hash', '17b7624b3cb5920913a93542946360fa1bcce10ce06712f77d11f0221bc3997d', recs_cashentry_hash(
    jsonb_populate_record(NULL::recs_cashentry, '{"id": 31, "command_id": 11, "account_id": 32, "amount_cents": -33}')))
) made (name, wanted, hash)
WHERE encode(made.hash, 'hex') IS DISTINCT FROM made.wanted
