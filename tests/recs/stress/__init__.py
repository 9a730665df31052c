"""Processes that are killed while they work on the ledger, on a PostgreSQL that is killed too: `python -m tests.recs.stress`."""
