"""The ledger's back office: business records with their reasons, the journal to look at, and commands by a page that asks why."""

from recs.admin import accounts, batches, commands, generators, journal, life, pack, portfolios, waiting

__all__ = ["accounts", "batches", "commands", "generators", "journal", "life", "pack", "portfolios", "waiting"]
